"""Who holds which version, decided from what the API says."""

from typing import Any

import pytest

from strongroom.cli.delivery import holders
from strongroom.cli.delivery.holders import Cluster, State
from strongroom.machinery.gvk import Object

VOLUMES: list[Object] = [{"name": "v", "secret": {"secretName": "db"}}]
FILES: Object = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
PART: Object = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "password"}]}
VARIABLES: Object = {"name": "c", "envFrom": [{"secretRef": {"name": "db"}}]}


def pod(*containers: Object, name: str = "p", node: str = "n1", **changed: Any) -> Object:
    metadata = {"name": name, "uid": f"uid-{name}", **changed.pop("metadata", {})}
    statuses = [{"name": each["name"], "state": {"running": {}}} for each in containers]
    status = {"phase": "Running", "containerStatuses": statuses, **changed.pop("status", {})}
    spec = {"volumes": VOLUMES, "containers": list(containers), "nodeName": node, **changed}
    return {"metadata": metadata, "spec": spec, "status": status}


def delivery(version: str = "", way: str = "Volume", **more: str) -> Object:
    volume = {} if way == "Env" else {"volume": "v"}
    version_of_it = {"resourceVersion": version} if version else {}
    return {"secret": "db", "container": "c", "way": way, **volume, **version_of_it, **more}


def look(
    found: Object, *deliveries: Object, newest: str = "9", away: frozenset[str] = frozenset()
) -> list[tuple[State, str, str]]:
    uid = found["metadata"]["uid"]
    receipts = {uid: {"podUID": uid, "deliveries": list(deliveries)}} if deliveries else {}
    told = holders.find(Cluster("db", newest, [found], receipts, away))
    return [(holder.state, holder.version, holder.message) for holder in told]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], (State.PENDING, "", "")),
        ([delivery()], (State.PENDING, "", "")),
        ([delivery("8")], (State.PENDING, "8", "")),
        ([delivery("9")], (State.CURRENT, "9", "")),
        # It changed again after it had been looked at.
        ([delivery("10")], (State.CURRENT, "10", "")),
        ([delivery("8", message="full")], (State.FAILED, "8", "full")),
    ],
)
def test_files(told: list[Object], expected: tuple[State, str, str]) -> None:
    assert look(pod(FILES), *told) == [expected]


@pytest.mark.parametrize(("container", "way"), [(VARIABLES, "Env"), (PART, "SubPath")])
def test_what_is_fixed_at_the_start_is_stale_until_a_restart(container: Object, way: str) -> None:
    assert look(pod(container), delivery("8", way)) == [(State.STALE, "8", "restart the container")]
    assert look(pod(container), delivery("9", way)) == [(State.CURRENT, "9", "")]


def test_a_container_that_does_not_run_holds_no_variables() -> None:
    waiting = {"containerStatuses": [{"name": "c", "state": {"waiting": {}}}]}
    assert look(pod(VARIABLES, status=waiting)) == [(State.NOT_RUNNING, "", "")]
    assert look(pod(VARIABLES)) == [(State.PENDING, "", "")]


def test_a_node_that_is_away_is_not_believed_unless_it_told_of_the_newest() -> None:
    away = frozenset({"n1"})
    assert look(pod(FILES), delivery("8"), away=away) == [(State.UNKNOWN, "8", "node n1 is not ready")]
    assert look(pod(FILES), delivery("9"), away=away) == [(State.CURRENT, "9", "")]


def test_a_pod_that_leaves_holds_what_it_had_until_it_is_gone() -> None:
    leaving = pod(FILES, metadata={"deletionTimestamp": "2026-01-02T03:04:05Z"})
    assert look(leaving, delivery("8")) == [(State.STALE, "8", "the Pod is being deleted")]


def test_a_pod_without_a_node_lags_behind_nobody() -> None:
    assert look(pod(FILES, node="")) == [(State.UNSCHEDULED, "", "")]
    found = holders.find(Cluster("db", "9", [pod(FILES, node="")], {}))
    assert holders.lagging(found, files_only=False) == []


def test_pods_that_have_ended_are_left_out() -> None:
    assert look(pod(FILES, status={"phase": "Succeeded"}), delivery("8")) == []


def test_init_containers_are_shown_while_they_hold_something() -> None:
    init = pod(initContainers=[{**FILES}])
    assert look(init, delivery("8", container="other")) == []
    assert look(init, delivery("8")) == [(State.PENDING, "8", "")]


def test_other_secrets_are_not_shown() -> None:
    other: Object = {"name": "c", "envFrom": [{"secretRef": {"name": "other"}}]}
    assert look(pod(other)) == []


def test_who_holds_a_secret_that_is_gone() -> None:
    assert look(pod(FILES), delivery("8"), newest="") == [(State.STALE, "8", "the Secret is gone")]


def test_a_receipt_of_an_earlier_pod_of_the_name_counts_for_nothing() -> None:
    receipts = {"another": {"podUID": "another", "deliveries": [delivery("9")]}}
    (holder,) = holders.find(Cluster("db", "9", [pod(FILES)], receipts))
    assert holder.state is State.PENDING


def test_waiting_for_files_leaves_variables_out() -> None:
    both = {**FILES, **VARIABLES}
    receipts = {"uid-p": {"podUID": "uid-p", "deliveries": [delivery("9"), delivery("8", "Env")]}}
    found = holders.find(Cluster("db", "9", [pod(both)], receipts))
    assert holders.lagging(found, files_only=True) == []
    assert [str(holder) for holder in holders.lagging(found, files_only=False)] == ["p/c (env: 8)"]
