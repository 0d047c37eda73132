"""Directives and keyed lists."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.machinery.patch import merge_patch, strategic_merge
from strongroom.machinery.patch.schema import FieldSchema
from strongroom.machinery.status import StatusError


class Fields:
    """A schema out of a dict."""

    def __init__(self, **fields: FieldSchema) -> None:
        self._fields = fields

    def field(self, name: str) -> FieldSchema | None:
        return self._fields.get(name)


MERGE = frozenset({"merge"})
CONTAINER = Fields(
    env=FieldSchema(MERGE, "name", Fields(valueFrom=FieldSchema(child=Fields()))), command=FieldSchema()
)
SPEC = Fields(
    containers=FieldSchema(MERGE, "name", CONTAINER),
    volumes=FieldSchema(frozenset({"merge", "retainKeys"}), "name", Fields()),
    tolerations=FieldSchema(),
    strategy=FieldSchema(frozenset({"retainKeys"}), "", Fields()),
    atomic=FieldSchema(frozenset({"replace"}), "", Fields()),
)
SCHEMA = Fields(
    metadata=FieldSchema(child=Fields(finalizers=FieldSchema(MERGE), labels=FieldSchema(child=Fields()))),
    spec=FieldSchema(child=SPEC),
    list=FieldSchema(MERGE, "name", Fields()),
    set=FieldSchema(MERGE),
    keyless=FieldSchema(MERGE),
)


def apply(original: dict[str, Any], patch: Any) -> dict[str, Any]:
    before = copy.deepcopy((original, patch))
    result = strategic_merge.apply(original, patch, SCHEMA)
    assert (original, patch) == before, "inputs must not change"
    return result


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


@pytest.mark.parametrize(
    ("original", "patch", "expected"),
    [
        pytest.param({"a": 1}, {"a": None}, {}, id="null deletes"),
        pytest.param({"a": 1}, {"b": None}, {"a": 1}, id="null for an absent key is dropped"),
        pytest.param({}, {"m": {"a": None, "b": 1}}, {"m": {"b": 1}}, id="nulls in a new map are dropped"),
        pytest.param({"m": {"a": 1}}, {"m": {"$patch": "replace", "b": 2}}, {"m": {"b": 2}}, id="replace"),
        pytest.param({"m": {"a": 1}}, {"m": {"$patch": "delete"}}, {"m": {}}, id="delete map"),
        pytest.param({"m": {"a": 1}}, {"m": {"$patch": "merge", "b": 2}},
                     {"m": {"a": 1, "b": 2}}, id="merge map"),
        pytest.param({"a": 1}, {"$patch": "replace", "b": 2}, {"b": 2}, id="replace the whole"),
        pytest.param({"m": [1]}, {"m": {"a": 1}}, {"m": {"a": 1}}, id="another type replaces"),
        pytest.param({"spec": {"atomic": {"a": 1}}}, {"spec": {"atomic": {"b": 2}}},
                     {"spec": {"atomic": {"b": 2}}}, id="strategy replace"),
        pytest.param({"list": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]},
                     {"list": [{"name": "b", "v": 3}]},
                     {"list": [{"name": "a", "v": 1}, {"name": "b", "v": 3}]}, id="merge by key"),
        pytest.param({"list": named("a")}, {"list": named("b")}, {"list": named("b", "a")},
                     id="a new element comes first without an order, as upstream"),
        pytest.param({"list": named("a", "b")}, {"list": [{"$patch": "delete", "name": "a"}]},
                     {"list": named("b")}, id="delete by key"),
        pytest.param({"list": named("a", "b")}, {"list": [{"$patch": "replace"}, {"name": "c"}]},
                     {"list": named("c")}, id="replace list"),
        pytest.param({"list": named("a")}, {"list": None}, {}, id="null deletes a list"),
        pytest.param({}, {"list": [{"$patch": "delete", "name": "x"}, {"name": "a"}]}, {"list": named("a")},
                     id="directives vanish in a new list"),
        pytest.param({"set": [1, 2]}, {"set": [2, 3]}, {"set": [1, 2, 3]}, id="union of primitives"),
        pytest.param({"set": ["a", "b"]}, {"$deleteFromPrimitiveList/set": ["a"]}, {"set": ["b"]},
                     id="delete primitives"),
        pytest.param({}, {"$deleteFromPrimitiveList/set": ["a"]}, {}, id="delete primitives of nothing"),
        pytest.param({"spec": {"tolerations": [{"key": "a"}]}}, {"spec": {"tolerations": [{"key": "b"}]}},
                     {"spec": {"tolerations": [{"key": "b"}]}}, id="atomic list"),
        pytest.param({"unknown": [{"x": 1}]}, {"unknown": [{"y": 1}]}, {"unknown": [{"y": 1}]},
                     id="a list that the schema does not know is atomic"),
        pytest.param({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}},
                     {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
                     {"spec": {"strategy": {"type": "Recreate"}}}, id="retainKeys"),
        pytest.param({}, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
                     {"spec": {"strategy": {"type": "Recreate"}}}, id="retainKeys in a new map"),
        pytest.param({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}},
                     {"spec": {"volumes": [{"$retainKeys": ["name", "secret"], "name": "v", "secret": {}}]}},
                     {"spec": {"volumes": [{"name": "v", "secret": {}}]}}, id="retainKeys in a list element"),
        pytest.param({"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}},
                     {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "2"},
                                                                    {"name": "B", "value": "3"}]}]}},
                     {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "2"},
                                                                    {"name": "B", "value": "3"}]}]}},
                     id="nested lists by key"),
    ],
)  # fmt: skip
def test_directives(original: Any, patch: Any, expected: Any) -> None:
    assert apply(original, patch) == expected


@pytest.mark.parametrize(
    ("original", "patch", "expected"),
    [
        ({"list": named("a", "b")}, {"$setElementOrder/list": named("b", "a")}, {"list": named("b", "a")}),
        ({"list": named("a", "x", "b")}, {"$setElementOrder/list": named("a", "b", "c"), "list": named("c")},
         {"list": named("a", "x", "b", "c")}),
        ({"list": named("x", "a", "y")}, {"$setElementOrder/list": named("b", "a"), "list": named("b")},
         {"list": named("b", "x", "a", "y")}),
        ({}, {"$setElementOrder/list": named("b", "a"), "list": named("b", "a")}, {"list": named("b", "a")}),
        ({"list": named("a", "b")},
         {"$setElementOrder/list": named("b"), "list": [{"$patch": "delete", "name": "a"}]},
         {"list": named("b")}),
        ({"set": ["a", "b"]}, {"$setElementOrder/set": ["b", "a"]}, {"set": ["b", "a"]}),
        ({"set": ["x", "b"]}, {"$setElementOrder/set": ["a", "b"], "set": ["a"]}, {"set": ["a", "x", "b"]}),
        ({}, {"$setElementOrder/list": named("a")}, {}),
        ({"list": named("a")}, {"$setElementOrder/list": named("a"), "list": None}, {}),
        ({}, {"spec": {"$setElementOrder/containers": named("a"), "containers": named("a")}},
         {"spec": {"containers": named("a")}}),
    ],
)  # fmt: skip
def test_element_order(original: Any, patch: Any, expected: Any) -> None:
    assert apply(original, patch) == expected


@pytest.mark.parametrize(
    ("patch", "code", "text"),
    [
        ([], 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ({"$deleteFromPrimitiveList/set": "a"}, 400, "invalid patch format of primitive list"),
        ({"m": {"$retainKeys": "a"}}, 400, "invalid patch format of retainKeys"),
        ({"m": {"$retainKeys": ["a"], "b": 1}}, 400, "invalid patch format of retainKeys"),
        ({"$setElementOrder/list": "a"}, 400, "invalid patch format of setElementOrder list"),
        ({"list": [{"v": 1}]}, 500, "map: map[v:1] does not contain declared merge key: name"),
        ({"list": [{"$patch": "delete", "v": 1}]}, 500,
         "map: map[$patch:delete v:1] does not contain declared merge key: name"),
        ({"list": [{"$patch": "merge", "name": "a"}]}, 500,
         "merging lists cannot yet be specified in the patch"),
        ({"list": [{"$patch": "grow"}]}, 500, "unknown patch type: grow in map: map[$patch:grow]"),
        ({"m": {"$patch": "grow"}}, 500, "unknown patch type: grow in map: map[$patch:grow]"),
        ({"list": ["a"]}, 500, "list element types are not identical: [[map[name:a]] [a]]"),
        ({"keyless": [{"a": 1}]}, 500, "cannot merge lists without merge key"),
        ({"list": [["a"]]}, 422, "the server rejected our request due to an error in our request"),
        ({"$setElementOrder/list": named("b"), "list": named("b", "c")}, 500,
         "The order in patch list:\n[map[name:b] map[name:c]]\n doesn't match $setElementOrder list:\n"
         "[map[name:b]]\n"),
        ({"$setElementOrder/list": [{"name": {}}]}, 400,
         "object where a list element is told apart by its value"),
    ],
)  # fmt: skip
def test_errors(patch: Any, code: int, text: str) -> None:
    original: dict[str, Any] = {"list": named("a"), "set": ["a"], "m": {"a": 1}, "keyless": [{"a": 0}]}
    with pytest.raises(StatusError) as caught:
        apply(original, patch)
    assert (caught.value.code, str(caught.value)) == (code, text)


keys = st.sampled_from("abcde")
elements = st.lists(st.builds(lambda n, v: {"name": n, "v": v}, keys, st.integers(0, 2)), max_size=4,
                    unique_by=lambda element: element["name"])  # fmt: skip
primitives = st.lists(st.integers(0, 5), max_size=4, unique=True)
documents = st.fixed_dictionaries(
    {},
    optional={"list": elements, "set": primitives, "m": st.dictionaries(keys, st.integers(0, 2), max_size=3)},
)


@given(documents, documents)
def test_applying_twice_is_applying_once(original: dict[str, Any], patch: dict[str, Any]) -> None:
    once = apply(original, patch)
    assert apply(once, patch) == once


@given(documents, elements)
def test_every_element_of_the_patch_is_in_the_result_and_none_is_lost(
    original: dict[str, Any], patch: list[dict[str, Any]]
) -> None:
    result = apply(original, {"list": patch}).get("list", [])
    by_name = {element["name"]: element for element in result}
    assert len(by_name) == len(result)
    assert by_name.keys() == {e["name"] for e in original.get("list", [])} | {e["name"] for e in patch}
    assert all(by_name[element["name"]] == element for element in patch)


@given(documents, elements, st.randoms(use_true_random=False))
def test_set_element_order_holds(original: dict[str, Any], patch: list[dict[str, Any]], random: Any) -> None:
    order = named(*{e["name"] for e in [*original.get("list", []), *patch] if random.random() < 0.7})
    random.shuffle(order)
    wanted = [element["name"] for element in order]
    patch = sorted((e for e in patch if e["name"] in wanted), key=lambda e: wanted.index(e["name"]))
    result = apply(original, {"$setElementOrder/list": order, "list": patch}).get("list", [])
    found = [element["name"] for element in result]
    assert [name for name in found if name in wanted] == [name for name in wanted if name in found]
    server_only = [e["name"] for e in original.get("list", []) if e["name"] not in wanted]
    assert [name for name in found if name not in wanted] == server_only


nested = st.dictionaries(keys, st.integers(0, 2), max_size=2)


@given(
    st.dictionaries(keys, st.integers(0, 2) | nested, max_size=3),
    st.dictionaries(keys, st.none() | st.integers(0, 2) | nested, max_size=3),
)
def test_without_lists_and_directives_it_is_a_merge_patch(original: Any, patch: Any) -> None:
    assert apply(original, patch) == merge_patch.apply(original, patch)


_NAMES = st.sampled_from("AB")


def _keyed(element: st.SearchStrategy[dict[str, Any]], *, patch: bool) -> st.SearchStrategy[list[Any]]:
    """A list whose elements have names of their own; in a patch some say that they go."""
    named_ones = st.builds(lambda name, rest: {"name": name, **rest}, _NAMES, element)
    going = _NAMES.map(lambda name: {"$patch": "delete", "name": name})
    return st.lists(
        named_ones | going if patch else named_ones, max_size=3, unique_by=lambda e: str(e["name"])
    )


def _pods(*, patch: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Most have lists in lists: only where both sides have them is there anything to merge."""

    def some(
        required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]
    ) -> st.SearchStrategy[dict[str, Any]]:
        each = {key: values | st.none() if patch else values for key, values in optional.items()}
        return st.fixed_dictionaries(required, optional=each)

    value = st.integers(0, 2)
    env = _keyed(some({}, value=value, valueFrom=some({}, k=value)), patch=patch)
    container = some({"env": env}, image=value, command=st.lists(value, max_size=2))
    containers = _keyed(container, patch=patch)
    spec = some({"containers": containers}, tolerations=st.lists(nested, max_size=2), n=value)
    return some({}, spec=spec, metadata=some({}, labels=some({}, a=value, b=value)))


