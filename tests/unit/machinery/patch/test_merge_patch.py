"""RFC 7386, its examples and its laws."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.patch import merge_patch
from strongroom.machinery.status import StatusError


@pytest.mark.parametrize(
    ("original", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({"a": "foo"}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_examples(original: Any, patch: Any, expected: Any) -> None:
    before = copy.deepcopy(original)
    assert merge_patch.apply(original, patch) == expected
    assert original == before


def test_anything_but_an_object_is_refused() -> None:
    with pytest.raises(StatusError) as caught:
        merge_patch.apply({}, [1])
    assert (caught.value.code, str(caught.value)) == (
        400,
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    )


def objects(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.sampled_from("abcd")
    return st.dictionaries(
        keys,
        st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=6),
        max_size=4,
    )


scalars = st.integers(0, 3) | st.text("xy", max_size=2) | st.lists(st.integers(0, 2), max_size=2)


@given(objects(scalars), objects(scalars | st.none()))
def test_applying_twice_is_applying_once(original: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy((original, patch))
    once = merge_patch.apply(original, patch)
    assert merge_patch.apply(once, patch) == once
    assert (original, patch) == before


@given(objects(scalars))
def test_an_empty_patch_changes_nothing(original: dict[str, Any]) -> None:
    assert merge_patch.apply(original, {}) == original


@given(objects(scalars), objects(scalars | st.none()))
def test_null_deletes(original: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge_patch.apply(original, patch)
    assert all(key not in merged for key, value in patch.items() if value is None)
    assert all(merged[key] == value for key, value in original.items() if key not in patch)
