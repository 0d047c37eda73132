"""Taints follow the state of a node; a node nobody hears of is unknown."""

from datetime import UTC, datetime

import pytest

from strongroom.controllers import actions, node_taints
from strongroom.machinery.gvk import Object

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TIME = "2026-01-02T03:04:05Z"


def _node(ready: str | None = "True", taints: list[Object] | None = None, **more: str) -> Object:
    found = {"Ready": ready, **more} if ready else more
    conditions = [{"type": kind, "status": state} for kind, state in found.items()]
    metadata = {"name": "n", "uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": {"taints": taints or []}, "status": {"conditions": conditions}}


def _patch(found: list[actions.Action]) -> Object:
    (action,) = found
    assert isinstance(action, actions.Patch)
    return action.patch


def test_a_node_that_is_well_has_no_taints() -> None:
    assert node_taints.taint(_node(), NOW) == []
    assert node_taints.taint(_node(ready=None), NOW) == [], "it has not reported yet"


@pytest.mark.parametrize(("ready", "key"), [("False", "not-ready"), ("Unknown", "unreachable")])
def test_a_node_that_is_not_ready_repels_and_drives_away(ready: str, key: str) -> None:
    patch = _patch(node_taints.taint(_node(ready), NOW))
    assert patch["metadata"] == {"uid": "u", "resourceVersion": "7"}
    assert patch["spec"]["taints"] == [
        {"key": f"node.kubernetes.io/{key}", "effect": effect, "timeAdded": TIME}
        for effect in ("NoSchedule", "NoExecute")
    ]


def test_a_taint_that_is_there_keeps_its_time_and_those_of_others_stay() -> None:
    foreign = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    old = {
        "key": "node.kubernetes.io/unreachable",
        "effect": "NoExecute",
        "timeAdded": "2026-01-01T00:00:00Z",
    }
    patch = _patch(node_taints.taint(_node("Unknown", [foreign, old]), NOW))
    assert patch["spec"]["taints"][:2] == [foreign, old]
    assert patch["spec"]["taints"][2]["effect"] == "NoSchedule"
    assert _patch(node_taints.taint(_node("True", [foreign, old]), NOW))["spec"]["taints"] == [foreign]
    assert _patch(node_taints.taint(_node("True", [old]), NOW))["spec"]["taints"] is None


def test_pressure_and_cordon_repel() -> None:
    node = _node(DiskPressure="True", NetworkUnavailable="True")
    node["spec"]["unschedulable"] = True
    found = _patch(node_taints.taint(node, NOW))["spec"]["taints"]
    assert [(taint["key"], taint["effect"]) for taint in found] == [
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/network-unavailable", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ]


def test_a_silent_node_is_unknown_in_all_that_it_reported() -> None:
    said = _patch(node_taints.silence(_node("True", MemoryPressure="False"), NOW))["status"]["conditions"]
    by_type = {condition["type"]: condition for condition in said}
    assert set(by_type) == {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"}
    assert by_type["Ready"] == {
        "type": "Ready",
        "status": "Unknown",
        "lastTransitionTime": TIME,
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
    }
    assert by_type["DiskPressure"]["reason"] == "NodeStatusNeverUpdated"
    unknown = _node("Unknown", MemoryPressure="Unknown", DiskPressure="Unknown", PIDPressure="Unknown")
    assert node_taints.silence(unknown, NOW) == []


def test_only_a_ready_pod_is_marked() -> None:
    pod: Object = {
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    (said,) = _patch(node_taints.not_ready(pod, NOW))["status"]["conditions"]
    assert said == {"type": "Ready", "status": "False", "lastTransitionTime": TIME}
    pod["status"]["conditions"][0]["status"] = "False"
    assert node_taints.not_ready(pod, NOW) == []
