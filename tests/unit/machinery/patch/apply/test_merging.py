from typing import Any

import pytest

from strongroom.machinery.patch.apply import merging
from strongroom.testing.apply_types import KIND


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("abc", "ca", "bca"),
        ("ab", "xb", "axb"),
        ("ab", "x", "abx"),
        ("abcd", "dcba", "dcba"),
        ("abc", "b", "abc"),
        ("", "ab", "ab"),
        ("ab", "", "ab"),
        ("abc", "axc", "abxc"),
    ],
)
def test_order_of_lists(live: str, applied: str, merged: str) -> None:
    def finalizers(text: str) -> Any:
        return {"metadata": {"finalizers": list(text)}}

    assert merging.merge(finalizers(live), finalizers(applied), KIND) == finalizers(merged)


def test_elements_are_joined_by_their_keys() -> None:
    live = {"ports": [{"port": 80, "protocol": "TCP", "host": "a"}, {"port": 80, "protocol": "UDP"}]}
    merged = merging.merge(live, {"ports": [{"port": 80, "host": "b"}]}, KIND)
    assert merged == {
        "ports": [{"port": 80, "protocol": "TCP", "host": "b"}, {"port": 80, "protocol": "UDP"}]
    }
    assert live["ports"][0]["host"] == "a"


def test_atomic_parts_are_replaced() -> None:
    live = {"spec": {"selector": {"a": "1"}, "note": "n"}, "command": ["a", "b"]}
    merged = merging.merge(live, {"spec": {"selector": {"b": "2"}}, "command": ["c"]}, KIND)
    assert merged == {"spec": {"selector": {"b": "2"}, "note": "n"}, "command": ["c"]}


def test_null_takes_nothing_away_from_a_map_but_clears_a_scalar() -> None:
    live = {"data": {"a": "b"}, "type": "t"}
    assert merging.merge(live, {"data": None, "type": None}, KIND) == {"data": {"a": "b"}, "type": None}
