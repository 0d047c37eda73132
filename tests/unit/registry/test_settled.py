"""Held against what is found out anew for each write."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.patch.apply import manager, updating
from strongroom.machinery.patch.apply.comparison import Comparison
from strongroom.registry import settled

NOW = "2026-02-03T04:05:06Z"
TIMES = ("2026-02-03T04:05:05Z", NOW, "2026-02-03T04:05:07Z")

leaves: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from((".", "f:a", "f:b", "f:c")), st.just({}), max_size=3
)
fields = st.dictionaries(st.sampled_from(("f:data", "f:type", "f:immutable")), leaves, max_size=3)
entries = st.fixed_dictionaries(
    {
        "manager": st.sampled_from(("helm", "kubectl", 'o"f')),
        "operation": st.sampled_from(("Apply", "Update")),
        "apiVersion": st.sampled_from(("v1", "v1", "v2")),
        "time": st.sampled_from(TIMES),
        "fieldsType": st.just("FieldsV1"),
        "fieldsV1": fields,
    },
    optional={"subresource": st.just("status")},
)


def many(count: int) -> list[dict[str, Any]]:
    return [
        {
            "manager": f"m{number}",
            "operation": "Update",
            "apiVersion": "v1",
            "time": TIMES[number % 3],
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {f"f:{number}": {}}},
        }
        for number in range(count)
    ]


several = st.one_of(st.lists(entries, min_size=1, max_size=4), st.integers(8, 12).map(many))
by_whom = st.sampled_from(("helm", "kubectl", "new")).map(lambda name: manager.updater(name, "v1"))
known: dict[Any, settled.Settled | None] = {}


@given(several, fields, fields, by_whom)
def test_the_outcome_is_that_of_a_write_of_its_own(
    before: list[dict[str, Any]], changed: Any, removed: Any, by: manager.Manager
) -> None:
    difference = Comparison(changed, removed)
    times = settled.times(before)
    assert times is not None
    key = (settled.timeless(before), orjson.dumps([changed, removed]), by)
    if key not in known:
        known[key] = settled.settle(before, difference, by)
    found = known[key]
    if found is None:
        return
    expected = manager.encode(updating.settle(manager.decode(before), difference, by, NOW))
    assert orjson.dumps(found.entries(times, NOW)) == orjson.dumps(expected)
    assert found.encoded(times, NOW) == orjson.dumps(expected)


def test_it_is_found_for_several_managers() -> None:
    before = [*many(2), {**many(1)[0], "manager": "applier", "operation": "Apply"}]
    found = settled.settle(before, Comparison({"f:data": {"f:0": {}}}, {}), manager.updater("m1", "v1"))
    assert found is not None
    assert [(each["manager"], each["time"]) for each in found.entries([*TIMES], NOW)] == [("m1", NOW)]


def test_not_where_the_oldest_become_one() -> None:
    difference = Comparison({"f:data": {"f:new": {}}}, {})
    assert settled.settle(many(10), difference, manager.updater("new", "v1")) is None
    assert settled.settle(many(8), difference, manager.updater("new", "v1")) is not None


def test_not_without_times_nor_of_what_can_not_be_read() -> None:
    entry = many(1)[0]
    assert settled.times([{**entry, "time": ""}]) is None
    assert settled.times([{key: item for key, item in entry.items() if key != "time"}]) is None
    difference = Comparison({"f:data": {"f:new": {}}}, {})
    for wrong in ({"operation": "Other"}, {"fieldsV1": {"f:data": 7}}, {"manager": "\0"}):
        assert settled.settle([{**entry, **wrong}], difference, manager.updater("new", "v1")) is None
