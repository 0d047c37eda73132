"""What a Deployment does about its ReplicaSets and says of itself, step by step, the clock turned by hand."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from strongroom.controllers.deployment import conditions, decision, view
from strongroom.controllers.deployment import plan as plans
from strongroom.controllers.deployment.decision import Decision, State
from strongroom.controllers.deployment.plan import ChangeReplicaSet, CreateReplicaSet, DeleteReplicaSet
from strongroom.controllers.deployment.view import Deployment, ReplicaSet
from strongroom.machinery.gvk import Object

NOW = datetime.fromisoformat("2026-01-02T03:04:05+00:00")
STAMP = "2026-01-02T03:04:05Z"
SIZES = {"deployment.kubernetes.io/desired-replicas": "2", "deployment.kubernetes.io/max-replicas": "3"}


def deployment(*, status: Object | None = None, annotations: Object | None = None, **spec: Any) -> Deployment:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    wanted = {
        "replicas": 2,
        "strategy": rolling,
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
    }
    return view.deployment(
        {
            "metadata": {
                "name": "web",
                "namespace": "n",
                "uid": "u",
                "generation": 1,
                "resourceVersion": "7",
                "annotations": annotations or {view.REVISION: "1"},
            },
            "spec": wanted | spec,
            "status": status or {},
            "templateDigest": "new",
            "templateLabels": {},
        }
    )


def replica_set(name: str, replicas: int = 2, *, revision: int = 1, **fields: Any) -> ReplicaSet:
    """All its Pods available, of the template that it is named after."""
    annotations = {view.REVISION: str(revision), **SIZES, **fields.pop("annotations", {})}
    counts = {"actual": replicas, "ready": replicas, "available": replicas}
    given = {"digest": name, "created": name, **counts, **fields}
    return ReplicaSet(name, uid=name, annotations=annotations, replicas=replicas, **given)


def decide(
    wanted: Deployment,
    *sets: ReplicaSet,
    at: datetime = NOW,
    pods: Mapping[str, Sequence[Object]] | None = None,
) -> Decision:
    return decision.decide(State(wanted, sets, pods or {}, at))


def condition(found: Decision, type: str) -> Object | None:
    assert found.patch is not None
    return conditions.find(found.patch["status"]["conditions"], type)


def after(wanted: Deployment, found: Decision, **spec: Any) -> Deployment:
    """The Deployment as it is when the decision is carried out."""
    assert found.patch is not None
    status = {key: value for key, value in found.patch["status"].items() if value is not None}
    annotations = {**wanted.annotations, **found.patch["metadata"].get("annotations", {})}
    return deployment(status=status, annotations=annotations, **spec)


def test_the_first_replica_set_is_made_whole() -> None:
    found = decide(deployment(annotations={"a": "b"}))
    (made,) = found.actions
    assert isinstance(made, CreateReplicaSet)
    assert (made.name, made.replicas, made.digest) == (f"web-{made.hash}", 2, "new")
    assert made.annotations == {"a": "b", view.REVISION: "1", **SIZES}
    assert found.patch is not None
    assert found.patch["metadata"] == {
        "uid": "u",
        "resourceVersion": "7",
        "annotations": {view.REVISION: "1"},
    }
    assert condition(found, "Progressing") == {
        "type": "Progressing",
        "status": "True",
        "lastUpdateTime": STAMP,
        "lastTransitionTime": STAMP,
        "reason": "NewReplicaSetCreated",
        "message": f'Created new replica set "{made.name}"',
    }
    available = condition(found, "Available")
    assert available is not None
    assert available["message"] == "Deployment does not have minimum availability."
    assert found.patch["status"]["unavailableReplicas"] == 2
    assert found.look_again == 601


def test_a_finished_deployment_rests() -> None:
    wanted = deployment()
    done = decide(wanted, replica_set("new"))
    said = condition(done, "Progressing")
    assert said is not None
    assert (said["reason"], said["message"]) == (
        "NewReplicaSetAvailable",
        'ReplicaSet "new" has successfully progressed.',
    )
    assert done.patch is not None
    assert done.patch["status"]["observedGeneration"] == 1
    later = decide(after(wanted, done), replica_set("new"), at=NOW + timedelta(days=1))
    assert (list(later.actions), later.patch, later.look_again) == ([], None, None)


def test_a_replica_set_that_is_there_is_found() -> None:
    found = decide(deployment(), replica_set("new", available=0))
    said = condition(found, "Progressing")
    assert said is not None
    assert (said["reason"], said["message"]) == ("ReplicaSetUpdated", 'ReplicaSet "new" is progressing.')
    empty = decide(deployment(), replica_set("new", 0), replica_set("old", 3, available=0, ready=0, actual=0))
    said = condition(empty, "Progressing")
    assert said is not None
    assert (said["reason"], said["message"]) == ("FoundNewReplicaSet", 'Found new replica set "new"')


def test_the_present_one_follows_annotations_and_min_ready_seconds() -> None:
    wanted = deployment(annotations={"a": "b", view.REVISION: "1"}, minReadySeconds=5)
    (change,) = decide(wanted, replica_set("new")).actions
    assert isinstance(change, ChangeReplicaSet)
    assert change.patch["metadata"]["annotations"] == {"a": "b"}
    assert change.patch["spec"] == {"minReadySeconds": 5}
    assert change.told == ""


def test_one_from_the_past_becomes_the_newest_revision() -> None:
    past = replica_set("new", 0, revision=2, annotations={"deployment.kubernetes.io/revision-history": "1"})
    found = decide(deployment(annotations={view.REVISION: "3"}), past, replica_set("other", revision=3))
    (change,) = found.actions
    assert isinstance(change, ChangeReplicaSet)
    assert change.patch["metadata"]["annotations"] == {
        view.REVISION: "4",
        "deployment.kubernetes.io/revision-history": "1,2",
    }
    assert change.patch["spec"] == {"replicas": 1}
    assert change.told == "Scaled up replica set new from 0 to 1"
    assert found.patch is not None
    assert found.patch["metadata"]["annotations"] == {view.REVISION: "4"}


def test_no_progress_until_the_deadline_is_told_once() -> None:
    wanted, stuck = deployment(), replica_set("new", available=0, ready=0)
    begun = decide(wanted, stuck)
    waiting = after(wanted, begun)
    assert decide(waiting, stuck, at=NOW + timedelta(seconds=600)).patch is None
    late = decide(waiting, stuck, at=NOW + timedelta(seconds=601))
    said = condition(late, "Progressing")
    assert said is not None
    assert (said["status"], said["reason"], said["message"]) == (
        "False",
        "ProgressDeadlineExceeded",
        'ReplicaSet "new" has timed out progressing.',
    )
    assert late.look_again is None
    told = after(wanted, late)
    assert decide(told, stuck, at=NOW + timedelta(days=1)).patch is None
    better = decide(told, replica_set("new", ready=1, available=1), at=NOW + timedelta(days=1))
    said = condition(better, "Progressing")
    assert said is not None
    assert (said["status"], said["reason"]) == ("True", "ReplicaSetUpdated")
    assert said["lastTransitionTime"] == "2026-01-03T03:04:05Z"


def test_progress_moves_the_deadline_and_is_no_transition() -> None:
    wanted = deployment()
    begun = decide(wanted, replica_set("new", ready=0, available=0))
    later = NOW + timedelta(seconds=500)
    on = decide(after(wanted, begun), replica_set("new", ready=1, available=0), at=later)
    said = condition(on, "Progressing")
    assert said is not None
    assert said["lastTransitionTime"] == STAMP
    assert said["lastUpdateTime"] == "2026-01-02T03:12:25Z"
    assert on.look_again == 601


def test_a_pod_that_fails_after_the_rollout_is_no_new_rollout() -> None:
    wanted = deployment()
    done = after(wanted, decide(wanted, replica_set("new")))
    worse = decide(done, replica_set("new", ready=1, available=1))
    said = condition(worse, "Progressing")
    assert said is not None
    assert said["reason"] == "NewReplicaSetAvailable"
    assert worse.look_again is None


@pytest.mark.parametrize("deadline", [None, view.NO_DEADLINE])
def test_without_a_deadline_there_is_no_word_of_progress(deadline: int | None) -> None:
    found = decide(deployment(progressDeadlineSeconds=deadline))
    assert condition(found, "Progressing") is None
    assert found.look_again is None


def test_a_failure_of_a_replica_set_is_told_and_taken_back() -> None:
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "no",
        "lastTransitionTime": STAMP,
    }
    wanted = deployment()
    failing = decide(wanted, replica_set("new", available=0, ready=0, failures=(failure,)))
    assert condition(failing, "ReplicaFailure") == {**failure, "lastUpdateTime": STAMP}
    again = decide(after(wanted, failing), replica_set("new", available=0, ready=0))
    assert condition(again, "ReplicaFailure") is None


def test_a_failure_keeps_its_words_and_its_place_while_it_lasts() -> None:
    def failing(message: str) -> ReplicaSet:
        told = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
        told["lastTransitionTime"] = STAMP
        return replica_set("new", available=0, ready=0, failures=(told,))

    wanted = deployment()
    begun = after(wanted, decide(wanted, failing("first")))
    late = decide(begun, failing("second"), at=NOW + timedelta(seconds=601))
    assert late.patch is not None
    found = late.patch["status"]["conditions"]
    assert [each["type"] for each in found] == ["Available", "ReplicaFailure", "Progressing"]
    assert found[1]["message"] == "first"


def test_paused_it_only_scales_and_says_so() -> None:
    old = replica_set("old")
    found = decide(deployment(paused=True, replicas=4), old)
    (change,) = found.actions
    assert isinstance(change, ChangeReplicaSet)
    assert change.patch["spec"] == {"replicas": 4}
    said = condition(found, "Progressing")
    assert said is not None
    assert (said["status"], said["reason"]) == ("Unknown", "DeploymentPaused")
    assert found.look_again is None
    still = after(deployment(), found, paused=True)
    resumed = decide(after(deployment(), found), old, at=NOW + timedelta(hours=1))
    assert [type(action) for action in resumed.actions] == [CreateReplicaSet]
    said = condition(resumed, "Progressing")
    assert said is not None
    assert said["reason"] == "NewReplicaSetCreated"
    assert not [action for action in decide(still, old).actions if isinstance(action, CreateReplicaSet)]


def test_a_scaling_does_not_begin_a_rollout() -> None:
    found = decide(deployment(replicas=5), replica_set("old"))
    (change,) = found.actions
    assert isinstance(change, ChangeReplicaSet)
    assert (change.name, change.patch["spec"]) == ("old", {"replicas": 5})
    assert change.told == "Scaled up replica set old from 2 to 5"


def test_one_that_ends_only_tells_its_numbers() -> None:
    obj: Object = {
        "metadata": {"name": "web", "namespace": "n", "uid": "u", "deletionTimestamp": STAMP},
        "spec": {"replicas": 5, "progressDeadlineSeconds": 600},
        "status": {},
        "templateDigest": "new",
    }
    found = decide(view.deployment(obj), replica_set("old"))
    assert list(found.actions) == []
    assert found.patch is not None
    assert found.patch["status"]["replicas"] == 2


def test_recreate_goes_down_waits_and_comes_up() -> None:
    wanted = deployment(strategy={"type": "Recreate"})
    (change,) = decide(wanted, replica_set("old")).actions
    assert isinstance(change, ChangeReplicaSet)
    assert change.told == "Scaled down replica set old from 2 to 0"
    running = {"metadata": {"deletionTimestamp": STAMP}, "status": {"phase": "Running"}}
    gone = replica_set("old", 0)
    assert list(decide(wanted, gone, pods={"old": [running]}).actions) == []
    (made,) = decide(wanted, gone).actions
    assert isinstance(made, CreateReplicaSet)
    assert made.replicas == 2


@pytest.mark.parametrize("left", [{"replicas": 1}, {"replicas": 0, "actual": 1}])
def test_history_stays_while_recreate_still_ends_old_pods(left: Any) -> None:
    recreate: Any = {"strategy": {"type": "Recreate"}, "revisionHistoryLimit": 0}
    complete = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    new, older = replica_set("new", revision=3), replica_set("older", 0)
    found = decide(
        deployment(status=complete, **recreate), new, replica_set("old", revision=2, **left), older
    )
    assert not [action for action in found.actions if isinstance(action, DeleteReplicaSet)]
    found = decide(deployment(status=complete, **recreate), new, older)
    assert DeleteReplicaSet("older", "older") in found.actions


def test_old_revisions_go_when_the_rollout_is_through() -> None:
    wanted = deployment(revisionHistoryLimit=0)
    sets = (replica_set("new", revision=2), replica_set("old", 0))
    rolling = decide(wanted, *sets)
    assert not [action for action in rolling.actions if isinstance(action, DeleteReplicaSet)]
    done = decide(after(wanted, rolling, revisionHistoryLimit=0), *sets)
    assert list(done.actions) == [DeleteReplicaSet("old", "old")]


def test_a_name_that_is_taken_gives_way_to_another() -> None:
    wanted = deployment()
    (first,) = decide(wanted).actions
    patch = decision.collided(wanted)
    assert patch["status"]["collisionCount"] == 1
    (second,) = decide(deployment(status={"collisionCount": 1})).actions
    assert isinstance(first, CreateReplicaSet) and isinstance(second, CreateReplicaSet)
    assert first.name != second.name


def test_a_long_name_gives_way_to_the_hash() -> None:
    assert plans.name_of("d" * 300, "h") == "d" * 251 + "-h"
    assert plans.name_of("d" * 251, "h") == "d" * 251 + "-h"
    assert plans.name_of("d", "h") == "d-h"


def test_a_failed_creation_is_told() -> None:
    text, patch = decision.creation_failed(deployment(), "web-1", "no", NOW)
    assert text == 'Failed to create new replica set "web-1": no'
    assert patch is not None
    (said,) = patch["status"]["conditions"]
    assert (said["status"], said["reason"], said["message"]) == ("False", "ReplicaSetCreateError", text)
    assert decision.creation_failed(deployment(progressDeadlineSeconds=None), "web-1", "no", NOW)[1] is None


def test_counts_are_of_all_replica_sets() -> None:
    old = replica_set("old", 1, terminating=2)
    found = decide(deployment(), replica_set("new", 2, ready=1, available=0, revision=2), old)
    assert found.patch is not None
    status = dict(found.patch["status"])
    del status["conditions"]
    assert status == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "unavailableReplicas": 2,
        "terminatingReplicas": 2,
        "collisionCount": None,
    }


def test_the_replica_set_of_a_whole_deployment() -> None:
    labels = {"app": "web"}
    whole: Any = {
        "metadata": {"name": "web", "namespace": "n", "uid": "u"},
        "spec": {
            "selector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
            "template": {"metadata": {"labels": labels, "annotations": {"a": "b"}}, "spec": {"x": "y"}},
            "minReadySeconds": 3,
        },
    }
    made = plans.replica_set(whole, CreateReplicaSet("web-h", "h", "new", 2, {"c": "d"}))
    hashed = {**labels, "pod-template-hash": "h"}
    assert made["metadata"]["labels"] == hashed
    assert made["metadata"]["annotations"] == {"c": "d"}
    assert made["spec"] == {
        "replicas": 2,
        "minReadySeconds": 3,
        "selector": {**whole["spec"]["selector"], "matchLabels": {"pod-template-hash": "h"}},
        "template": {"metadata": {"labels": hashed, "annotations": {"a": "b"}}, "spec": {"x": "y"}},
    }
    assert whole["spec"]["template"]["metadata"]["labels"] == labels


# What is said, word by word


def said(found: Decision, type: str) -> tuple[str, str, str]:
    told = condition(found, type)
    assert told is not None
    return told["status"], told["reason"], told["message"]


@pytest.mark.parametrize(("available", "enough"), [(3, False), (4, True), (5, True)])
def test_it_is_available_with_as_many_pods_as_may_be_missing(available: int, enough: bool) -> None:
    rolling = {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    found = decide(
        deployment(replicas=5, strategy=rolling), replica_set("new", 5, available=available, ready=available)
    )
    assert said(found, "Available") == (
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        if enough
        else ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    )


def test_counts_of_nothing_are_left_out_and_none_is_less_than_nothing() -> None:
    found = decide(deployment(), replica_set("new", 2, available=3, terminating=None))
    assert found.patch is not None
    counts = {key: value for key, value in found.patch["status"].items() if key != "conditions"}
    assert counts == {
        "observedGeneration": 1,
        "replicas": 2,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 3,
        "unavailableReplicas": None,
        "terminatingReplicas": None,
        "collisionCount": None,
    }
    paused = decide(deployment(paused=True), replica_set("old"))
    assert paused.patch is not None
    assert paused.patch["status"]["updatedReplicas"] is None


def test_a_deployment_of_none_is_complete() -> None:
    found = decide(deployment(replicas=0), replica_set("new", 0))
    assert said(found, "Progressing")[:2] == ("True", "NewReplicaSetAvailable")


def test_without_a_new_replica_set_it_is_the_deployment_that_progresses() -> None:
    wanted = deployment(strategy={"type": "Recreate"}, status={"replicas": 3, "updatedReplicas": 0})
    found = decide(wanted, replica_set("old", 2))
    assert said(found, "Progressing") == ("True", "ReplicaSetUpdated", 'Deployment "web" is progressing.')


@pytest.mark.parametrize(
    ("before", "is_progress"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}, False),
        ({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}, True),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, True),
        ({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1}, True),
        ({"replicas": 3, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}, True),
        ({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}, False),
    ],
)
def test_progress_is_more_new_ready_or_available_pods_or_fewer_old_ones(
    before: Object, is_progress: bool
) -> None:
    since = conditions.condition("Progressing", "True", "X", "x", STAMP)
    wanted = deployment(status={**before, "conditions": [since]})
    later = NOW + timedelta(seconds=5)
    found = decide(wanted, replica_set("new", 2, ready=1, available=1), at=later)
    assert said(found, "Progressing")[1] == ("ReplicaSetUpdated" if is_progress else "X")


def test_a_rollout_that_was_finished_begins_again_with_another_template() -> None:
    wanted = deployment()
    done = after(wanted, decide(wanted, replica_set("new", revision=2)))
    old, other = replica_set("old", revision=1), replica_set("new", 1, revision=2, available=0, ready=0)
    found = decide(done, other, old)
    assert said(found, "Progressing")[1] == "NewReplicaSetAvailable", "no sign of progress yet"
    more = decide(done, replica_set("new", 3, revision=2), old)
    assert said(more, "Progressing")[1] == "ReplicaSetUpdated"


def test_a_word_of_progress_goes_with_the_deadline() -> None:
    wanted = deployment()
    begun = decide(wanted, replica_set("new"))
    found = decide(after(wanted, begun, progressDeadlineSeconds=None), replica_set("new"))
    assert condition(found, "Progressing") is None


def test_the_deadline_is_looked_for_when_it_comes_and_no_sooner_than_in_a_second() -> None:
    wanted, stuck = deployment(), replica_set("new", available=0, ready=0)
    waiting = after(wanted, decide(wanted, stuck))
    assert decide(waiting, stuck, at=NOW + timedelta(seconds=400)).look_again == 201
    assert decide(waiting, stuck, at=NOW + timedelta(seconds=600)).look_again == 1
    assert view.NO_DEADLINE == 2147483647


def test_paused_and_resumed_are_told() -> None:
    wanted, stuck = deployment(), replica_set("new", available=0, ready=0)
    begun = after(wanted, decide(wanted, stuck), paused=True)
    paused = decide(begun, stuck)
    assert said(paused, "Progressing") == ("Unknown", "DeploymentPaused", "Deployment is paused")
    held = after(wanted, paused)
    later = NOW + timedelta(hours=1)
    resumed = decide(held, stuck, at=later)
    assert said(resumed, "Progressing") == ("Unknown", "DeploymentResumed", "Deployment is resumed")
    assert resumed.look_again == 601, "the deadline begins anew"
    told = condition(resumed, "Progressing")
    assert told is not None
    assert told["lastTransitionTime"] == STAMP
    assert decide(after(wanted, paused, paused=True), stuck, at=later).patch is None


def test_a_rollout_that_took_too_long_stays_so_while_it_is_paused() -> None:
    wanted, stuck = deployment(), replica_set("new", available=0, ready=0)
    waiting = after(wanted, decide(wanted, stuck))
    late = decide(waiting, stuck, at=NOW + timedelta(seconds=700))
    paused = decide(after(wanted, late, paused=True), stuck)
    assert paused.patch is None


def test_without_a_deadline_pausing_is_not_told() -> None:
    found = decide(deployment(paused=True, progressDeadlineSeconds=None), replica_set("new"))
    assert condition(found, "Progressing") is None


def test_paused_its_history_is_kept_within_the_limit() -> None:
    wanted = deployment(paused=True, revisionHistoryLimit=0)
    found = decide(wanted, replica_set("new", revision=2), replica_set("old", 0))
    assert DeleteReplicaSet("old", "old") in found.actions
    rolling = decide(
        deployment(revisionHistoryLimit=0), replica_set("new", revision=2), replica_set("old", 0)
    )
    assert DeleteReplicaSet("old", "old") not in rolling.actions


def test_a_new_replica_set_begins_with_what_the_surge_allows() -> None:
    rolling = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    wanted = deployment(replicas=4, strategy=rolling)
    noted = {"deployment.kubernetes.io/desired-replicas": "4"}
    (made,) = decide(wanted, replica_set("old", 4, annotations=noted)).actions
    assert isinstance(made, CreateReplicaSet)
    assert made.replicas == 1


# What is read


def test_a_replica_set_is_read_with_what_is_not_said() -> None:
    bare = {"metadata": {"name": "a", "uid": "u"}, "spec": {}, "status": {}, "templateDigest": "d"}
    assert view.replica_set(bare) == ReplicaSet(
        "a", "u", digest="d", settled=True, terminating=None, failures=()
    )


@pytest.mark.parametrize(("generation", "observed", "settled"), [(2, 1, False), (2, 2, True), (2, 3, True)])
def test_a_replica_set_is_settled_when_its_status_is_of_its_spec(
    generation: int, observed: int, settled: bool
) -> None:
    failure = {"type": "ReplicaFailure", "status": "True"}
    obj: Object = {
        "metadata": {"name": "a", "uid": "u", "generation": generation, "deletionTimestamp": STAMP},
        "spec": {"replicas": 3, "minReadySeconds": 4},
        "status": {
            "replicas": 5,
            "readyReplicas": 6,
            "availableReplicas": 7,
            "terminatingReplicas": 8,
            "observedGeneration": observed,
            "conditions": [{"type": "Other", "status": "True"}, failure],
        },
        "templateDigest": "d",
    }
    found = view.replica_set(obj)
    assert (found.replicas, found.min_ready_seconds, found.deleting) == (3, 4, True)
    assert (found.actual, found.ready, found.available, found.terminating) == (5, 6, 7, 8)
    assert (found.settled, found.failures) == (settled, (failure,))


def test_a_deployment_is_read_with_what_is_not_said() -> None:
    found = view.deployment(
        {
            "metadata": {"name": "a", "namespace": "n", "uid": "u"},
            "spec": {},
            "status": {},
            "templateDigest": "d",
        }
    )
    assert (found.generation, found.replicas, found.min_ready_seconds) == (0, 1, 0)
    assert (found.surge, found.unavailable, found.history_limit, found.deadline) == (0, 1, None, None)
    recreated = deployment(replicas=4, strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 2}})
    assert (recreated.recreate, recreated.surge, recreated.unavailable) == (True, 0, 0)


@pytest.mark.parametrize(
    ("share", "of", "up", "down"), [("10%", 10, 1, 1), ("15%", 10, 2, 1), ("99%", 101, 100, 99), (3, 1, 3, 3)]
)
def test_shares_in_per_cent(share: int | str, of: int, up: int, down: int) -> None:
    assert (view.amount(share, of, round_up=True), view.amount(share, of, round_up=False)) == (up, down)
