"""RFC 6902 with Kubernetes' answers."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
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
        # Of a missing field upstream's library makes one, and copies it as null.
        ({"a": 1}, [{"op": "replace", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": 1}, [{"op": "copy", "from": "/b", "path": "/c"}], {"a": 1, "c": None}),
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
        {"op": "replace", "path": "/x/y", "value": 1},
        {"op": "replace", "path": "/l/5", "value": 1},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/l/5", "value": 1},
        {"op": "add", "path": "/l/one", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "remove", "path": "/l/-"},
        {"op": "copy", "from": "/x/y", "path": "/y"},
        {"op": "copy", "from": "/l/5", "path": "/y"},
        {"op": "move", "from": "/x", "path": "/y"},
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


class Refused(Exception):
    """What the model does not do."""


def model(document: Any, operations: list[dict[str, Any]]) -> Any:
    """RFC 6902 done the plain way, in place, on a copy; but for missing fields as upstream's library does."""
    holder = {"": copy.deepcopy(document)}

    def parent(pointer: str) -> tuple[Any, str]:
        at: Any = holder
        *way, last = pointer.split("/")
        for part in [part.replace("~1", "/").replace("~0", "~") for part in way]:
            try:
                at = at[int(part) if isinstance(at, list) else part]
            except (KeyError, IndexError, ValueError, TypeError):
                raise Refused from None
        if not isinstance(at, dict | list):
            raise Refused
        return at, last.replace("~1", "/").replace("~0", "~")

    def there(at: Any, part: str) -> Any:
        if isinstance(at, dict) and part in at:
            return part
        if isinstance(at, list) and part.lstrip("-").isdecimal() and -len(at) <= int(part) < len(at):
            return int(part)
        raise Refused

    def take(pointer: str) -> Any:
        at, part = parent(pointer)
        return at[there(at, part)]

    def put(pointer: str, value: Any) -> None:
        at, part = parent(pointer)
        if isinstance(at, dict):
            at[part] = copy.deepcopy(value)
        elif part == "-":
            at.append(copy.deepcopy(value))
        else:
            at.insert(there([*at, None], part) % (len(at) + 1), copy.deepcopy(value))

    def drop(pointer: str) -> Any:
        at, part = parent(pointer)
        return at.pop(there(at, part))

    for each in operations:
        match each["op"]:
            case "add":
                put(each["path"], each["value"])
            case "remove":
                drop(each["path"])
            case "replace":
                at, part = parent(each["path"])
                at[part if isinstance(at, dict) else there(at, part)] = copy.deepcopy(each["value"])
            case "move":
                if each["path"].startswith(each["from"] + "/"):
                    raise Refused
                put(each["path"], drop(each["from"]))
            case "copy":
                at, part = parent(each["from"])
                put(each["path"], at.get(part) if isinstance(at, dict) else take(each["from"]))
            case "test":
                if not _same(take(each["path"]), each["value"]):
                    raise Refused
    return holder[""]


def _same(left: Any, right: Any) -> bool:
    """JSON's equality: Python's but for 1 and true, and null, for which the patch's library has a rule."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


_PARTS = st.sampled_from(["a", "b", "~1", "~0x", "~01", "0", "1", "2", "-", "-1"])
_POINTERS = st.lists(_PARTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
_SMALL = st.recursive(
    st.sampled_from([1, True, "x", 0, False]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "/", "~x", "~1"]), inner)
    ),
    max_leaves=6,
)
_OPERATIONS = st.one_of(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "test"]), "path": _POINTERS, "value": _SMALL}
    ),
    st.fixed_dictionaries({"op": st.just("remove"), "path": _POINTERS}),
    st.fixed_dictionaries({"op": st.sampled_from(["move", "copy"]), "from": _POINTERS, "path": _POINTERS}),
)


def _pointers(value: Any, at: str = "") -> list[str]:
    """Of all that is there."""
    found = [at] if at else []
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in parts:
        found += _pointers(item, f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}")
    return found


@st.composite
def _patched(draw: st.DrawFn) -> tuple[Any, list[dict[str, Any]]]:
    """A document, and operations most of which are on what is there."""
    document = draw(st.dictionaries(st.sampled_from(["a", "b", "/", "~x", "~1"]), _SMALL, min_size=1))
    operations = draw(st.lists(_OPERATIONS, min_size=1, max_size=3))
    for each in operations:
        for name in {"path", "from"} & each.keys():
            if draw(st.integers(0, 3)):
                each[name] = draw(st.sampled_from(_pointers(document)))
    if draw(st.booleans()):
        path = draw(st.sampled_from(_pointers(document)))
        operations.insert(0, {"op": "test", "path": path, "value": model_value(document, path)})
    return document, operations


def model_value(document: Any, pointer: str) -> Any:
    """What stands there."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key) if isinstance(document, list) else key]
    return document


@settings(max_examples=300)
@given(_patched())
def test_operations_at_random_do_what_a_plain_model_does(given: tuple[Any, list[dict[str, Any]]]) -> None:
    document, operations = given
    before = copy.deepcopy(document)
    try:
        expected = model(document, operations)
    except Refused:
        with pytest.raises(StatusError):
            json_patch.apply(document, operations)
    else:
        assert _same(json_patch.apply(document, operations), expected)
    assert _same(document, before)


@given(_SMALL, _SMALL)
def test_a_test_holds_for_what_is_equal_in_json_alone(left: Any, right: Any) -> None:
    operations = [{"op": "test", "path": "/a", "value": right}]
    if _same(left, right):
        assert json_patch.apply({"a": left}, operations) == {"a": left}
    else:
        with pytest.raises(StatusError):
            json_patch.apply({"a": left}, operations)


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ([1, 2], [1]),
        ([1], [1, 2]),
        ({"x": 1}, {}),
        ({"x": 1}, {"x": 1, "y": 1}),
        ({"x": 1}, {"y": 1}),
        (1, True),
    ],
)
def test_a_part_is_not_the_whole_to_a_test(there: Any, asked: Any) -> None:
    with pytest.raises(StatusError):
        json_patch.apply({"a": there}, [{"op": "test", "path": "/a", "value": asked}])
