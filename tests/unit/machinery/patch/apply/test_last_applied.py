import orjson

from strongroom.machinery.gvk import Object
from strongroom.machinery.meta import ANNOTATIONS_MAX
from strongroom.machinery.patch.apply import last_applied
from strongroom.machinery.patch.apply.last_applied import ANNOTATION
from strongroom.testing.apply_types import KIND


def with_annotation(text: str, **fields: object) -> Object:
    return {"metadata": {"name": "n", "annotations": {ANNOTATION: text, "a": "b"}}, **fields}


def test_what_is_as_it_was_applied_is_owned() -> None:
    text = orjson.dumps({"data": {"k": "1", "l": "2", "gone": "3"}, "type": "T"}).decode()
    live = with_annotation(text, data={"k": "1", "l": "changed", "more": "4"}, type="T")
    assert last_applied.owned(live, KIND) == {"f:data": {"f:k": {}}, "f:type": {}}


def test_an_annotation_that_can_not_be_read_owns_nothing() -> None:
    for text in ("", "{", "[]", "7", "null"):
        assert last_applied.owned(with_annotation(text, type="T"), KIND) == {}
    assert last_applied.owned({"metadata": {}}, KIND) == {}


def test_refresh_writes_as_kubectl_does() -> None:
    document = {
        "type": "<T>",
        "metadata": {"name": "n", "annotations": {ANNOTATION: "old", "x": "y"}},
    }
    live = with_annotation("old")
    fresh = last_applied.refresh(live, document)
    assert fresh["metadata"]["annotations"] == {
        ANNOTATION: '{"metadata":{"annotations":{"x":"y"},"name":"n"},"type":"\\u003cT\\u003e"}\n',
        "a": "b",
    }
    assert live == with_annotation("old")


def test_refresh_of_none_or_of_too_much() -> None:
    assert last_applied.refresh({"metadata": {"name": "n"}}, {}) == {"metadata": {"name": "n"}}
    long = {"data": {"k": "x" * ANNOTATIONS_MAX}}
    assert last_applied.refresh(with_annotation("old"), long)["metadata"]["annotations"] == {"a": "b"}
