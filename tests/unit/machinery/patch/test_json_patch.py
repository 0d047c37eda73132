"""RFC 6902 with Kubernetes' answers."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.patch import json_patch
from strongroom.machinery.status import StatusError

REJECTED = "the server rejected our request due to an error in our request"


@pytest.mark.parametrize(
    ("document", "operations", "expected"),
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": 1}, [{"op": "add", "path": "/a", "value": 2}], {"a": 2}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/-1"}], {"a": [1]}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"a": {"b": 1}}, [{"op": "replace", "path": "/a/b", "value": {"c": 1}}], {"a": {"b": {"c": 1}}}),
        ({"a": [1, 2]}, [{"op": "replace", "path": "/a/0", "value": 9}], {"a": [9, 2]}),
        ({"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}], {"b": 1}),
        ({"a": {"x": 1}}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": {"x": 1}, "b": {"x": 1}}),
        ({"a/b": {"c~d": 1}}, [{"op": "remove", "path": "/a~1b/c~0d"}], {"a/b": {}}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1}),
        ({"a": 1}, [{"op": "test", "path": "/b", "value": None}], {"a": 1}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": {"": 1}}, [{"op": "remove", "path": "/a/"}], {"a": {}}),
        ({"a": 1}, [], {"a": 1}),
    ],
)
def test_applies(document: Any, operations: Any, expected: Any) -> None:
    before = copy.deepcopy(document)
    assert json_patch.apply(document, operations) == expected
    assert document == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/a", "value": True},
        {"op": "test", "path": "/x/y", "value": None},
        {"op": "remove", "path": "/x"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/l/5", "value": 1},
        {"op": "add", "path": "/l/one", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "remove", "path": "/l/-"},
        {"op": "copy", "from": "/x", "path": "/y"},
        {"op": "copy", "path": "/y"},
        {"op": "move", "from": "/m", "path": "/m/n"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "value": 1},
        {"op": "grow", "path": "/a"},
        {"path": "/a"},
    ],
)
def test_what_does_not_fit_is_unprocessable_without_a_reason(operation: dict[str, Any]) -> None:
    with pytest.raises(StatusError) as caught:
        json_patch.apply({"a": 1, "l": [1], "m": {}}, [operation])
    assert (caught.value.code, caught.value.reason, str(caught.value)) == (422, "Invalid", REJECTED)
    assert caught.value.details == {}


def test_wrong_documents() -> None:
    with pytest.raises(StatusError) as caught:
        json_patch.apply({}, {"op": "add"})
    assert caught.value.code == 400
    assert str(caught.value) == (
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
    )
    assert json_patch.apply({"a": 1}, None) == {"a": 1}
    with pytest.raises(StatusError) as caught:
        json_patch.apply({}, [None])
    assert caught.value.code == 422
    with pytest.raises(StatusError) as caught:
        json_patch.apply({}, ["x"])
    assert str(caught.value) == (
        "error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp"
    )


def test_too_many_operations() -> None:
    with pytest.raises(StatusError) as caught:
        json_patch.apply({"a": 1}, [{"op": "test", "path": "/a", "value": 1}] * 10_001)
    assert (caught.value.code, str(caught.value)) == (
        413,
        "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
    )


def test_copies_of_copies_do_not_fill_the_memory() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 40
    with pytest.raises(StatusError) as caught:
        json_patch.apply({"a": ["x" * 100]}, doubling)
    assert caught.value.code == 422


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=4), st.text(max_size=3), values)
def test_add_then_test_then_remove(document: dict[str, Any], key: str, value: Any) -> None:
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    added = json_patch.apply(
        document, [{"op": "add", "path": path, "value": value}, {"op": "test", "path": path, "value": value}]
    )
    assert added == {**document, key: value}
    removed = json_patch.apply(added, [{"op": "remove", "path": path}])
    assert removed == {k: v for k, v in document.items() if k != key}
