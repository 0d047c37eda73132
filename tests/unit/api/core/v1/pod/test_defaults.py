"""A Pod's defaults, and what decoding does."""

import copy
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.core.v1.pod import defaults
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery.status import StatusError

STRATEGY = STRATEGIES[resources.PODS]


def make(spec: Any = None, **container: Any) -> dict[str, Any]:
    pod: dict[str, Any] = {"metadata": {"name": "p"}}
    pod["spec"] = {"containers": [{"name": "c", "image": "i:1", **container}], **(spec or {})}
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    STRATEGY.prepare_for_create(pod)
    found: dict[str, Any] = pod["spec"]
    return found


def first(**container: Any) -> dict[str, Any]:
    found: dict[str, Any] = make(**container)["containers"][0]
    return found


TOLERATIONS = [
    {
        "key": f"node.kubernetes.io/{key}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for key in ("not-ready", "unreachable")
]


def test_the_least_pod() -> None:
    assert make() == {
        "containers": [
            {
                "name": "c",
                "image": "i:1",
                "imagePullPolicy": "IfNotPresent",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "resources": {},
            }
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "enableServiceLinks": True,
        "serviceAccountName": "default",
        "serviceAccount": "default",
        "tolerations": TOLERATIONS,
    }


def test_defaulting_twice_is_defaulting_once() -> None:
    spec = make(
        {"volumes": [{"name": "v"}]}, livenessProbe={"httpGet": {"port": 1}}, ports=[{"containerPort": 1}]
    )
    pod = {"metadata": {}, "spec": copy.deepcopy(spec)}
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    assert pod["spec"] == spec


def test_what_is_said_stays() -> None:
    spec = {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "enableServiceLinks": False,
         "priority": 5,
        "serviceAccountName": "a", "tolerations": [{"operator": "Exists"}],
    }  # fmt: skip
    found = make(spec)
    assert {key: found[key] for key in spec} == spec
    assert found["serviceAccount"] == "a"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("busybox:1.36", "IfNotPresent"),
        ("host:5000/busybox", "Always"),
        ("host:5000/busybox:1", "IfNotPresent"),
        ("busybox@sha256:" + "0" * 64, "IfNotPresent"),
        ("busybox:latest@sha256:" + "0" * 64, "Always"),
        ("", "IfNotPresent"),
    ],
)
def test_pull_policy(image: str, policy: str) -> None:
    assert defaults.pull_policy(image) == policy
    assert first(image=image)["imagePullPolicy"] == policy


def test_probes_hooks_and_ports() -> None:
    container = first(
        livenessProbe={"httpGet": {"port": 80}},
        startupProbe={"grpc": {"port": 1}, "periodSeconds": 2},
        lifecycle={"preStop": {"httpGet": {"port": 80, "scheme": "HTTPS"}}},
        ports=[{"containerPort": 80}],
    )
    counts = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    assert container["livenessProbe"] == {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, **counts}
    assert container["startupProbe"] == {"grpc": {"port": 1, "service": ""}, **counts, "periodSeconds": 2}
    assert container["lifecycle"]["preStop"]["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTPS"}
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    spec = make({"hostNetwork": True}, ports=[{"containerPort": 80}])
    assert spec["containers"][0]["ports"][0]["hostPort"] == 80


def test_requests_follow_limits() -> None:
    resources_ = first(resources={"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}})
    assert resources_["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({}, {"emptyDir": {}}),
        ({"secret": {"secretName": "s"}}, {"secret": {"secretName": "s", "defaultMode": 420}}),
        ({"secret": {"defaultMode": 0}}, {"secret": {"defaultMode": 0}}),
        ({"configMap": {"name": "c"}}, {"configMap": {"name": "c", "defaultMode": 420}}),
        ({"hostPath": {"path": "/"}}, {"hostPath": {"path": "/", "type": ""}}),
        ({"image": {"reference": "a"}}, {"image": {"reference": "a", "pullPolicy": "Always"}}),
        (
            {"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {
                "downwardAPI": {
                    "items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}],
                    "defaultMode": 420,
                }
            },
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {
                "projected": {
                    "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                    "defaultMode": 420,
                }
            },
        ),
    ],
)
def test_volumes(volume: dict[str, Any], expected: dict[str, Any]) -> None:
    assert make({"volumes": [{"name": "v", **volume}]})["volumes"] == [{"name": "v", **expected}]


def test_references_in_the_environment() -> None:
    container = first(
        env=[
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ]
    )
    assert container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert container["env"][1]["valueFrom"]["resourceFieldRef"]["divisor"] == "0"


def test_the_old_account_field_follows_the_new() -> None:
    assert make({"serviceAccount": "old"})["serviceAccountName"] == "old"
    both = make({"serviceAccount": "old", "serviceAccountName": "new"})
    assert (both["serviceAccountName"], both["serviceAccount"]) == ("new", "new")


def test_tolerations_are_added_unless_tolerated() -> None:
    mine = {"key": "node.kubernetes.io/not-ready", "operator": "Exists"}
    assert make({"tolerations": [mine]})["tolerations"] == [mine, TOLERATIONS[1]]


def test_nulls_go_and_amounts_become_canonical() -> None:
    container = first(
        command=None,
        resources={"limits": {"cpu": 1, "memory": "1024Mi"}, "requests": {"cpu": "0.5"}},
        env=[
            {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1000m"}}}
        ],
    )
    assert "command" not in container
    assert container["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "500m", "memory": "1Gi"},
    }
    assert container["env"][0]["valueFrom"]["resourceFieldRef"]["divisor"] == "1"
    assert make({"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024Ki"}}]})["volumes"][0][
        "emptyDir"
    ] == {"sizeLimit": "1Mi"}


def test_an_amount_that_is_none() -> None:
    with pytest.raises(StatusError) as caught:
        make(resources={"limits": {"cpu": "lots"}})
    assert (caught.value.code, str(caught.value)) == (
        400,
        'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression '
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    )


def test_converting_leaves_the_input_alone() -> None:
    document = {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1000m"}}}]}}
    before = copy.deepcopy(document)
    pod = dict(document)
    STRATEGY.convert(pod)
    assert document == before
    assert pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "1"  # type: ignore[index]
