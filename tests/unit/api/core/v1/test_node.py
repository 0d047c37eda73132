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
    report = obj["status"]
    assert (report["capacity"], report["allocatable"]) == ({"cpu": "2"}, {"cpu": "2"})
    assert report["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 0}}
    assert report["nodeInfo"]["kubeletVersion"] == ""
    new = make({"unschedulable": True}, {"capacity": {}})
    STRATEGY.prepare_for_update(new, obj)
    assert new["status"] == obj["status"]
    heartbeat = make({"unschedulable": True}, {"phase": "x"})
    STRATEGY.prepare_for_status_update(heartbeat, obj)
    assert (heartbeat["spec"], heartbeat["status"]) == ({}, {"phase": "x"})


NO_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
FEATURE = (
    "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature "
    "or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
)


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (make({"taints": [{"key": "a", "effect": "NoSchedule"}]}), []),
        (make({"taints": [{"key": "a"}]}), ["metadata.taints[0].effect: Required value"]),
        (make({"taints": [{"key": "a", "effect": "Near"}]}),
         ['metadata.taints[0].effect: Unsupported value: "Near": supported values: "NoSchedule", '
          '"PreferNoSchedule", "NoExecute"']),
        (make({"taints": [{"key": "a", "effect": "NoSchedule"}] * 2}),
         ['metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule",'
          '"TimeAdded":null}: taints must be unique by key and effect pair']),
        (make({"taints": [{"key": "-", "value": "-" * 64, "effect": "NoExecute"}]}),
         [f'metadata.taints[0].key: Invalid value: "-": {names.qualified_name("-")[0]}',
          f'metadata.taints[0].value: Invalid value: "{"-" * 64}": must be no more than 63 bytes;'
          f'{names.label_value("-")[0]}']),
        (make({"podCIDRs": ["10.0.0.0/24", "fd00::/64"]}), []),
        (make({"podCIDRs": ["x", "10.0.0.1/24"]}),
         [f'spec.podCIDRs[0]: Invalid value: "x": {NO_CIDR}',
          'spec.podCIDRs[1]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length',
          "spec.podCIDRs: Internal error: invalid PodCIDRs. failed to check with dual stack with "
          "error:invalid CIDR[0]: <nil> (invalid CIDR address: x)",
          'spec.podCIDRs: Invalid value: ["x","10.0.0.1/24"]: may specify no more than one CIDR for each IP '
          "family"]),
        (make({"podCIDRs": ["10.0.0.0/24", "10.1.0.0/24"]}),
         ['spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR '
          "for each IP family"]),
        (make(status={"capacity": {"cpu": "-1", "pods": "500m"}, "allocatable": {"a.b/c": "1500m"}}),
         ['status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
          'status.capacity.pods: Invalid value: "500m": must be an integer',
          'status.allocatable.a.b/c: Invalid value: "1500m": must be an integer']),
        (make(status={"nodeInfo": {"swap": {"capacity": 0}}}),
         ["metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero"]),
        (make(status={"declaredFeatures": ["A", "B/c"]}), []),
        (make(status={"declaredFeatures": ["a", "C", "B", "B"]}),
         [f'status.declaredFeatures[0]: Invalid value: "a": invalid feature name "a": {FEATURE}',
          'status.declaredFeatures[1]: Invalid value: "C": list must be sorted alphabetically',
          'status.declaredFeatures[2]: Invalid value: "B": list must be sorted alphabetically',
          'status.declaredFeatures[3]: Duplicate value: "B"']),
    ],
)  # fmt: skip
def test_rules(obj: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(obj)] == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (make({"providerID": "a", "podCIDRs": ["10.0.0.0/24"]}), make(), []),
        (make(), make({"providerID": "a", "podCIDRs": ["10.0.0.0/24"]}),
         ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
          'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid']),
        (make({"externalID": "a"}), make(), ["spec.externalID: Forbidden: may not be updated"]),
        (make(status={"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}] * 2}), make(),
         ['status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"10.0.0.1"}']),
    ],
)  # fmt: skip
def test_updates(new: dict[str, Any], old: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate_update(new, old)] == expected
    assert [str(error) for error in STRATEGY.validate_status_update(new, old)] == expected


def test_both_fields_of_networks_agree() -> None:
    for given, expected in (
        ({"podCIDR": "a"}, {"podCIDR": "a", "podCIDRs": ["a"]}),
        ({"podCIDRs": ["a", "b"]}, {"podCIDR": "a", "podCIDRs": ["a", "b"]}),
        ({"podCIDR": "c", "podCIDRs": ["a", "b"]}, {"podCIDR": "c", "podCIDRs": ["c"]}),
    ):
        node = make(given)
        STRATEGY.convert(node)
        assert node["spec"] == expected


def test_what_is_out_of_use_is_warned_of() -> None:
    assert list(STRATEGY.warnings(make({"configSource": {"configMap": {}}, "externalID": "a"}), None)) == [
        "spec.configSource: the feature is removed",
        "spec.externalID: this field is deprecated, and is unused by Kubernetes",
    ]


def ready(value: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": value}]}


@pytest.mark.parametrize(
    ("spec", "reported", "shown"),
    [
        ({}, ready("True"), "Ready"),
        ({}, ready("False"), "NotReady"),
        ({}, ready("Unknown"), "NotReady"),
        ({}, {}, "Unknown"),
        ({"unschedulable": True}, ready("True"), "Ready,SchedulingDisabled"),
    ],
)
def test_status_cell(spec: dict[str, Any], reported: dict[str, Any], shown: str) -> None:
    assert STRATEGY.row(make(spec, reported), NOW)[1] == shown


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
