"""How many Pods of which version: rolling updates, proportional scaling, Recreate."""

from typing import Any

import pytest

from strongroom.controllers.deployment import recreate, revisions, rolling_update, scaling, view
from strongroom.controllers.deployment.plan import (
    DESIRED,
    MAXIMUM,
    ChangeReplicaSet,
    DeleteReplicaSet,
    Plan,
)
from strongroom.controllers.deployment.view import Deployment, ReplicaSet


def deployment(replicas: int = 10, surge: int = 3, unavailable: int = 2, **fields: Any) -> Deployment:
    given: dict[str, Any] = {
        "name": "web",
        "namespace": "n",
        "uid": "u",
        "generation": 1,
        "annotations": {},
        "digest": "new",
        "replicas": replicas,
        "recreate": False,
        "surge": surge,
        "unavailable": unavailable,
        "min_ready_seconds": 0,
        "history_limit": 10,
        "deadline": 600,
        "paused": False,
        "deleting": False,
        "status": {},
        "resource_version": "1",
    }
    return Deployment(**given | fields)


def replica_set(name: str, replicas: int, available: int | None = None, **fields: Any) -> ReplicaSet:
    """Created in the order of their names."""
    available = replicas if available is None else available
    return ReplicaSet(name, uid=name, created=name, replicas=replicas, available=available, **fields)


def sizes(plan: Plan) -> dict[str, int]:
    """The new sizes."""
    found = [action for action in plan.actions if isinstance(action, ChangeReplicaSet)]
    return {each.name: each.patch["spec"]["replicas"] for each in found if "spec" in each.patch}


@pytest.mark.parametrize(
    ("surge", "unavailable", "replicas", "expected"),
    [
        ("25%", "25%", 10, (3, 2)),
        ("25%", "25%", 2, (1, 0)),
        ("25%", "25%", 1, (1, 0)),
        ("0%", "25%", 3, (0, 1)),
        (0, "10%", 5, (0, 1)),
        (0, 1, 3, (0, 1)),
        (2, 8, 5, (2, 5)),
        ("100%", "100%", 4, (4, 4)),
        ("25%", "25%", 0, (0, 0)),
    ],
)
def test_bounds(surge: Any, unavailable: Any, replicas: int, expected: tuple[int, int]) -> None:
    assert view.bounds({"maxSurge": surge, "maxUnavailable": unavailable}, replicas) == expected


@pytest.mark.parametrize(
    ("new", "everything", "expected"),
    [(0, 10, 3), (0, 13, 0), (5, 13, 5), (5, 15, 5), (5, 8, 10), (9, 9, 10), (0, 0, 10)],
)
def test_size_of_the_new_replica_set(new: int, everything: int, expected: int) -> None:
    assert rolling_update.size_of_new(deployment(), new, everything) == expected


def test_recreate_gives_the_new_one_all() -> None:
    assert rolling_update.size_of_new(deployment(recreate=True), 0, 10) == 10


def roll(wanted: Deployment, new: ReplicaSet, *old: ReplicaSet) -> dict[str, int]:
    plan = Plan(wanted)
    changed = rolling_update.roll(plan, wanted, new, old)
    assert changed == bool(sizes(plan))
    return sizes(plan)


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        # room above: the new one grows, and nothing shrinks in the same step
        ((0, 0), [(10, 10)], {"new": 3}),
        ((3, 3), [(8, 8)], {"new": 5}),
        # no room: the old shrink by what may be unavailable, and by what is ready in their stead
        ((3, 0), [(10, 10)], {"a": 8}),
        ((3, 3), [(10, 10)], {"a": 5}),
        ((5, 0), [(8, 8)], {}),
        ((5, 5), [(8, 8)], {"a": 3}),
        ((10, 8), [(3, 3)], {"a": 0}),
        ((10, 10), [(0, 0)], {}),
        # Pods that are not available go first, from the oldest on
        ((3, 0), [(5, 5), (5, 2)], {"b": 3}),
        ((3, 3), [(5, 4), (5, 5)], {"a": 0}),
        ((1, 0), [(6, 0), (6, 6)], {"a": 2}),
        ((1, 0), [(6, 0), (6, 4)], {"a": 2}),
        # more than wanted, and more than may be
        ((12, 12), [], {"new": 10}),
        ((14, 14), [], {"new": 10}),
    ],
)
def test_steps_of_a_rolling_update(
    new: tuple[int, int], old: list[tuple[int, int]], expected: dict[str, int]
) -> None:
    names = "abc"
    others = [replica_set(names[number], *counts) for number, counts in enumerate(old)]
    assert roll(deployment(), replica_set("new", *new), *others) == expected


def test_pods_that_are_already_told_to_go_are_not_counted_on() -> None:
    # "a" still has more available than it is to have, or has some though it is to have none
    assert roll(deployment(), replica_set("new", 5, 5), replica_set("a", 3, 6)) == {"new": 10}
    assert roll(deployment(10, 0, 2), replica_set("new", 7, 5), replica_set("a", 3, 6)) == {}
    gone, left = replica_set("a", 0, 4), replica_set("b", 8, 8)
    assert roll(deployment(), replica_set("new", 5, 2), gone, left) == {"b": 6}


