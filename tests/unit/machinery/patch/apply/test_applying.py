"""Applying, by the examples of Kubernetes' page on server-side apply."""

import pytest

from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import applying, manager, updating
from strongroom.machinery.patch.apply.conflicts import Conflicts
from strongroom.machinery.patch.apply.manager import Managed, Manager
from strongroom.testing.apply_types import KIND

A, B = manager.applier("a"), manager.applier("b")
EDITOR = manager.updater("editor", "v1")
LIVE = {"kind": "K", "apiVersion": "v1", "metadata": {"name": "n"}, "data": {"k": "1", "l": "2"}, "type": "T"}


def edited(old: Object, new: Object, managed: Managed, by: Manager = EDITOR, time: str = "1") -> Managed:
    return updating.update(old, new, KIND, managed, by, time)


def apply(
    live: Object, document: Object, managed: Managed, by: Manager, time: str = "9", force: bool = False
) -> applying.Applied:
    return applying.apply(live, document, KIND, managed, by, "v1", time, force=force)


def test_a_creation_owns_all_but_what_names_the_object() -> None:
    managed = edited({}, LIVE, {})
    assert manager.encode(managed) == [
        {
            "manager": "editor",
            "operation": "Update",
            "apiVersion": "v1",
            "time": "1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {".": {}, "f:k": {}, "f:l": {}}, "f:type": {}},
        }
    ]


def test_conflict_with_one_field_and_with_several() -> None:
    managed = edited({}, LIVE, {})
    with pytest.raises(Conflicts) as caught:
        apply(LIVE, {"data": {"k": "x"}}, managed, A)
    error = caught.value.to_status()
    assert error.message == 'Apply failed with 1 conflict: conflict with "editor" using v1: .data.k'
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.details == {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "editor" using v1',
                "field": ".data.k",
            }
        ]
    }
    managed = apply(LIVE, {"type": "T"}, managed, B).managed
    with pytest.raises(Conflicts) as caught:
        apply(LIVE, {"data": {"l": "x", "k": "x"}, "type": "U"}, managed, A)
    assert caught.value.to_status().message == (
        'Apply failed with 4 conflicts: conflicts with "b":\n- .type\n'
        'conflicts with "editor" using v1:\n- .data.k\n- .data.l\n- .type'
    )


def test_a_subresource_is_named() -> None:
    managed = edited({}, LIVE, {}, manager.updater("editor", "v1", "status"))
    with pytest.raises(Conflicts) as caught:
        apply(LIVE, {"type": "U"}, managed, A)
    assert 'conflict with "editor" with subresource "status" using v1: .type' in (
        caught.value.to_status().message
    )


def test_equal_values_are_shared_and_stay_while_one_owns_them() -> None:
    done = apply(LIVE, {"data": {"k": "1"}}, edited({}, LIVE, {}), A)
    assert done.obj == LIVE
    assert done.managed[A].fields == {"f:data": {"f:k": {}}}
    assert done.managed[EDITOR].fields["f:data"] == {".": {}, "f:k": {}, "f:l": {}}
    done = apply(done.obj, {"type": "T"}, done.managed, A)
    assert done.obj == LIVE


def test_force_takes_the_fields() -> None:
    done = apply(LIVE, {"data": {"k": "x"}}, edited({}, LIVE, {}), A, force=True)
    assert done.obj["data"] == {"k": "x", "l": "2"}
    assert done.managed[EDITOR].fields == {"f:data": {".": {}, "f:l": {}}, "f:type": {}}


def test_a_field_given_up_goes() -> None:
    done = apply({}, {"data": {"a": "1", "b": "2"}, "spec": {"note": "n"}}, {}, A)
    done = apply(done.obj, {"data": {"a": "1"}}, done.managed, A)
    assert done.obj == {"data": {"a": "1"}}


def test_defaults_beside_a_field_given_up_stay() -> None:
    live = {"spec": {"note": "n", "size": 1}}
    managed = {A: manager.Owned({"f:spec": {"f:note": {}}}, "v1"), B: manager.Owned({"f:type": {}}, "v1")}
    done = apply(live, {"spec": {"selector": {"a": "b"}}}, managed, A)
    assert done.obj == {"spec": {"size": 1, "selector": {"a": "b"}}}


def test_an_element_given_up_goes_unless_another_has_a_field_of_it() -> None:
    live = {"ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}]}
    done = apply({}, live, {}, A)
    done = apply(done.obj, {"ports": [{"port": 81, "protocol": "TCP", "host": "h"}]}, done.managed, B)
    done = apply(done.obj, {"type": "T"}, done.managed, A)
    assert done.obj["ports"] == [{"port": 81, "protocol": "TCP", "host": "h"}]


def test_before_the_first_apply_all_belongs_to_no_one_by_name() -> None:
    with pytest.raises(Conflicts) as caught:
        apply(LIVE, {"data": {"k": "x"}}, {}, A)
    assert 'conflict with "before-first-apply" using v1: .data.k' in caught.value.to_status().message


def test_an_applier_of_nothing_has_no_entry() -> None:
    done = apply({}, {"data": {"a": "1"}}, {}, A)
    done = apply(done.obj, {"metadata": {"name": "n"}}, done.managed, A)
    assert done.managed == {}


def test_time_changes_with_the_set_or_the_values() -> None:
    done = apply({}, {"data": {"a": "1"}}, {}, A, "1")
    same = apply(done.obj, {"data": {"a": "1"}}, done.managed, A, "2")
    assert same.managed[A].time == "1"
    assert apply(done.obj, {"data": {"a": "2"}}, done.managed, A, "2").managed[A].time == "2"


def test_removed_fields_have_no_owners() -> None:
    managed = edited({}, LIVE, {})
    managed = edited(LIVE, {**LIVE, "data": {"k": "1"}}, managed, manager.updater("other", "v1"), "2")
    assert [each["fieldsV1"] for each in manager.encode(managed)] == [
        {"f:data": {".": {}, "f:k": {}}, "f:type": {}}
    ]


def test_the_oldest_updates_become_one_entry() -> None:
    obj: Object = {}
    managed: Managed = {}
    for index in range(13):
        new = {"data": {**obj.get("data", {}), f"k{index}": "v"}}
        by = manager.updater(f"m{index:02}", "v1")
        managed = updating.update(obj, new, KIND, managed, by, f"2026-01-01T00:00:{index:02}Z")
        obj = new
    names = [each["manager"] for each in manager.encode(managed)]
    assert names == [updating.ANCIENT, *(f"m{index:02}" for index in range(4, 13))]
    ancient = managed[manager.updater(updating.ANCIENT, "v1")]
    assert set(ancient.fields["f:data"]) == {".", "f:k0", "f:k1", "f:k2", "f:k3"}
    assert ancient.time == "2026-01-01T00:00:03Z"
