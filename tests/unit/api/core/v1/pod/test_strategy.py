"""Pods as a resource."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

STRATEGY = STRATEGIES[resources.PODS]


def make(spec: Any = None, status: Any = None, **metadata: Any) -> dict[str, Any]:
    pod: dict[str, Any] = {"metadata": {"name": "p", "namespace": "n", **metadata}}
    if status is not None:
        pod["status"] = status
    pod["spec"] = {"containers": [{"name": "c", "image": "i"}], **(spec or {})}
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    return pod


def test_a_new_pod_is_pending() -> None:
    pod = make(status={"phase": "Running", "podIP": "1.1.1.1"})
    STRATEGY.prepare_for_create(pod)
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert list(pod) == ["metadata", "spec", "status"]


def test_a_gated_pod_says_so() -> None:
    pod = make({"schedulingGates": [{"name": "a/b"}]})
    STRATEGY.prepare_for_create(pod)
    assert pod["status"]["conditions"] == [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        }
    ]


def test_each_path_writes_its_own_part() -> None:
    old = make(
        {"nodeName": "n1"}, {"phase": "Pending", "qosClass": "BestEffort"}, ownerReferences=[{"uid": "1"}]
    )
    new = make({"nodeName": "n2"}, {"phase": "Running"})
    STRATEGY.prepare_for_update(new, old)
    assert new["status"] == old["status"]
    new = make({"nodeName": "n2"}, {"phase": "Running"})
    STRATEGY.prepare_for_status_update(new, old)
    assert (new["spec"], new["status"]) == (old["spec"], {"phase": "Running", "qosClass": "BestEffort"})
    assert new["metadata"]["ownerReferences"] == [{"uid": "1"}]


def test_status_rules() -> None:
    old = make(status={"qosClass": "BestEffort"})
    assert STRATEGY.validate_status_update(old, old) == []
    new = make(status={"qosClass": "Guaranteed", "podIPs": [{"ip": "x"}]})
    assert [str(error) for error in STRATEGY.validate_status_update(new, old)] == [
        'status.qosClass: Invalid value: "Guaranteed": field is immutable',
        'status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]


@pytest.mark.parametrize(
    ("pod", "asked", "expected"),
    [
        (make({"nodeName": "n"}), None, 30),
        (make({"nodeName": "n"}), 5, 5),
        (make({"nodeName": "n"}), 0, 0),
        (make({"nodeName": "n"}), -1, 1),
        (make({"nodeName": "n", "terminationGracePeriodSeconds": 0}), None, 0),
        (make({"nodeName": "n", "terminationGracePeriodSeconds": -1}), None, 1),
        (make(), 5, 0),
        (make({"nodeName": "n"}, {"phase": "Succeeded"}), 5, 0),
        (make({"nodeName": "n"}, {"phase": "Failed"}), None, 0),
        (make({"nodeName": "n"}, annotations={"kubernetes.io/config.mirror": "x"}), 5, 0),
    ],
)
def test_grace_period(pod: dict[str, Any], asked: int | None, expected: int) -> None:
    assert STRATEGY.grace_period(pod, asked) == expected


def test_fields() -> None:
    status = {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "::1"}]}
    spec = {"nodeName": "n1", "hostNetwork": True, "serviceAccountName": "default"}
    fields = STRATEGY.selectable_fields(make(spec, status))
    assert fields == {
        "metadata.name": "p", "metadata.namespace": "n", "spec.nodeName": "n1",
         "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler", "spec.serviceAccountName": "default",
        "spec.hostNetwork": "true", "status.phase": "Running", "status.podIP": "10.0.0.1",
        "status.podIPs": "10.0.0.1,::1", "status.nominatedNodeName": "",
    }  # fmt: skip


def test_warnings() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "A", "value": "$(A):3"}]
    ports = [{"containerPort": 80}] * 2
    pod = make(
        {
            "containers": [{"name": "c", "image": "i", "env": env, "ports": ports}],
            "imagePullSecrets": [{}],
        }
    )
    assert STRATEGY.warnings(pod, None) == [
        'spec.imagePullSecrets[0].name: invalid empty name ""',
        'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
        "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
    ]
    assert STRATEGY.warnings(make(), None) == []
    assert STRATEGY.warnings(pod, pod) == ()


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"podIPs": [{"ip": "1.1.1.1"}]}, {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}]}),
        ({"podIP": "1.1.1.1"}, {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}]}),
        (
            {"podIP": "1.1.1.1", "podIPs": [{"ip": "2.2.2.2"}, {"ip": "::1"}]},
            {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}]},
        ),
        (
            {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}, {"ip": "::1"}]},
            {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}, {"ip": "::1"}]},
        ),
    ],
)
def test_the_address_of_a_pod_and_the_first_of_its_addresses_agree(given: Any, stored: Any) -> None:
    reported = make(status={"hostIP": "3.3.3.3", **given, "startTime": "2026-01-02T03:04:05Z"})["status"]
    assert {key: reported[key] for key in ("podIP", "podIPs")} == stored
    assert [key for key in reported if key in ("hostIP", "podIP", "podIPs", "startTime")] == [
        "hostIP",
        "podIP",
        "podIPs",
        "startTime",
    ]
