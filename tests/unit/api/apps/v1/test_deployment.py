"""Deployments: defaults, rules, the row."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names, status

STRATEGY = STRATEGIES[resources.DEPLOYMENTS]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(template: Any = None, metadata: Any = None, **spec: Any) -> dict[str, Any]:
    """A Deployment with its defaults."""
    labels = {"app": "web"}
    containers = [{"name": "c", "image": "i:1"}]
    pod: dict[str, Any] = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    pod["spec"].update(template or {})
    obj = {
        "metadata": {"name": "web", "creationTimestamp": "2026-01-02T03:04:00Z", **(metadata or {})},
        "spec": {"template": pod, "selector": {"matchLabels": dict(labels)}, **spec},
    }
    STRATEGY.convert(obj)
    STRATEGY.default(obj)
    return obj


def errors(**spec: Any) -> list[str]:
    return [str(error) for error in STRATEGY.validate(make(**spec))]


def test_defaults_in_the_order_of_the_fields() -> None:
    spec = make()["spec"]
    assert list(spec) == [
        "replicas", "selector", "template", "strategy", "revisionHistoryLimit", "progressDeadlineSeconds"
    ]  # fmt: skip
    assert spec["replicas"] == 1
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
    assert make(replicas=0)["spec"]["replicas"] == 0
    assert make(strategy={"type": "Recreate"})["spec"]["strategy"] == {"type": "Recreate"}
    partly = make(strategy={"rollingUpdate": {"maxSurge": 0}})["spec"]["strategy"]
    assert partly["rollingUpdate"] == {"maxUnavailable": "25%", "maxSurge": 0}


def test_a_template_gets_a_pods_defaults_but_not_those_of_admission() -> None:
    limits = {"limits": {"cpu": "0.5"}}
    pod = make({"containers": [{"name": "c", "image": "i", "resources": limits}], "hostNetwork": True})
    assert pod["spec"]["template"]["spec"] == {
        "containers": [
            {
                "name": "c",
                "image": "i",
                "resources": {"limits": {"cpu": "500m"}},
                "imagePullPolicy": "Always",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "hostNetwork": True,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {},
    }


def test_an_amount_that_cannot_be_read() -> None:
    container = {"name": "c", "image": "i", "resources": {"limits": {"cpu": "much"}}}
    with pytest.raises(status.StatusError) as caught:
        make({"containers": [container]})
    assert caught.value.code == 400
    assert caught.value.message.startswith(
        'Deployment in version "v1" cannot be handled as a Deployment: quantities must match'
    )


PERCENT = names.percent("x%")[0]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"replicas": -1},
         ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]),
        ({"selector": None},
         ["spec.selector: Required value",
          'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template '
          '`labels`']),
        ({"selector": {}},
         ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]),
        ({"selector": {"matchLabels": {"a": "b"}}},
         ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template '
          '`labels`']),
        ({"selector": {"matchExpressions": [{"key": "app", "operator": "Near"}]}},
         ['spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
          'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Near"}]}: invalid '
          'label selector']),
        ({"template": {"restartPolicy": "Never"}},
         ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']),
        ({"template": {"activeDeadlineSeconds": 5}},
         ["spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not "
          "Supported"]),
        ({"template": {"containers": []}}, ["spec.template.spec.containers: Required value"]),
        ({"template": {"containers": [{"name": "c"}]}},
         ["spec.template.spec.containers[0].image: Required value"]),
        ({"strategy": {"type": "Recreate", "rollingUpdate": {}}},
         ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]),
        ({"strategy": {"type": "Slow"}},
         ['spec.strategy: Unsupported value: {"Type":"Slow","RollingUpdate":null}: supported values: '
          '"Recreate", "RollingUpdate"']),
        ({"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
         ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is '
          '0']),
        ({"strategy": {"rollingUpdate": {"maxSurge": -1, "maxUnavailable": "120%"}}},
         ["spec.strategy.rollingUpdate.maxSurge: Invalid value: -1: must be greater than or equal to 0",
          'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "120%": must not be greater than '
          '100%']),
        ({"strategy": {"rollingUpdate": {"maxSurge": "some"}}},
         [f'spec.strategy.rollingUpdate.maxSurge: Invalid value: "some": {PERCENT}']),
        ({"minReadySeconds": -1, "revisionHistoryLimit": -1},
         ["spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
          "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"]),
        ({"minReadySeconds": 600},
         ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"]),
    ],
)  # fmt: skip
def test_rules(spec: dict[str, Any], expected: list[str]) -> None:
    assert errors(**spec) == expected


def test_labels_annotations_and_ephemeral_containers_of_the_template() -> None:
    obj = make()
    obj["spec"]["template"]["metadata"] = {"labels": {"app": "web", "-": "x"}, "annotations": {"-": "x"}}
    obj["spec"]["template"]["spec"]["ephemeralContainers"] = [
        {"name": "e", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File"}
    ]
    assert [error.field for error in STRATEGY.validate(obj)] == [
        "spec.template.labels",
        "spec.template.annotations",
        "spec.template.spec.ephemeralContainers",
    ]


def test_the_selector_stays() -> None:
    old = make()
    new = copy.deepcopy(old)
    new["spec"]["replicas"] = 5
    assert STRATEGY.validate_update(new, old) == []
    new["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    assert [str(error) for error in STRATEGY.validate_update(new, old)] == [
        'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is '
        "immutable"
    ]


def test_status_is_apart() -> None:
    new = {**make(), "status": {"replicas": 3}}
    STRATEGY.prepare_for_create(new)
    assert new["status"] == {}
    old = {**make(metadata={"labels": {"a": "b"}}), "status": {"replicas": 1}}
    update = {**make(replicas=3), "status": {"replicas": 3}}
    STRATEGY.prepare_for_update(update, old)
    assert (update["status"], update["spec"]["replicas"]) == ({"replicas": 1}, 3)
    report = {**make(replicas=3, metadata={"labels": {"x": "y"}}), "status": {"replicas": 3}}
    STRATEGY.prepare_for_status_update(report, old)
    assert (report["status"], report["spec"]["replicas"]) == ({"replicas": 3}, 1)
    assert report["metadata"]["labels"] == {"a": "b"}
    report = {**make(metadata={"labels": {"x": "y"}}), "status": {}}
    STRATEGY.prepare_for_status_update(report, make())
    assert "labels" not in report["metadata"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"replicas": 2, "readyReplicas": 1, "collisionCount": 2}, []),
        ({"replicas": -1, "updatedReplicas": -1, "readyReplicas": -1, "collisionCount": 2},
         ["status.replicas: Invalid value: -1: must be greater than or equal to 0",
          "status.updatedReplicas: Invalid value: -1: must be greater than or equal to 0",
          "status.readyReplicas: Invalid value: -1: must be greater than or equal to 0",
          "status.availableReplicas: Invalid value: 0: cannot be greater than status.replicas",
          "status.availableReplicas: Invalid value: 0: cannot be greater than readyReplicas"]),
        ({"replicas": 1, "updatedReplicas": 2, "readyReplicas": 1, "collisionCount": 2},
         ["status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas"]),
        ({"replicas": 2, "readyReplicas": 1, "availableReplicas": 2, "collisionCount": 2},
         ["status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas"]),
        ({}, ["status.collisionCount: Invalid value: 0: cannot be decremented"]),
    ],
)  # fmt: skip
def test_status_rules(status: dict[str, int], expected: list[str]) -> None:
    old = {"status": {"collisionCount": 1}}
    assert [str(e) for e in STRATEGY.validate_status_update({"status": status}, old)] == expected


def test_generation_counts_what_a_rollout_looks_at() -> None:
    old = make()
    assert not STRATEGY.is_new_generation(make(), old)
    assert STRATEGY.is_new_generation(make(replicas=2), old)
    assert STRATEGY.is_new_generation(make(metadata={"annotations": {"a": "b"}}), old)
    assert not STRATEGY.is_new_generation(make(metadata={"labels": {"a": "b"}}), old)


def test_warnings() -> None:
    assert STRATEGY.warnings(make(), None) == []
    dotted = make({"terminationGracePeriodSeconds": -1}, {"name": "a.b"})
    hint = (
        "spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and "
        "will be treated as 1"
    )
    assert STRATEGY.warnings(dotted, None) == [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a "
        "DNS label is recommended: [must not contain dots]",
        hint,
    ]
    assert STRATEGY.warnings(dotted, make()) == [hint]
    assert STRATEGY.warnings(dotted, dotted) == []


def test_row() -> None:
    two = {"containers": [{"name": "c", "image": "i:1"}, {"name": "d", "image": "j"}]}
    obj = {
        **make(two, replicas=3),
        "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1},
    }
    assert STRATEGY.row(obj, NOW) == ["web", "1/3", 2, 1, "5s", "c,d", "i:1,j", "app=web"]
    assert STRATEGY.row(make(), NOW)[1:4] == ["0/1", 0, 0]
    assert [(c.name, c.priority) for c in STRATEGY.columns] == [
        ("Name", 0), ("Ready", 0), ("Up-to-date", 0), ("Available", 0), ("Age", 0),
        ("Containers", 1), ("Images", 1), ("Selector", 1),
    ]  # fmt: skip
    assert (STRATEGY.short_names, STRATEGY.categories) == (("deploy",), ("all",))
