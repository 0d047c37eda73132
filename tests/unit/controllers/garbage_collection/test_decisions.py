"""What becomes of dependents and owners, by how their owners and dependents are."""

from typing import Any

from strongroom.api import resources
from strongroom.controllers import actions
from strongroom.controllers.garbage_collection import decisions, graph
from strongroom.controllers.garbage_collection.decisions import State
from strongroom.machinery import meta
from strongroom.machinery.gvk import Object


def _obj(uid: str, *owners: str, blocks: bool = True, **metadata: object) -> Object:
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": o, "uid": o, "blockOwnerDeletion": blocks}
        for o in owners
    ]
    found = {"name": uid, "namespace": "n", "uid": uid, "resourceVersion": "7", **metadata}
    return {"metadata": {**found, "ownerReferences": references}}


def _node(obj: Object) -> graph.Node:
    return graph.node_of(resources.SECRETS, obj)


def _dependent(obj: Object, *, has_dependents: bool = False, **states: State) -> list[actions.Action]:
    return decisions.for_dependent(_node(obj), obj, states, has_dependents=has_dependents)


def _policy(found: list[actions.Action]) -> str:
    (action,) = found
    assert isinstance(action, actions.Delete)
    assert action.uid == "s"
    return action.propagation_policy


def test_with_all_owners_alive_nothing_happens() -> None:
    assert _dependent(_obj("s", "a", "b"), a=State.ALIVE, b=State.ALIVE) == []


def test_without_an_owner_left_it_goes_by_the_policy_that_it_carries_itself() -> None:
    assert _policy(_dependent(_obj("s", "a"), a=State.GONE)) == "Background"
    orphan = _obj("s", "a", finalizers=[meta.ORPHAN])
    assert _policy(_dependent(orphan, a=State.GONE)) == "Orphan"
    foreground = _obj("s", "a", finalizers=[meta.FOREGROUND])
    assert _policy(_dependent(foreground, a=State.GONE)) == "Foreground"


def test_what_is_waited_for_goes_in_the_foreground_when_it_has_dependents() -> None:
    assert _policy(_dependent(_obj("s", "a"), a=State.WAITING)) == "Background"
    assert _policy(_dependent(_obj("s", "a"), a=State.WAITING, has_dependents=True)) == "Foreground"


def test_one_of_several_owners_that_waits_for_it_is_enough() -> None:
    found = _dependent(_obj("s", "a", "b"), a=State.WAITING, b=State.GONE, has_dependents=True)
    assert _policy(found) == "Foreground"


def test_an_owner_waits_for_those_that_block_it_among_other_owners_and_looks_at_each_once() -> None:
    owner = _obj("a", finalizers=[meta.FOREGROUND], deletionTimestamp="2026-01-01T00:00:00Z")
    shared = _node(_obj("s", "a", "b"))
    going = _node(_obj("t", "a", finalizers=[meta.FOREGROUND], deletionTimestamp="2026-01-01T00:00:00Z"))
    assert decisions.for_foreground(_node(owner), owner, [shared, going]) == ([], ["s"])


def test_only_references_that_block_are_changed_to_break_a_cycle() -> None:
    ring: dict[str, Any] = {"finalizers": [meta.FOREGROUND], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    assert decisions.for_cycle(_node(_obj("s", "a", blocks=False)), [_node(_obj("a", "s", **ring))]) == []


def test_an_owner_left_keeps_it() -> None:
    (patch,) = _dependent(_obj("s", "a", "b", "c"), a=State.ALIVE, b=State.GONE, c=State.WAITING)
    assert isinstance(patch, actions.Patch)
    assert patch.patch["metadata"] == {
        "uid": "s",
        "resourceVersion": "7",
        "ownerReferences": [{"$patch": "delete", "uid": "b"}, {"$patch": "delete", "uid": "c"}],
    }


def test_an_owner_waits_for_those_that_block_it_and_no_others() -> None:
    owner = _obj("a", finalizers=["x/y", meta.FOREGROUND], deletionTimestamp="2026-01-01T00:00:00Z")
    node = _node(owner)
    blocking, free = _node(_obj("s", "a")), _node(_obj("t", "a", blocks=False))
    assert decisions.for_foreground(node, owner, [blocking, free]) == ([], ["s"])
    (patch,), suspects = decisions.for_foreground(node, owner, [free])
    assert suspects == []
    assert isinstance(patch, actions.Patch)
    assert patch.patch["metadata"]["finalizers"] == ["x/y"]
    assert patch.patch["metadata"]["resourceVersion"] == "7"


def test_orphans_forget_their_owner_before_it_goes() -> None:
    owner = _obj("a", finalizers=[meta.ORPHAN], deletionTimestamp="2026-01-01T00:00:00Z")
    found = decisions.for_orphans(_node(owner), owner, [_node(_obj("s", "a")), _node(_obj("t", "a"))])
    assert [action.name for action in found if isinstance(action, actions.Patch)] == ["s", "t", "a"]


def test_a_cycle_is_broken_by_not_blocking() -> None:
    ring: dict[str, Any] = {"finalizers": [meta.FOREGROUND], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    node, waiting, other = _node(_obj("s", "a")), _node(_obj("a", "s", **ring)), _node(_obj("t", "s"))
    assert decisions.for_cycle(node, [other]) == []
    (patch,) = decisions.for_cycle(node, [other, waiting])
    assert isinstance(patch, actions.Patch)
    assert patch.patch["metadata"]["ownerReferences"] == [{"uid": "a", "blockOwnerDeletion": False}]
