"""What a Job needs done, by what its Pods have come to. Every time passes in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from strongroom.controllers.job import decision, pods
from strongroom.controllers.job.decision import Decision, Failures, State
from strongroom.machinery.gvk import Object

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05Z"
NO_FAILURES = Failures()


def job(status: Any = None, *, deleting: bool = False, **spec: Any) -> Object:
    metadata = {"name": "j", "namespace": "n", "uid": "job", "resourceVersion": "1"}
    if deleting:
        metadata["deletionTimestamp"] = STAMP
    full = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed", **spec}
    return {"metadata": metadata, "spec": full, "status": {"startTime": STAMP} if status is None else status}


def pod(
    name: str,
    phase: str = "Running",
    *,
    index: int | None = None,
    tracked: bool = True,
    deleting: bool = False,
    restarts: int = 0,
) -> Object:
    metadata: Object = {"name": name, "namespace": "n", "uid": name, "resourceVersion": "1"}
    metadata["creationTimestamp"] = STAMP
    if tracked:
        metadata["finalizers"] = ["example.com/x", pods.TRACKING]
    if deleting:
        metadata["deletionTimestamp"] = STAMP
    if index is not None:
        metadata["annotations"] = {pods.INDEX: str(index)}
    spec = {"restartPolicy": "OnFailure" if restarts else "Never", "nodeName": "a"}
    return {
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": phase, "containerStatuses": [{"restartCount": restarts}]},
    }


def decide(
    of: Object, *held: Object, counted: bool = True, failures: Failures = NO_FAILURES, later: float = 0
) -> Decision:
    return decision.decide(State(of, held, counted, failures, NOW + timedelta(seconds=later)))


def conditions(found: Decision) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in found.status.get("conditions") or ()}


def settled(of: Object, found: Decision) -> Object:
    """The Job after the decision was carried out."""
    return {**of, "status": found.status}


def names(found: Any) -> list[str]:
    return [each["metadata"]["name"] for each in found]


# Pods to make


@pytest.mark.parametrize(
    ("spec", "active", "made"),
    [
        ({}, 0, 1),
        ({"completions": 5, "parallelism": 2}, 0, 2),
        ({"completions": 5, "parallelism": 2}, 1, 1),
        ({"completions": 1, "parallelism": 3}, 0, 1),
        ({"completions": None, "parallelism": 3}, 0, 3),
        ({"parallelism": 0}, 0, 0),
    ],
)
def test_as_many_as_are_wanted(spec: Any, active: int, made: int) -> None:
    found = decide(job(**spec), *(pod(f"p{number}") for number in range(active)))
    assert found.create == [None] * made if made else not found.create
    assert found.status.get("active", 0) == active + made


def test_the_start_is_noted() -> None:
    assert decide(job({})).status["startTime"] == STAMP


def test_nothing_is_made_before_the_cache_is_up_to_date() -> None:
    assert not decide(job(), counted=False).create


def test_more_than_are_wanted_are_dropped_and_not_counted() -> None:
    found = decide(job(completions=5, parallelism=1), pod("a"), pod("b"))
    assert len(found.drop) == 1
    assert not found.delete
    assert found.status["active"] == 1


def test_of_a_queue_none_is_made_after_one_has_succeeded() -> None:
    of = job({"startTime": STAMP, "succeeded": 1}, completions=None, parallelism=3)
    assert not decide(of, pod("a")).create


def test_while_pods_end_others_take_their_place_unless_the_job_waits_for_each() -> None:
    ending = pod("a", deleting=True, tracked=False)
    assert decide(job(), ending).create == [None]
    assert not decide(job(podReplacementPolicy="Failed"), ending).create


# Counting


def test_an_end_is_written_down_then_let_go_then_counted_once() -> None:
    of = job(completions=2)
    ended = pod("a", "Succeeded")
    first = decide(of, ended)
    assert first.status["uncountedTerminatedPods"] == {"succeeded": ["a"]}
    assert first.status.get("succeeded") is None
    assert names(first.release) == ["a"]
    again = decide(settled(of, first), ended)
    assert again.status["uncountedTerminatedPods"] == {"succeeded": ["a"]}, "not twice"
    gone = decide(settled(of, first), pod("a", "Succeeded", tracked=False))
    assert (gone.status["succeeded"], gone.status["uncountedTerminatedPods"]) == (1, {})
    assert decide(settled(of, gone), pod("a", "Succeeded", tracked=False)).status["succeeded"] == 1


def test_one_that_is_gone_altogether_is_counted_too() -> None:
    of = job({"startTime": STAMP, "uncountedTerminatedPods": {"failed": ["x"]}}, completions=2)
    assert decide(of).status["failed"] == 1


def test_one_that_is_deleted_counts_as_failed() -> None:
    found = decide(job(), pod("a", deleting=True))
    assert found.status["uncountedTerminatedPods"] == {"failed": ["a"]}
    waits = decide(job(podReplacementPolicy="Failed"), pod("a", deleting=True))
    assert waits.status["uncountedTerminatedPods"] == {}


def test_letting_go_leaves_the_finalizers_of_others() -> None:
    assert pods.without_tracking(pod("a"))["metadata"]["finalizers"] == ["example.com/x"]


# Its end


def test_it_is_complete_when_enough_have_succeeded_and_are_counted() -> None:
    of = job()
    first = decide(of, pod("a", "Succeeded"))
    assert conditions(first) == {"SuccessCriteriaMet": ("True", "CompletionsReached")}
    assert not first.told
    last = decide(settled(of, first), pod("a", "Succeeded", tracked=False))
    assert conditions(last)["Complete"] == ("True", "CompletionsReached")
    assert last.status["completionTime"] == STAMP
    assert [(each.warning, each.reason, each.message) for each in last.told] == [
        (False, "Completed", "Job completed")
    ]
    after = decide(settled(of, last), pod("a", "Succeeded", tracked=False))
    assert (after.create, after.told, decision.patch(settled(of, last), after.status)) == ((), [], None)


def test_a_queue_is_complete_when_one_has_succeeded_and_none_runs() -> None:
    of = job({"startTime": STAMP, "succeeded": 1}, completions=None, parallelism=3)
    assert conditions(decide(of, pod("a"))) == {}
    assert conditions(decide(of))["Complete"][0] == "True"


def test_none_to_complete_is_complete() -> None:
    assert conditions(decide(job(completions=0)))["Complete"][0] == "True"


def test_what_still_runs_when_enough_have_succeeded_goes_first_and_is_no_failure() -> None:
    of = job({"startTime": STAMP, "succeeded": 2}, completions=2, parallelism=2)
    found = decide(of, pod("late"))
    assert (names(found.drop), conditions(found)) == (["late"], {})
    assert conditions(decide(settled(of, found)))["Complete"][0] == "True"


def test_enough_are_enough_though_the_job_is_suspended() -> None:
    of = job({"startTime": STAMP, "succeeded": 2}, completions=2, suspend=True)
    found = decide(of)
    assert conditions(found) == {
        "SuccessCriteriaMet": ("True", "CompletionsReached"),
        "Complete": ("True", "CompletionsReached"),
    }


def test_more_successes_than_were_wanted_are_told() -> None:
    found = decide(job({"startTime": STAMP, "succeeded": 3}, completions=2))
    text = "Too many succeeded pods running after completion count reached"
    assert [(each.warning, each.reason, each.message) for each in found.told] == [
        (True, "TooManySucceededPods", text),
        (False, "Completed", "Job completed"),
    ]
    of_a_queue = decide(job({"startTime": STAMP, "succeeded": 3}, completions=None))
    assert [each.reason for each in of_a_queue.told] == ["Completed"]


def test_pods_that_are_told_to_go_are_neither_active_nor_ready_but_terminating() -> None:
    ready, other = pod("a"), pod("b")
    for each in (ready, other):
        each["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": STAMP}]
    status = decide(job(completions=5), ready, other).status
    assert (status["active"], status["ready"], status["terminating"]) == (1, 1, 1)
    status = decide(job(suspend=True), ready, other).status
    assert (status.get("active"), status["ready"], status["terminating"]) == (None, 0, 2)


def test_more_failures_than_the_limit_end_it() -> None:
    of = job({"startTime": STAMP, "failed": 1}, backoffLimit=1)
    found = decide(of, pod("a", "Failed"))
    assert conditions(found) == {"FailureTarget": ("True", "BackoffLimitExceeded")}
    last = decide(settled(of, found), pod("a", "Failed", tracked=False))
    assert conditions(last)["Failed"] == ("True", "BackoffLimitExceeded")
    assert [(each.warning, each.message) for each in last.told] == [
        (True, "Job has reached the specified backoff limit")
    ]
    assert (last.status["failed"], last.status.get("completionTime")) == (2, None)


def test_as_many_failures_as_the_limit_do_not() -> None:
    found = decide(job({"startTime": STAMP, "failed": 1}, backoffLimit=1))
    assert conditions(found) == {}


@pytest.mark.parametrize(
    ("restarts", "limit", "ends"), [(2, 3, False), (3, 3, True), (1, 0, True), (0, 0, False)]
)
def test_restarts_in_place_count_against_the_limit(restarts: int, limit: int, ends: bool) -> None:
    found = decide(job(backoffLimit=limit), pod("a", restarts=restarts))
    assert ("FailureTarget" in conditions(found)) is ends
    assert names(found.delete) == (["a"] if ends else [])


def test_the_deadline_ends_it_and_is_waited_for() -> None:
    of = job(activeDeadlineSeconds=10)
    assert decide(of, pod("a"), later=4).look_again == 6
    found = decide(of, pod("a"), later=10)
    assert conditions(found) == {"FailureTarget": ("True", "DeadlineExceeded")}
    assert names(found.delete) == ["a"]


def test_a_finished_job_goes_when_its_time_is_over() -> None:
    done = {"type": "Complete", "status": "True", "lastTransitionTime": STAMP}
    of = job({"conditions": [done]}, ttlSecondsAfterFinished=60)
    waits = decide(of, later=20)
    assert (waits.expired, waits.look_again) == (False, 40)
    assert decide(of, later=60).expired
    assert not decide(job({"conditions": [done]}), later=10**6).expired


def test_one_that_is_deleted_lets_its_pods_go_and_makes_none() -> None:
    found = decide(job(deleting=True), pod("a"))
    assert names(found.release) == ["a"]
    assert not found.create


# Failures and patience


def test_after_a_failure_the_next_pod_waits_longer_each_time() -> None:
    found = decide(job(), pod("a", "Failed"))
    assert (found.create, found.look_again, found.failures.count) == ((), 10.0, 1)
    of = settled(job(), found)
    assert decide(of, failures=found.failures, later=9).look_again == 1
    assert decide(of, failures=found.failures, later=10).create == [None]
    assert Failures(3, NOW).wait(NOW) == 40
    assert Failures(50, NOW).wait(NOW) == 600


def ended(name: str, phase: str, second: int, **more: Any) -> Object:
    """A Pod whose container ended that many seconds after NOW."""
    found = pod(name, phase, **more)
    stamp = f"2026-01-02T03:04:{5 + second:02}Z"
    found["status"]["containerStatuses"] = [{"name": "c", "state": {"terminated": {"finishedAt": stamp}}}]
    return found


def test_patience_runs_from_the_end_of_the_last_pod_that_failed() -> None:
    found = decide(
        job(parallelism=2, completions=2), ended("a", "Failed", 4), ended("b", "Failed", 1), later=8
    )
    assert found.failures == Failures(2, NOW + timedelta(seconds=4))
    assert found.look_again == 16


def test_failures_before_a_success_are_forgotten_and_those_after_it_are_not() -> None:
    found = decide(
        job(completions=9),
        ended("a", "Failed", 2),
        ended("b", "Succeeded", 2),
        ended("c", "Failed", 3),
        ended("d", "Succeeded", 1),
        failures=Failures(5, NOW),
        later=4,
    )
    assert found.failures == Failures(1, NOW + timedelta(seconds=3))


def test_a_success_ends_the_patience() -> None:
    found = decide(job(completions=3), pod("a", "Succeeded"), failures=Failures(5, NOW))
    assert found.create == [None]


def test_a_job_ends_pods_that_were_ready_for_less_long_to_the_second_and_not_by_cost() -> None:
    first, other = pod("a"), pod("b")
    for each, since in ((first, "2026-01-02T03:00:01Z"), (other, "2026-01-02T03:00:00Z")):
        each["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    first["metadata"]["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": "9"}
    assert names(decide(job(completions=5), other, first).drop) == ["a"]


# Suspension


def test_a_suspended_job_ends_its_pods_and_says_so() -> None:
    found = decide(job(suspend=True), pod("a"))
    assert names(found.drop) == ["a"]
    assert "startTime" not in found.status
    assert conditions(found) == {"Suspended": ("True", "JobSuspended")}
    assert [each.reason for each in found.told] == ["Suspended"]
    assert not decide(settled(job(suspend=True), found)).told


def test_and_begins_anew_when_it_is_resumed() -> None:
    of = settled(job(), decide(job(suspend=True)))
    found = decide(of, later=60)
    assert conditions(found) == {"Suspended": ("False", "JobResumed")}
    assert found.create == [None]
    assert found.status["startTime"] == "2026-01-02T03:05:05Z"
    assert [each.reason for each in found.told] == ["Resumed"]


# Indexes


def indexed(status: Any = None, **spec: Any) -> Object:
    return job(status, completionMode="Indexed", **{"completions": 4, "parallelism": 2, **spec})


def test_the_lowest_indexes_that_are_free_come_first() -> None:
    of = indexed({"startTime": STAMP, "completedIndexes": "0,2", "succeeded": 2})
    assert decide(of, pod("a", index=1)).create == [3]


def test_an_index_is_complete_once() -> None:
    of = indexed()
    found = decide(of, pod("a", "Succeeded", index=1), pod("b", "Succeeded", index=1), pod("c", index=0))
    assert found.status["completedIndexes"] == "1"
    assert found.status["succeeded"] == 1
    assert found.create == [2]


def test_two_of_one_index_or_beyond_the_last_are_too_many() -> None:
    found = decide(indexed(), pod("a", index=0), pod("b", index=0), pod("c", index=9), pod("d"))
    assert sorted(names(found.drop)) == ["a", "c", "d"]


def test_the_end_of_a_pod_whose_index_the_job_has_not_does_not_count() -> None:
    found = decide(indexed(), pod("a", "Failed", index=9), pod("b", "Failed"), pod("c", "Succeeded", index=4))
    assert sorted(names(found.release)) == ["a", "b", "c"]
    assert (found.status["uncountedTerminatedPods"], found.failures.count) == ({}, 0)
    assert "completedIndexes" not in found.status
    assert found.create == [0, 1]


def test_of_two_of_one_index_the_one_that_is_ready_stays() -> None:
    young, old = pod("young", index=0), pod("old", index=0)
    young["metadata"]["creationTimestamp"] = "2026-01-02T03:05:00Z"
    assert names(decide(indexed(), young, old).drop) == ["young"]
    young["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": STAMP}]
    assert names(decide(indexed(), young, old).drop) == ["old"]


def test_all_indexes_make_it_complete() -> None:
    found = decide(
        indexed({"startTime": STAMP, "completedIndexes": "0-2", "succeeded": 3}),
        pod("a", "Succeeded", index=3),
    )
    assert found.status["completedIndexes"] == "0-3"
    assert "SuccessCriteriaMet" in conditions(found)


def test_a_pod_knows_its_index() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}
    of = {"metadata": {"name": "j", "namespace": "n", "uid": "u"}, "spec": {"template": template}}
    made = pods.make(of, 3)
    metadata = made["metadata"]
    assert metadata["generateName"] == "j-3-"
    assert (metadata["labels"][pods.INDEX], metadata["annotations"][pods.INDEX]) == ("3", "3")
    assert metadata["finalizers"] == [pods.TRACKING]
    assert made["spec"]["hostname"] == "j-3"
    (variable,) = made["spec"]["containers"][0]["env"]
    assert variable == {
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{pods.INDEX}']"}},
    }
    assert "env" not in template["spec"]["containers"][0], "the template is left as it is"  # type: ignore[index]
    plain = pods.make(of, None)
    assert plain["metadata"]["generateName"] == "j-"
    assert "hostname" not in plain["spec"]


def test_the_index_stays_in_the_name_and_in_the_hostname_of_a_pod() -> None:
    template = {"spec": {"containers": [], "hostname": "mine"}}
    of = {"metadata": {"name": "j" * 60, "namespace": "n", "uid": "u"}, "spec": {"template": template}}
    made = pods.make(of, 12)
    assert made["metadata"]["generateName"] == "j" * 54 + "-12-"
    assert made["spec"]["hostname"] == "j" * 60 + "-12"


# Policies


def fatal(action: str) -> Object:
    return {"rules": [{"action": action, "onPodConditions": [{"type": "Gone", "status": "True"}]}]}


def gone(name: str) -> Object:
    found = pod(name, "Failed")
    found["status"]["conditions"] = [{"type": "Gone", "status": "True"}]
    return found


def test_a_failure_that_is_fatal_ends_the_job_at_once() -> None:
    found = decide(job(parallelism=2, completions=2, podFailurePolicy=fatal("FailJob")), gone("a"), pod("b"))
    assert conditions(found) == {"FailureTarget": ("True", "PodFailurePolicy")}
    (told,) = found.status["conditions"]
    assert told["message"] == "Pod n/a has condition Gone matching FailJob rule at index 0"
    assert names(found.delete) == ["b"]
    assert found.status["uncountedTerminatedPods"] == {"failed": ["a"]}


def test_a_failure_that_is_ignored_counts_for_patience_only() -> None:
    found = decide(job(podFailurePolicy=fatal("Ignore")), gone("a"))
    assert (found.create, found.look_again, found.failures.count) == ((), 10, 1)
    assert names(found.release) == ["a"]
    assert found.status["uncountedTerminatedPods"] == {}


def test_a_failure_that_counts_counts() -> None:
    found = decide(job(podFailurePolicy=fatal("Count")), gone("a"))
    assert found.failures.count == 1


def test_enough_of_the_indexes_make_it_complete() -> None:
    policy = {"rules": [{"succeededIndexes": "0"}]}
    of = indexed({"startTime": STAMP, "completedIndexes": "0", "succeeded": 1}, successPolicy=policy)
    found = decide(of, pod("b", index=1))
    assert conditions(found) == {"SuccessCriteriaMet": ("True", "SuccessPolicy")}
    assert names(found.delete) == ["b"]


# Word by word


def messages(found: Decision) -> dict[str, str]:
    return {each["type"]: each["message"] for each in found.status.get("conditions") or ()}


def events(found: Decision) -> list[tuple[bool, str, str]]:
    return [(each.warning, each.reason, each.message) for each in found.told]


def test_suspension_and_its_end_are_told() -> None:
    suspended = decide(job(suspend=True))
    assert messages(suspended) == {"Suspended": "Job suspended"}
    assert events(suspended) == [(False, "Suspended", "Job suspended")]
    resumed = decide(settled(job(), suspended), later=60)
    assert messages(resumed) == {"Suspended": "Job resumed"}
    assert events(resumed) == [(False, "Resumed", "Job resumed")]
    again = decide(settled(job(suspend=True), resumed))
    assert (conditions(again)["Suspended"], events(again)[0][1]) == (("True", "JobSuspended"), "Suspended")


def test_resuming_begins_the_time_anew_though_there_was_a_start() -> None:
    held = {"type": "Suspended", "status": "True", "reason": "JobSuspended", "message": "Job suspended"}
    other = {"type": "Other", "status": "True"}
    of = job({"startTime": STAMP, "conditions": [held, other]}, activeDeadlineSeconds=10)
    found = decide(of, later=5)
    assert found.status["startTime"] == "2026-01-02T03:04:10Z"
    assert [each["type"] for each in found.status["conditions"]] == ["Suspended", "Other"], "in its place"
    assert decide(job({}, activeDeadlineSeconds=10)).look_again == 10


def test_a_suspended_job_is_never_late() -> None:
    of = job({"startTime": STAMP}, activeDeadlineSeconds=10, suspend=True)
    found = decide(of, later=60)
    assert list(conditions(found)) == ["Suspended"]
    assert found.look_again is None


def test_the_reason_that_was_written_down_stays() -> None:
    told = {"type": "FailureTarget", "status": "True", "reason": "R", "message": "m"}
    of = job({"startTime": STAMP, "conditions": [told], "failed": 9}, backoffLimit=1)
    found = decide(of)
    assert conditions(found)["Failed"] == ("True", "R")
    assert (messages(found)["Failed"], events(found)) == ("m", [(True, "R", "m")])


def test_an_end_waits_for_pods_that_terminate_for_the_count_and_for_the_cache() -> None:
    told = {"type": "FailureTarget", "status": "True", "reason": "R", "message": "m"}
    of = job({"startTime": STAMP, "conditions": [told]})
    assert "Failed" not in conditions(decide(of, pod("a", deleting=True, tracked=False)))
    assert "Failed" not in conditions(decide(of, pod("a", "Failed")))
    assert "Failed" not in conditions(decide(of, counted=False))
    assert not decide(of, pod("a"), counted=False).delete
    assert conditions(decide(of, pod("a", "Failed", tracked=False)))["Failed"] == ("True", "R")


def test_only_pods_that_are_kept_are_let_go() -> None:
    done = {"type": "Complete", "status": "True", "lastTransitionTime": STAMP}
    kept, free = pod("a", "Failed"), pod("b", "Failed", tracked=False)
    assert names(decide(job({"conditions": [done]}), kept, free).release) == ["a"]
    assert names(decide(job(deleting=True), kept, free).release) == ["a"]


def test_the_nearest_time_is_looked_at_next() -> None:
    of = job(activeDeadlineSeconds=300)
    assert decide(of, failures=Failures(1, NOW)).look_again == 10
    assert decide(job(activeDeadlineSeconds=5), failures=Failures(1, NOW)).look_again == 5


def test_what_is_let_go_is_counted_and_what_is_kept_is_not_yet() -> None:
    of = job(
        {"startTime": STAMP, "succeeded": 1, "uncountedTerminatedPods": {"succeeded": ["a", "b"]}},
        completions=9,
    )
    found = decide(of, pod("a", "Succeeded"))
    assert found.status["succeeded"] == 2
    assert found.status["uncountedTerminatedPods"] == {"succeeded": ["a"]}


def test_no_more_are_made_than_are_left_to_complete() -> None:
    of = job({"startTime": STAMP, "succeeded": 3}, completions=5, parallelism=4)
    assert decide(of).create == [None, None]
    assert decide(of, pod("a")).create == [None]
    assert decide(of, pod("a"), pod("b")).create == ()
    bare = job()
    del bare["spec"]["parallelism"]
    assert decide({**bare, "spec": {**bare["spec"], "completions": 3}}).create == [None]


def test_six_failures_are_allowed_where_none_are_named() -> None:
    of = job({"startTime": STAMP, "failed": 6})
    del of["spec"]["backoffLimit"]
    assert conditions(decide(of)) == {}
    of["status"]["failed"] = 7
    assert "FailureTarget" in conditions(decide(of))


def test_an_index_that_is_complete_or_none_is_superfluous() -> None:
    of = indexed({"startTime": STAMP, "completedIndexes": "0", "succeeded": 1})
    found = decide(of, pod("a", index=0), pod("b"), pod("c", index=1))
    assert sorted(names(found.drop)) == ["a", "b"]


def test_the_index_of_a_pod_that_terminates_is_free_unless_the_job_waits_for_its_end() -> None:
    ending = pod("a", index=0, deleting=True, tracked=False)
    assert decide(indexed(), ending).create == [0, 1]
    assert decide(indexed(podReplacementPolicy="Failed"), ending).create == [1]
    gone = pod("a", "Failed", index=0, tracked=False)
    assert decide(indexed(podReplacementPolicy="Failed"), gone).create == [0, 1]


def test_counts_of_nothing_are_left_out() -> None:
    found = decide(indexed({"startTime": STAMP, "active": 1, "failed": 0}, parallelism=0))
    assert {"active", "succeeded", "failed", "completedIndexes"}.isdisjoint(found.status)
    assert (found.status["ready"], found.status["terminating"]) == (0, 0)


def test_the_patch_says_all_that_is_and_takes_away_what_was() -> None:
    of = job({"startTime": STAMP, "active": 1, "uncountedTerminatedPods": {"failed": ["x"]}})
    patch = decision.patch(of, {"startTime": STAMP, "failed": 1, "uncountedTerminatedPods": {}})
    assert patch is not None
    assert patch["metadata"] == {"uid": "job", "resourceVersion": "1"}
    assert patch["status"]["active"] is None
    assert patch["status"]["failed"] == 1
    assert patch["status"]["uncountedTerminatedPods"] == {"succeeded": None, "failed": None}
    plain = decision.patch(of, {"startTime": STAMP})
    assert plain is not None
    assert plain["status"]["uncountedTerminatedPods"] is None
    assert decision.patch(of, of["status"]) is None
