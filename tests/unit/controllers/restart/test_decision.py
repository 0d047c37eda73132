"""Which workload is restarted when, and what is said. Every time passes in."""

from dataclasses import replace
from typing import Any

from strongroom.api.apps.v1.restart_on_change import Uses
from strongroom.controllers.deployment import conditions
from strongroom.controllers.restart import decision
from strongroom.controllers.restart.decision import (
    NOT_READY,
    QUIET_SECONDS,
    RESTARTED,
    RESTARTING,
    WAITING,
    Note,
    Roll,
    Say,
    State,
)
from strongroom.controllers.restart.record import Restart
from strongroom.controllers.restart.seal import SealingKey
from strongroom.controllers.restart.view import CONDITION, Secret, Workload
from strongroom.machinery.gvk import Object

KEY = SealingKey(b"k" * 32)
NOW = "2026-01-02T03:04:05Z"
LONG_AGO = 3600.0
PASSWORD = Uses(frozenset({"password"}), False, frozenset({"password"}), True)


def secret(version: int = 1, since: float = LONG_AGO, uid: str = "s", **data: str) -> Secret:
    data = data or {"password": "b25l"}
    return Secret(uid, str(version), KEY.digests({"data": data}), since)


ONE = secret(1, password="b25l", other="eA==")
TWO = secret(2, password="dHdv", other="eA==")


def workload(name: str = "web", use: Uses = PASSWORD, **more: Any) -> Workload:
    return Workload(name, f"uid-{name}", **{"uses": {"db": use}, **more})


def decide(*workloads: Workload, db: Secret | None = None, key: SealingKey = KEY) -> decision.Decision:
    secrets = {} if db is None else {"db": db}
    return decision.decide(State(workloads, secrets, key, NOW))


def observed(name: str = "web", use: Uses = PASSWORD, db: Secret = ONE, **more: Any) -> Workload:
    """A workload that was seen with this Secret."""
    found = workload(name, use, **more)
    (action,) = decide(found, db=db).actions
    assert isinstance(action, Note)
    return replace(found, record=action.record)


def restarted(found: Workload, db: Secret = TWO, **more: Any) -> Workload:
    """The workload after its restart was begun; its new Pods are not ready yet."""
    (action,) = decide(found, db=db).actions
    assert isinstance(action, Roll)
    assert action.record.restart is not None
    begun = {"record": action.record, "restarted_at": action.record.restart.at, "complete": False, **more}
    return replace(found, **begun)


def said(action: Any) -> Object:
    assert isinstance(action, Say)
    found = conditions.find(action.conditions, CONDITION)
    assert found is not None
    return found


def saying(found: Workload, reason: str) -> Workload:
    stands = conditions.condition(CONDITION, "False", reason, "", NOW)
    return replace(found, conditions=(stands,))


def failed(found: Workload, db: Secret = TWO) -> Workload:
    """Restarted, its new Pods not ready in time, and that was said."""
    late = restarted(found, db, timed_out=True)
    (action,) = decide(late, db=db).actions
    return replace(late, conditions=(said(action),))


def test_what_is_seen_first_is_noted_and_restarts_nobody() -> None:
    (action,) = decide(workload(), db=ONE).actions
    assert isinstance(action, Note)
    assert action.record is not None
    assert action.record.secrets["db"].resource_version == "1"


def test_nothing_is_done_while_nothing_changes() -> None:
    assert decide(observed(), db=ONE) == decision.Decision([], None)


def test_a_change_of_a_used_key_restarts() -> None:
    found = observed()
    (action,) = decide(found, db=TWO).actions
    assert isinstance(action, Roll)
    assert action.record.restart == Restart(NOW, ("db",))
    assert action.told == 'Restarting: Secret "db" changed'
    after = restarted(found)
    assert not [each for each in decide(after, db=TWO).actions if isinstance(each, Roll)]


def test_a_change_of_labels_alone_does_not() -> None:
    relabelled = replace(ONE, resource_version="9")
    assert decide(observed(), db=relabelled).actions == []


def test_a_change_of_a_key_that_is_not_used_does_not() -> None:
    assert decide(observed(), db=secret(2, password="b25l", other="bmV3")).actions == []


def test_with_env_from_any_key_does() -> None:
    found = observed(use=Uses(whole=True, must_exist=True))
    (action,) = decide(found, db=secret(2, password="b25l", other="bmV3")).actions
    assert isinstance(action, Roll)


