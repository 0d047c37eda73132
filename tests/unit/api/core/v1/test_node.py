"""Nodes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names

STRATEGY = STRATEGIES[resources.NODES]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(spec: Any = None, status: Any = None, **metadata: Any) -> dict[str, Any]:
    stamp = {"creationTimestamp": "2026-01-02T03:04:00Z"}
    return {"metadata": {"name": "n1", **stamp, **metadata}, "spec": spec or {}, "status": status or {}}


def test_a_node_registers_with_its_status_and_updates_keep_it() -> None:
    obj = make(status={"capacity": {"cpu": "2"}})
    STRATEGY.default(obj)
    STRATEGY.prepare_for_create(obj)
    assert obj["status"] == {"capacity": {"cpu": "2"}, "allocatable": {"cpu": "2"}}
    new = make({"unschedulable": True}, {"capacity": {}})
    STRATEGY.prepare_for_update(new, obj)
    assert new["status"] == obj["status"]
    heartbeat = make({"unschedulable": True}, {"phase": "x"})
    STRATEGY.prepare_for_status_update(heartbeat, obj)
    assert (heartbeat["spec"], heartbeat["status"]) == ({}, {"phase": "x"})


@pytest.mark.parametrize(
    ("taints", "expected"),
    [
        ([{"key": "a", "effect": "NoSchedule"}], []),
        ([{"key": "a"}], ["spec.taints[0].effect: Required value"]),
        ([{"key": "a", "effect": "Near"}],
         ['spec.taints[0].effect: Unsupported value: "Near": supported values: "NoSchedule", '
          '"PreferNoSchedule", '
          '"NoExecute"']),
        ([{"key": "a", "effect": "NoSchedule"}] * 2,
         ['spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}']),
        ([{"key": "-", "value": "-", "effect": "NoExecute"}],
         [f'spec.taints[0].key: Invalid value: "-": {names.qualified_name("-")[0]}',
          f'spec.taints[0].value: Invalid value: "-": {names.label_value("-")[0]}']),
    ],
)  # fmt: skip
def test_taints(taints: list[dict[str, str]], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(make({"taints": taints}))] == expected


def test_what_is_set_once() -> None:
    old = make({"providerID": "a", "podCIDRs": ["10.0.0.0/24"]})
    assert STRATEGY.validate_update(old, make()) == []
    assert [str(error) for error in STRATEGY.validate_update(make(), old)] == [
        'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ]


def ready(value: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": value}]}


@pytest.mark.parametrize(
    ("spec", "status", "shown"),
    [
        ({}, ready("True"), "Ready"),
        ({}, ready("False"), "NotReady"),
        ({}, ready("Unknown"), "NotReady"),
        ({}, {}, "Unknown"),
        ({"unschedulable": True}, ready("True"), "Ready,SchedulingDisabled"),
    ],
)
def test_status_cell(spec: dict[str, Any], status: dict[str, Any], shown: str) -> None:
    assert STRATEGY.row(make(spec, status), NOW)[1] == shown


def test_row() -> None:
    empty = ["n1", "Unknown", "<none>", "5s", "", "<none>", "<none>", "<unknown>", "<unknown>", "<unknown>"]
    assert STRATEGY.row(make(), NOW) == empty
    labels = {
        "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "",
        "kubernetes.io/role": "edge", "node-role.kubernetes.io/": "",
    }  # fmt: skip
    info = {"kubeletVersion": "v1.36.0", "osImage": "Debian", "kernelVersion": "6.1", "architecture": "amd64",
            "containerRuntimeVersion": "containerd://1.6"}  # fmt: skip
    addresses = [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "10.0.0.1"}]
    row = STRATEGY.row(make(status={"nodeInfo": info, "addresses": addresses}, labels=labels), NOW)
    assert row == ["n1", "Unknown", "control-plane,edge,worker", "5s", "v1.36.0", "10.0.0.1", "<none>",
                   "Debian", "6.1 (amd64)", "containerd://1.6"]  # fmt: skip
    assert len(row) == len(STRATEGY.columns)


def test_fields() -> None:
    assert STRATEGY.selectable_fields(make({"unschedulable": True})) == {
        "metadata.name": "n1", "spec.unschedulable": "true",
    }  # fmt: skip
    assert STRATEGY.selectable_fields(make())["spec.unschedulable"] == "false"