def _as_maps(value: Any) -> Any:
    """Lists of named elements as maps by their names, in which what goes is null."""
    if isinstance(value, dict):
        return {key: _as_maps(item) for key, item in value.items() if key != "name"}
    if not isinstance(value, list) or not all(isinstance(item, dict) and "name" in item for item in value):
        return value
    return {item["name"]: None if "$patch" in item else _as_maps(item) for item in value}


@settings(max_examples=300)
@given(_pods(patch=False), _pods(patch=True))
def test_of_maps_by_their_names_keyed_lists_are_merged_as_by_a_merge_patch(
    original: dict[str, Any], patch: dict[str, Any]
) -> None:
    """Wherever they stand: each list by the key that the schema of its own place gives it."""
    expected = merge_patch.apply(_as_maps(original), _as_maps(patch))
    assert _without_empty(_as_maps(apply(original, patch))) == _without_empty(expected)


def _without_empty(value: Any) -> Any:
    """An empty list of named elements cannot be told from another empty list, nor from the map of none."""
    if isinstance(value, dict):
        return {key: None if item in ([], {}) else _without_empty(item) for key, item in value.items()}
    return value


def test_elements_may_come_twice() -> None:
    patch = {"list": [{"name": "b", "v": 1}, {"name": "b", "w": 2}]}
    assert apply({"list": named("a")}, patch)["list"] == [{"name": "b", "v": 1, "w": 2}, {"name": "a"}]


def deep(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"m": value}
    return value


def test_depth() -> None:
    with pytest.raises(StatusError, match="exceeded max depth"):
        strategic_merge.apply(deep(5000), deep(5000), SCHEMA)
    with pytest.raises(StatusError, match="exceeded max depth"):
        merge_patch.apply(deep(5000), deep(5000))


def test_long_lists_take_linear_time() -> None:
    original = {"list": [{"name": f"a{i}"} for i in range(20_000)], "set": list(range(20_000))}
    patch = {
        "list": [{"name": f"a{i}", "v": 1} for i in range(10_000, 30_000)]
        + [{"$patch": "delete", "name": f"a{i}"} for i in range(10_000)],
        "$deleteFromPrimitiveList/set": list(range(10_000)),
    }
    result = strategic_merge.apply(original, patch, SCHEMA)
    assert (len(result["list"]), len(result["set"])) == (20_000, 10_000)