def test_a_rolling_update_keeps_its_bounds_and_comes_to_an_end() -> None:
    """With every size, surge and unavailability, when Pods get ready one after the other."""
    for replicas in range(1, 8):
        for surge in range(4):
            for unavailable in range(min(3, replicas) + 1):
                if surge or unavailable:
                    _roll_through(deployment(replicas, surge, unavailable))


def _roll_through(wanted: Deployment) -> None:
    new, old = replica_set("new", 0), replica_set("a", wanted.replicas)
    for _ in range(20 * wanted.replicas):
        found = roll(wanted, new, old)
        size = found.get("new", new.replicas)
        old_size = found.get("a", old.replicas)
        available = min(size, new.available)
        assert size + old_size <= wanted.replicas + wanted.surge
        assert available + old_size >= wanted.replicas - wanted.unavailable
        if not found:
            if available == size == wanted.replicas:
                assert old_size == 0
                return
            available += 1
        new, old = replica_set("new", size, available), replica_set("a", old_size)
    raise AssertionError(f"stuck at {new} and {old} of {wanted}")


def scale(wanted: Deployment, new: ReplicaSet | None, *old: ReplicaSet) -> dict[str, int]:
    plan = Plan(wanted)
    scaling.scale(plan, wanted, new, old)
    return sizes(plan)


def of_size(name: str, replicas: int, before: int, maximum: int, available: int | None = None) -> ReplicaSet:
    return replica_set(name, replicas, available, annotations={DESIRED: str(before), MAXIMUM: str(maximum)})


@pytest.mark.parametrize(
    ("replicas", "current", "expected"),
    [
        # the examples of the documentation: 10 -> 15 with a surge of 3, 8 old and 5 new
        (15, [8, 5], {"a": 11, "new": 7}),
        (20, [10, 3], {"a": 18, "new": 5}),
        (5, [8, 5], {"a": 5, "new": 3}),
        (0, [8, 5], {"a": 0, "new": 0}),
        (11, [5, 8], {"new": 9}),
        (10, [8, 5], {}),
    ],
)
def test_a_rollout_under_way_is_scaled_in_proportion(
    replicas: int, current: list[int], expected: dict[str, int]
) -> None:
    old = of_size("a", current[0], 10, 13)
    new = of_size("new", current[1], 10, 13, available=0)
    assert scale(deployment(replicas), new, old) == expected


def test_equal_ones_share_and_the_rest_goes_to_the_newest_or_comes_from_the_oldest() -> None:
    three = [of_size(name, 5, 15, 15, available=4) for name in ("a", "b", "new")]
    assert scale(deployment(17, surge=0), three[2], *three[:2]) == {"b": 6, "new": 6}
    assert scale(deployment(13, surge=0), three[2], *three[:2]) == {"a": 4, "b": 4}


def test_a_single_pod_more_goes_to_the_newest_of_equal_ones_and_the_largest_loses_first() -> None:
    three = [of_size(name, 5, 15, 15, available=4) for name in ("a", "b", "new")]
    assert scale(deployment(16, surge=0), three[2], *three[:2]) == {"new": 6}
    assert scale(deployment(14, surge=0), three[2], *three[:2]) == {"a": 4}
    small, large = of_size("a", 2, 12, 12), of_size("new", 10, 12, 12, available=0)
    assert scale(deployment(11, surge=0), large, small) == {"new": 9}
    assert scale(deployment(12, surge=0), large, of_size("a", 3, 12, 12)) == {"new": 9}


def test_none_gets_more_than_there_is_to_give() -> None:
    old, new = of_size("a", 5, 10, 20), of_size("new", 5, 10, 5, available=0)
    assert scale(deployment(11, surge=0), new, old) == {"new": 6}


def test_without_a_note_the_size_in_the_status_is_the_one_before() -> None:
    old, new = replica_set("a", 8), replica_set("new", 2, 0)
    assert scale(deployment(20, surge=0, status={"replicas": 10}), new, old) == {"a": 16, "new": 4}
    assert scale(deployment(20, surge=0), new, old) == {"a": 18}


def test_a_new_one_that_does_not_yet_do_all_is_scaled_in_proportion() -> None:
    old = of_size("a", 2, 10, 12)
    for new in (of_size("new", 10, 10, 12, available=9), of_size("new", 10, 9, 12)):
        assert scale(deployment(10, surge=2), new, old) == {}


def test_the_one_that_is_active_takes_the_whole_change() -> None:
    assert scale(deployment(4), replica_set("new", 2), replica_set("a", 0)) == {"new": 4}
    assert scale(deployment(4), None, replica_set("a", 0), replica_set("b", 0)) == {"b": 4}
    assert scale(deployment(4), None) == {}
    assert scale(deployment(4), replica_set("new", 4)) == {}