def test_made_again_with_the_same_values_does_not() -> None:
    assert decide(observed(), db=replace(ONE, uid="other", resource_version="7")).actions == []


def test_a_secret_that_is_gone_or_lacks_what_is_needed_takes_no_pod_away() -> None:
    found = observed()
    assert decide(found, db=Secret()).actions == []
    assert decide(found, db=secret(2, other="eA==")).actions == []
    (action,) = decide(found, db=TWO).actions
    assert isinstance(action, Roll), "whole again, it is compared with what the Pods run with"


def test_pods_that_could_not_start_take_the_secret_by_themselves_when_it_comes() -> None:
    assert decide(workload(), db=Secret()).actions == []
    (action,) = decide(workload(), db=ONE).actions
    assert isinstance(action, Note)


def test_an_optional_secret_that_comes_restarts() -> None:
    found = observed(use=Uses(frozenset({"password"})), db=Secret())
    (action,) = decide(found, db=ONE).actions
    assert isinstance(action, Roll)


def test_changes_that_come_together_are_one_restart() -> None:
    found = observed()
    fresh = decide(found, db=replace(TWO, since=0.5))
    assert fresh.actions == []
    assert fresh.look_again == QUIET_SECONDS - 0.5
    again = decide(found, db=replace(TWO, resource_version="3", since=0.0))
    assert again.look_again == QUIET_SECONDS


def test_a_secret_that_is_not_known_yet_says_nothing() -> None:
    found = observed()
    assert decide(found) == decision.Decision([], None)
    assert decide(workload()) == decision.Decision([], None)


def test_after_a_start_of_the_controller_what_was_missed_is_made_up_for_and_nothing_else() -> None:
    """All that it knows is in the workload."""
    found = observed()
    assert decide(found, db=replace(ONE, since=0.0)).actions == []
    (action,) = decide(found, db=TWO).actions
    assert isinstance(action, Roll)
    begun = restarted(found)
    assert not [each for each in decide(begun, db=TWO).actions if isinstance(each, Roll)]


def test_a_used_key_that_is_added_is_noted_and_what_was_noted_still_counts() -> None:
    both = Uses(frozenset({"password", "other"}), False, frozenset({"password", "other"}), True)
    changed_template = replace(observed(), uses={"db": both})
    (action,) = decide(changed_template, db=ONE).actions
    assert isinstance(action, Note)
    assert action.record is not None
    assert action.record.secrets["db"].keys == ("other", "password")
    (action,) = decide(changed_template, db=TWO).actions
    assert isinstance(action, Roll)


def test_with_another_sealing_key_the_version_decides() -> None:
    found = observed()
    other = SealingKey(b"x" * 32)
    (action,) = decide(found, db=ONE, key=other).actions
    assert isinstance(action, Note), "noted anew"
    (action,) = decide(
        found, db=replace(TWO, digests=other.digests({"data": {"password": "x"}})), key=other
    ).actions
    assert isinstance(action, Roll)


def test_no_pods_no_restart() -> None:
    (action,) = decide(observed(replicas=0), db=TWO).actions
    assert isinstance(action, Note)
    assert action.record is not None
    assert action.record.secrets["db"].resource_version == "2"


def test_a_template_that_came_after_the_change_is_restart_enough() -> None:
    """`kubectl apply` of Secret and Deployment, or a `kubectl rollout restart` by hand."""
    (action,) = decide(replace(observed(), template_version=3), db=TWO).actions
    assert isinstance(action, Note)
    (action,) = decide(replace(observed(), template_version=1), db=TWO).actions
    assert isinstance(action, Roll), "the template was there before the change"


def test_a_paused_deployment_waits_until_it_is_resumed() -> None:
    found = observed()
    assert decide(replace(found, paused=True), db=TWO).actions == []
    (action,) = decide(found, db=TWO).actions
    assert isinstance(action, Roll)


def test_one_at_a_time() -> None:
    a, b = observed("a"), observed("b")
    (action,) = decide(b, a, db=TWO).actions
    assert isinstance(action, Roll)
    assert action.workload.name == "a"
    a = saying(restarted(a), RESTARTING)
    assert not [each for each in decide(a, b, db=TWO).actions if isinstance(each, Roll)]
    through = replace(a, complete=True)
    rolled = [each for each in decide(through, b, db=TWO).actions if isinstance(each, Roll)]
    assert [each.workload.name for each in rolled] == ["b"]


