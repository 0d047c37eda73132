import pytest

from strongroom.machinery.patch.apply import extraction
from strongroom.machinery.patch.apply.errors import TypedError
from strongroom.testing.apply_types import KIND


def test_leaves_elements_and_empty_collections() -> None:
    document = {
        "data": {},
        "type": None,
        "spec": {"selector": {"a": "b"}, "size": 1},
        "command": ["x", "x"],
        "ports": [{"port": 80, "host": "h"}],
        "metadata": {"finalizers": ["a/b"], "labels": {"l": "v"}},
    }
    assert extraction.fields(document, KIND) == {
        "f:data": {},
        "f:type": {},
        "f:spec": {"f:selector": {}, "f:size": {}},
        "f:command": {},
        "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:host": {}}},
        "f:metadata": {"f:finalizers": {'v:"a/b"': {}}, "f:labels": {"f:l": {}}},
    }


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"foo": 1}, ".foo: field not declared in schema"),
        ({"spec": {"selector": {"a": 1}}}, "{Value:1}"),
        ({"type": 5}, ".type: expected string, got &value.valueUnstructured{Value:5}"),
        ({"spec": {"size": "1"}}, ".spec.size: expected numeric (int or float), got string"),
        ({"spec": []}, ".spec: expected map, got ([]interface {})"),
        ({"ports": {}}, ".ports: expected list, got (map[string]interface {})"),
        (
            {"ports": [{"host": "h"}]},
            ".ports: element 0: associative list with keys has an element that omits key field "
            '"port" (and doesn\'t have default value)',
        ),
        (
            {"ports": [{"port": 80}, {"port": 80, "protocol": "TCP"}]},
            '.ports: duplicate entries for key [port=80,protocol="TCP"]',
        ),
        ({"metadata": {"finalizers": ["a", "a"]}}, '.metadata.finalizers: duplicate entries for key [="a"]'),
    ],
)
def test_what_does_not_fit(document: object, text: str) -> None:
    with pytest.raises(TypedError) as caught:
        extraction.fields(document, KIND)
    assert str(caught.value).endswith(text)


def test_several_problems_are_listed() -> None:
    with pytest.raises(TypedError) as caught:
        extraction.fields({"a": 1, "type": True}, KIND)
    assert str(caught.value) == (
        "errors:\n  .a: field not declared in schema\n"
        "  .type: expected string, got &value.valueUnstructured{Value:true}"
    )


def test_confidential_values_are_not_shown() -> None:
    with pytest.raises(TypedError) as caught:
        extraction.fields({"data": {"pin": 90210}}, KIND)
    assert str(caught.value) == ".data.pin: expected string, got &value.valueUnstructured{Value:(int64)}"