def test_what_is_left_of_the_old_goes_when_the_new_one_does_all() -> None:
    new = of_size("new", 10, 10, 13)
    assert scale(deployment(10), new, of_size("a", 1, 10, 13)) == {"a": 0}


def test_a_scaling_is_seen_by_what_was_noted() -> None:
    noted = of_size("a", 1, 10, 13)
    assert scaling.is_scaling(deployment(11), [noted])
    assert not scaling.is_scaling(deployment(10), [noted])
    assert not scaling.is_scaling(deployment(11), [of_size("a", 0, 10, 13)])
    assert not scaling.is_scaling(deployment(11), [replica_set("a", 1)])


def test_recreate_shrinks_all_and_waits_for_the_last_pod() -> None:
    plan = Plan(deployment(recreate=True))
    assert recreate.shrink_old(plan, [replica_set("a", 2), replica_set("b", 0)])
    assert sizes(plan) == {"a": 0}
    gone = replica_set("a", 0)
    assert not recreate.shrink_old(plan, [gone])
    running, ended = {"status": {"phase": "Running"}, "metadata": {}}, {"status": {"phase": "Failed"}}
    assert recreate.old_pods_run(None, [replica_set("a", 0, actual=1)], {})
    assert recreate.old_pods_run(None, [gone], {"a": [running]})
    assert recreate.old_pods_run(None, [gone, replica_set("b", 0, actual=1)], {})
    assert not recreate.old_pods_run(None, [gone], {"a": [ended]})
    assert not recreate.old_pods_run(replica_set("new", 1), [gone], {"new": [running], "a": []})


def test_history_beyond_the_limit_goes_oldest_revision_first() -> None:
    def past(name: str, revision: int, **fields: Any) -> ReplicaSet:
        return replica_set(name, 0, annotations={view.REVISION: str(revision)}, **fields)

    old = [past("c", 3), past("a", 10), past("b", 1), past("d", 2, actual=1), past("e", 4, settled=False)]
    plan = Plan(deployment(history_limit=1))
    revisions.clean_up(plan, deployment(history_limit=1), old)
    assert [action.name for action in plan.actions] == ["b", "c"]
    plan = Plan(deployment(history_limit=None))
    revisions.clean_up(plan, deployment(history_limit=None), old)
    assert plan.actions == []


def past(name: str, revision: int, **fields: Any) -> ReplicaSet:
    return replica_set(name, 0, annotations={view.REVISION: str(revision)}, **fields)


def cleaned_up(limit: int, plan: Plan, *old: ReplicaSet) -> list[str]:
    revisions.clean_up(plan, deployment(history_limit=limit), old)
    return [action.name for action in plan.actions if isinstance(action, DeleteReplicaSet)]


def test_history_within_its_limit_stays_and_one_that_goes_already_does_not_count() -> None:
    assert cleaned_up(2, Plan(deployment()), past("a", 1), past("b", 2)) == []
    assert cleaned_up(3, Plan(deployment()), past("a", 1)) == []
    ending = past("a", 1, deleting=True)
    assert cleaned_up(1, Plan(deployment()), ending, past("b", 2)) == []
    assert cleaned_up(1, Plan(deployment()), ending, past("b", 2), past("c", 3)) == ["b"]


def test_one_that_has_just_been_scaled_is_no_history_yet() -> None:
    plan = Plan(deployment())
    plan.scale(past("a", 1), 3)
    shrunk = replica_set("b", 4, annotations={view.REVISION: "2"}, actual=0)
    plan.scale(shrunk, 0)
    assert cleaned_up(0, plan, past("a", 1), shrunk) == []


def test_the_next_revision_is_one_more_than_the_highest_of_the_others() -> None:
    assert revisions.next_revision([past("a", 7), past("b", 3)]) == 8
    assert revisions.next_revision([]) == 1


def test_the_history_of_revisions_is_2000_characters_long_at_most_and_forgets_the_oldest() -> None:
    def after(history: str) -> str:
        held = {view.REVISION: "1", revisions.HISTORY: history}
        plan = Plan(deployment())
        revisions.annotate_present(plan, deployment(), replica_set("a", 1, annotations=held), 5)
        (change,) = plan.actions
        assert isinstance(change, ChangeReplicaSet)
        told: str = change.patch["metadata"]["annotations"][revisions.HISTORY]
        return told

    longest = "22," + "3" * 1995
    assert after(longest) == f"{longest},1"
    assert after(f"{longest}3") == f"{'3' * 1996},1"


def test_scaling_notes_the_size_of_the_deployment() -> None:
    plan = Plan(deployment(10, 3))
    assert plan.scale(replica_set("a", 1), 4)
    (change,) = plan.actions
    assert isinstance(change, ChangeReplicaSet)
    assert change.patch["metadata"]["annotations"] == {DESIRED: "10", MAXIMUM: "13"}