def test_what_is_said_while_it_goes_well() -> None:
    begun = restarted(observed())
    (action,) = decide(begun, db=TWO).actions
    assert said(action)["reason"] == RESTARTING
    assert said(action)["message"] == 'Restarting after a change of Secret "db".'
    through = replace(begun, complete=True, conditions=(said(action),))
    action, note = decide(through, db=TWO).actions
    assert (said(action)["status"], said(action)["reason"]) == ("True", RESTARTED)
    assert isinstance(note, Note)
    assert note.record is not None
    assert note.record.restart is None
    rest = replace(through, record=note.record, conditions=(said(action),))
    assert decide(rest, db=TWO) == decision.Decision([], None)


def test_pods_that_do_not_get_ready_stop_it_and_that_is_said_once() -> None:
    late = restarted(observed("a"), timed_out=True)
    other = observed("b")
    told, waits = decide(late, other, db=TWO).actions
    assert isinstance(told, Say)
    assert said(told)["reason"] == NOT_READY
    assert said(told)["status"] == "False"
    assert told.warning == (
        'New Pods are not ready after a change of Secret "db": no other workload is restarted for it'
    )
    assert said(waits)["reason"] == WAITING
    assert said(waits)["message"] == 'Waits until new Pods of "a" are ready after the same change.'
    late = replace(late, conditions=(said(told),))
    other = replace(other, conditions=(said(waits),))
    assert decide(late, other, db=TWO) == decision.Decision([], None)


def test_workloads_of_other_secrets_go_on() -> None:
    late = failed(observed("a"))
    other = Workload("b", "uid-b", {"mail": PASSWORD})
    (action,) = decision.decide(State([other], {"mail": ONE}, KEY, NOW)).actions
    assert isinstance(action, Note)
    other = replace(other, record=action.record)
    state = State([late, other], {"db": TWO, "mail": TWO}, KEY, NOW)
    (action,) = decision.decide(state).actions
    assert isinstance(action, Roll)
    assert action.workload.name == "b"


def test_when_it_gets_ready_after_all_the_others_follow() -> None:
    mended = replace(failed(observed("a")), timed_out=False, complete=True)
    other = saying(observed("b"), WAITING)
    rolled = [each for each in decide(mended, other, db=TWO).actions if isinstance(each, Roll)]
    assert [each.workload.name for each in rolled] == ["b"]


def test_the_next_change_begins_with_the_one_that_failed() -> None:
    late = failed(observed("b"))
    other = observed("a")
    three = secret(3, password="dGhyZWU=")
    rolled = [each for each in decide(late, other, db=three).actions if isinstance(each, Roll)]
    assert [each.workload.name for each in rolled] == ["b"]


def test_a_rollback_of_the_one_that_failed_lets_no_other_into_the_same_trouble() -> None:
    """`kubectl rollout undo` takes the mark and the record away; the condition stays."""
    late = failed(observed("a"))
    undone = replace(late, record=None, restarted_at="", timed_out=False, complete=True)
    note, waits = decide(undone, observed("b"), db=TWO).actions
    assert isinstance(note, Note)
    assert said(waits)["reason"] == WAITING


def test_a_rollback_of_one_that_was_under_way_is_nothing_of_ours_any_more() -> None:
    begun = saying(restarted(observed()), RESTARTING)
    undone = replace(begun, record=None, restarted_at="")
    action, note = decide(undone, db=TWO).actions
    assert isinstance(action, Say)
    assert conditions.find(action.conditions, CONDITION) is None
    assert isinstance(note, Note)


def test_a_change_during_a_restart_begins_it_anew() -> None:
    begun = saying(restarted(observed()), RESTARTING)
    (action,) = decide(begun, db=secret(3, password="dGhyZWU=")).actions
    assert isinstance(action, Roll)


def test_who_opts_out_keeps_no_trace() -> None:
    other = conditions.condition("Available", "True", "x", "", NOW)
    found = saying(observed(), RESTARTED)
    out = replace(found, uses=None, conditions=(other, *found.conditions))
    action, note = decide(out, db=TWO).actions
    assert isinstance(action, Say)
    assert action.conditions == (other,)
    assert note == Note(out, None)


def test_a_workload_that_is_being_deleted_is_left_alone() -> None:
    assert decide(replace(observed(), deleting=True), db=TWO).actions == []


def test_nothing_said_or_noted_has_a_value() -> None:
    found = observed()
    everything = repr(decide(found, db=TWO)) + repr(decide(failed(found), db=TWO)) + repr(TWO)
    for value in ("dHdv", "two", KEY.digests({"data": {"password": "dHdv"}})["password"].hex()):
        assert value not in everything
