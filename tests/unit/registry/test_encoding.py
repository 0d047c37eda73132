import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.registry import encoding

HEAD = b'{"kind":"Secret","apiVersion":"v1",'
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
objects = st.builds(
    lambda name, rest: {"data": rest, "metadata": {"name": name}, "apiVersion": "v1", "kind": "Secret"},
    st.text(min_size=1),
    json_values,
)


def test_order_is_kind_version_metadata_and_the_rest() -> None:
    obj = {
        "data": {},
        "metadata": {"resourceVersion": "5", "name": "a"},
        "apiVersion": "v1",
        "kind": "Secret",
    }
    assert encoding.encode(obj) == HEAD + b'"metadata":{"name":"a"},"data":{}}'
    assert obj["metadata"] == {"resourceVersion": "5", "name": "a"}


def test_head() -> None:
    assert encoding.head("v1", "Secret") == HEAD


@given(objects, st.integers(1, 2**63))
def test_version_is_spliced_in_and_nothing_else_changes(obj: dict[str, object], revision: int) -> None:
    spliced = orjson.loads(encoding.with_revision(encoding.encode(obj), len(HEAD), revision))
    assert next(iter(spliced["metadata"])) == "resourceVersion"
    assert spliced["metadata"].pop("resourceVersion") == str(revision)
    assert spliced == obj


@given(objects)
def test_object_is_the_same_as_itself_in_any_order(obj: dict[str, object]) -> None:
    assert encoding.same(obj, dict(sorted(encoding.copy(obj).items())))


@pytest.mark.parametrize(("a", "b"), [(1, True), (0, False), (1, 1.0), (1, 2), (None, 0), ([], {})])
def test_values_of_different_types_differ(a: object, b: object) -> None:
    assert not encoding.same({"x": a}, {"x": b})


def test_copy_shares_nothing() -> None:
    obj = {"a": {"b": [1]}}
    duplicate = encoding.copy(obj)
    duplicate["a"]["b"].append(2)
    assert obj == {"a": {"b": [1]}}


def test_uids_are_random_version_4() -> None:
    uids = {encoding.new_uid() for _ in range(500)}
    assert len(uids) == 500
    for uid in uids:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uid)
