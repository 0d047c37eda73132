"""What a ReplicaSet does about its Pods, and what it says of them."""

from datetime import datetime
from typing import Any

import pytest

from strongroom.controllers.actions import Patch
from strongroom.controllers.ownership import Claim
from strongroom.controllers.replica_set import decision, status
from strongroom.controllers.replica_set.decision import CreatePods, DeletePods, State
from strongroom.machinery.gvk import Object

NOW = datetime.fromisoformat("2026-01-02T03:04:05+00:00")


def replica_set(wanted: int, *, min_ready: int = 0, **status: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "n", "uid": "u", "generation": 3},
        "spec": {"replicas": wanted, "minReadySeconds": min_ready},
        "status": status,
        "templateLabels": {"app": "web"},
        "templateDigest": "x",
    }


def pod(name: str, *, phase: str = "Running", ready: str = "", app: str = "web", **metadata: Any) -> Object:
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": ready}] if ready else []
    labels = {"app": app} if app else {}
    return {
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": labels, **metadata},
        "spec": {"nodeName": "n1"},
        "status": {"phase": phase, "conditions": conditions},
    }


def decide(wanted: Object, *held: Object, counted: bool = True, **claim: Any) -> list[decision.Action]:
    found = Claim(held=list(held), **claim)
    return decision.decide(State(wanted, found, list(held), counted, NOW))


def test_missing_pods_are_made_up_to_a_burst() -> None:
    assert decide(replica_set(3), pod("a")) == [CreatePods(2)]
    assert decide(replica_set(2000), pod("a")) == [CreatePods(decision.BURST)]
    assert decide(replica_set(1), pod("a")) == []


def test_superfluous_pods_are_ended() -> None:
    (action,) = decide(replica_set(1), pod("b"), pod("a"), pod("c"))
    assert isinstance(action, DeletePods)
    assert [each["metadata"]["name"] for each in action.pods] == ["a", "b"]
    (action,) = decide(replica_set(0), *(pod(f"p{number}") for number in range(600)))
    assert isinstance(action, DeletePods)
    assert len(action.pods) == decision.BURST


def test_pods_that_end_or_have_ended_do_not_count() -> None:
    gone = (pod("a", deletionTimestamp="now"), pod("b", phase="Failed"), pod("c", phase="Succeeded"))
    assert decide(replica_set(1), *gone) == [CreatePods(1)]
    assert decide(replica_set(0), *gone) == []


@pytest.mark.parametrize("replicas", [0, 5])
def test_nothing_is_made_or_ended_before_the_cache_is_up_to_date(replicas: int) -> None:
    assert decide(replica_set(replicas), pod("a"), counted=False) == []


@pytest.mark.parametrize("replicas", [0, 5])
def test_a_replica_set_that_ends_leaves_its_pods_alone(replicas: int) -> None:
    ending = replica_set(replicas)
    ending["metadata"]["deletionTimestamp"] = "now"
    assert decide(ending, pod("a")) == []


def test_adopted_pods_count_and_released_ones_do_not() -> None:
    found = decide(replica_set(2), pod("a"), adopt=[pod("b")], release=[pod("c")])
    assert all(isinstance(action, Patch) for action in found)
    assert [action.name for action in found if isinstance(action, Patch)] == ["b", "c"]


def said(wanted: Object, *pods: Object, failure: str | None = None) -> Object:
    state = State(wanted, Claim(held=list(pods)), [], True, NOW)
    return status.of(wanted, state.active, state.terminating, NOW, failure)


def test_the_status_counts() -> None:
    pods = [
        pod("a", ready="2026-01-02T03:00:00Z"),
        pod("b", ready="2026-01-02T03:04:00Z", app=""),
        pod("c"),
        pod("d", deletionTimestamp="now", ready="2026-01-02T03:00:00Z"),
        pod("e", deletionTimestamp="now", phase="Failed"),
    ]
    wanted = replica_set(3, min_ready=60)
    assert said(wanted, *pods) == {
        "replicas": 3,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "terminatingReplicas": 1,
        "observedGeneration": 3,
    }
    assert status.next_change(wanted, pods[:3], NOW) == 55
    assert status.next_change(wanted, [pods[0], pods[2]], NOW) is None


def test_zeros_are_left_out_as_go_does() -> None:
    assert said(replica_set(0)) == {"replicas": 0, "terminatingReplicas": 0, "observedGeneration": 3}


def test_a_status_that_is_right_is_not_written() -> None:
    found = said(replica_set(1), pod("a"))
    assert status.patch(replica_set(1, **found), found) is None
    patch = status.patch(replica_set(1, **found), said(replica_set(1)))
    assert patch is not None
    assert patch["metadata"] == {"uid": "u"}
    assert patch["status"]["fullyLabeledReplicas"] is None


def test_a_failure_is_told_once_until_it_is_over() -> None:
    failed = said(replica_set(1), failure="no")
    assert failed["conditions"] == [
        {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
            "reason": "FailedCreate",
            "message": "no",
        }
    ]
    again = said(replica_set(1, **failed), failure="no, still")
    assert again["conditions"] == failed["conditions"]
    assert "conditions" not in said(replica_set(1, **failed))
    too_many = said(replica_set(0), pod("a"), failure="no")
    assert too_many["conditions"][0]["reason"] == "FailedDelete"


def test_what_is_said_of_pods_that_could_not_be_made_or_ended() -> None:
    assert status.why([CreatePods(1)], ValueError("no")) == "no"
    assert status.why([DeletePods([])], ValueError("no")) == "unable to delete pods: no"
