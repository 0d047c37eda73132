"""What counts against a quota, and how much."""

from datetime import UTC, datetime

import pytest

from strongroom.api import resources
from strongroom.api.core.v1 import quota
from strongroom.machinery.gvk import Object
from strongroom.machinery.quantity import NANO

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _pod(*containers: Object, **fields: object) -> Object:
    return {"metadata": {"name": "p"}, "spec": {"containers": list(containers), **fields}}


def _container(name: str = "c", requests: Object | None = None, limits: Object | None = None) -> Object:
    return {"name": name, "resources": {"requests": requests or {}, "limits": limits or {}}}


@pytest.mark.parametrize(
    ("resource", "hard", "found"),
    [
        (resources.SECRETS, ["secrets", "count/secrets", "pods", "cpu"], ["count/secrets", "secrets"]),
        (resources.PODS, ["secrets", "cpu", "requests.x/y", "pods"], ["cpu", "pods", "requests.x/y"]),
        (resources.DEPLOYMENTS, ["count/deployments.apps", "count/deployments"], ["count/deployments.apps"]),
        (resources.SERVICES, ["services.nodeports", "services"], ["services", "services.nodeports"]),
        (resources.SERVICE_ACCOUNTS, ["serviceaccounts", "count/serviceaccounts"], ["count/serviceaccounts"]),
    ],
)
def test_the_names_that_a_kind_counts_against(resource: object, hard: list[str], found: list[str]) -> None:
    assert quota.names(resource, hard) == found  # type: ignore[arg-type]


def test_a_pod_takes_what_its_containers_request_and_are_limited_to() -> None:
    pod = _pod(
        _container("a", {"cpu": "500m"}, {"memory": "1Gi"}), _container("b", {"cpu": "250m"}, {"cpu": "1"})
    )
    used = quota.usage(resources.PODS, pod, NOW)
    assert used["cpu"] == used["requests.cpu"] == 750 * 10**6
    assert used["requests.memory"] == used["limits.memory"] == 2**30 * NANO
    assert used["limits.cpu"] == NANO
    assert (used["pods"], used["count/pods"]) == (NANO, NANO)


@pytest.mark.parametrize(
    "over",
    [
        {"status": {"phase": "Succeeded"}},
        {"metadata": {"deletionTimestamp": "2026-01-02T03:03:00Z", "deletionGracePeriodSeconds": 30}},
    ],
)
def test_a_pod_that_is_over_takes_only_its_place_as_an_object(over: Object) -> None:
    assert quota.usage(resources.PODS, {**_pod(_container()), **over}, NOW) == {"count/pods": NANO}


def test_what_a_quota_limits_every_container_must_state() -> None:
    pod = _pod(_container("b"), _container("a", {"cpu": "1"}))
    assert quota.lacking(pod, ["pods"]) == ""
    assert quota.lacking(pod, ["requests.cpu"]) == "must specify requests.cpu for: b"
    assert quota.lacking(pod, ["limits.cpu", "cpu"]) == "must specify cpu for: b; limits.cpu for: a,b"


def test_a_node_port_takes_one_for_each_port() -> None:
    spec: Object = {"type": "LoadBalancer", "ports": [{"port": 1}, {"port": 2}]}
    used = quota.usage(resources.SERVICES, {"spec": spec}, NOW)
    assert used["services.nodeports"] == 2 * NANO
    assert used["services.loadbalancers"] == NANO
    spec["allocateLoadBalancerNodePorts"] = False
    assert "services.nodeports" not in quota.usage(resources.SERVICES, {"spec": spec}, NOW)


@pytest.mark.parametrize(
    ("scope", "pod", "chosen"),
    [
        ("BestEffort", _pod(_container()), True),
        ("BestEffort", _pod(_container("c", {"cpu": "1"})), False),
        ("NotBestEffort", _pod(_container("c", {"cpu": "1"})), True),
        ("Terminating", _pod(_container(), activeDeadlineSeconds=0), True),
        ("NotTerminating", _pod(_container(), activeDeadlineSeconds=5), False),
        ("PriorityClass", _pod(_container(), priorityClassName="high"), True),
        ("PriorityClass", _pod(_container()), False),
        ("CrossNamespacePodAffinity", _pod(_container()), False),
        (
            "CrossNamespacePodAffinity",
            _pod(
                _container(),
                affinity={
                    "podAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {"weight": 1, "podAffinityTerm": {"topologyKey": "z", "namespaces": ["x"]}}
                        ]
                    }
                },
            ),
            True,
        ),
    ],
)
def test_scopes(scope: str, pod: Object, chosen: bool) -> None:
    assert quota.chooses({"spec": {"scopes": [scope]}}, resources.PODS, pod) is chosen
    assert not quota.chooses({"spec": {"scopes": [scope]}}, resources.SECRETS, {})


def test_a_selector_names_priorities() -> None:
    def chosen(operator: str, *values: str) -> bool:
        term = {"scopeName": "PriorityClass", "operator": operator, "values": list(values)}
        spec = {"scopeSelector": {"matchExpressions": [term]}}
        return quota.chooses({"spec": spec}, resources.PODS, _pod(priorityClassName="high"))

    assert chosen("In", "high", "low")
    assert not chosen("NotIn", "high")
    assert chosen("Exists")
    assert not chosen("DoesNotExist")


def test_amounts_are_written_as_people_write_them() -> None:
    assert quota.shown("requests.memory", 2**29 * NANO) == "512Mi"
    assert quota.shown("cpu", 1500 * 10**6) == "1500m"
    assert quota.shown("secrets", 3 * NANO) == "3"
