"""Requests and limits of a Pod as a whole. The texts are what a kube-apiserver 1.36.2 answers."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.scheme import STRATEGIES

STRATEGY = STRATEGIES[resources.PODS]
CLAIM = "must be one of the names in pod.spec.resourceClaims"


def make(whole: Any, *containers: Any, **spec: Any) -> dict[str, Any]:
    """A Pod of containers with such resources, with its defaults."""
    listed = [
        {"name": f"c{n}", "image": "i", "resources": each} for n, each in enumerate(containers or ({},))
    ]
    pod = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": listed, **spec}}
    if whole is not None:
        pod["spec"]["resources"] = whole
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    return pod


@pytest.mark.parametrize(
    ("whole", "containers", "expected"),
    [
        (None, ({"limits": {"cpu": "1"}},), None),
        ({}, (), {}),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, (),
         {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}),
        ({"limits": {"cpu": "2"}}, ({"requests": {"cpu": "500m", "memory": "1Mi"}}, {"limits": {"cpu": "1"}}),
         {"limits": {"cpu": "2"}, "requests": {"cpu": "1500m", "memory": "1Mi"}}),
        ({"requests": {"cpu": "2"}}, ({"requests": {"memory": "1Mi"}},), {"requests": {"cpu": "2"}}),
        ({"requests": {"cpu": "2"}}, ({"limits": {"hugepages-2Mi": "2Mi", "cpu": "1"}},),
         {"limits": {"hugepages-2Mi": "2Mi"}, "requests": {"cpu": "2", "hugepages-2Mi": "2Mi"}}),
    ],
)  # fmt: skip
def test_defaults(whole: Any, containers: Any, expected: Any) -> None:
    assert make(whole, *containers)["spec"].get("resources") == expected


def test_sidecars_add_up_and_init_containers_run_one_by_one() -> None:
    init = [
        {"name": "a", "image": "i", "resources": {"requests": {"cpu": "3"}}},
        {"name": "s", "image": "i", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
        {"name": "b", "image": "i", "resources": {"requests": {"cpu": "4"}}},
    ]
    pod = make({"limits": {"cpu": "9"}}, {"requests": {"cpu": "2"}}, initContainers=init)
    assert pod["spec"]["resources"]["requests"] == {"cpu": "5"}
    pod = make({"limits": {"cpu": "9"}}, {"requests": {"cpu": "6"}}, initContainers=init)
    assert pod["spec"]["resources"]["requests"] == {"cpu": "7"}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (make({"limits": {"cpu": "2"}}, {"limits": {"cpu": "1"}}), []),
        (make({"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}),
         ['spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']),
        (make({"limits": {"foo": "1"}}),
         ['spec.resources.limits[foo]: Invalid value: "foo": must be a standard resource type or fully '
          "qualified"]),
        (make({"limits": {"ephemeral-storage": "1"}}),
         ['spec.resources.limits[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported '
          'values: "cpu", "hugepages-", "memory"']),
        (make({"requests": {"cpu": "1"}}, {"requests": {"cpu": "2"}}),
         ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate '
          "container requests of 2"]),
        (make({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}),
         ['spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
          'spec.resources.containers[0][cpu].limits: Invalid value: "2": must be less than or equal to pod '
          "limits of 1"]),
        (make({"limits": {"hugepages-2Mi": "2Mi"}}),
         ["spec.resources: Forbidden: HugePages require cpu or memory"]),
        (make({"claims": [{"name": "x"}]}),
         ["spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level",
          f'spec.resources.claims[0]: Not found: "x": {CLAIM} which is empty']),
    ],
)  # fmt: skip
def test_rules(pod: Any, expected: list[str]) -> None:
    assert [str(error) for error in STRATEGY.validate(pod)] == expected


@pytest.mark.parametrize(
    ("claims", "named", "expected"),
    [
        ([{"name": "x", "resourceClaimName": "a"}], [{"name": "x"}], []),
        ([], [{}, {"name": "x"}],
         ["spec.containers[0].resources.claims[0]: Required value",
          f'spec.containers[0].resources.claims[1]: Not found: "x": {CLAIM} which is empty']),
        ([{"name": "x", "resourceClaimName": "a"}],
         [{"name": "x", "request": "r"}, {"name": "x"}, {"name": "y"}],
         ['spec.containers[0].resources.claims[1]: Duplicate value: "x"',
          f'spec.containers[0].resources.claims[2]: Not found: "y": {CLAIM}: x']),
        ([{"name": "x"}, {"name": "x", "resourceClaimName": "a", "resourceClaimTemplateName": "b"}], [],
         ['spec.resourceClaims[0]: Invalid value: {"Name":"x","ResourceClaimName":null,'
          '"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, '
          "`resourceClaimTemplateName`",
          'spec.resourceClaims[1].name: Duplicate value: "x"',
          'spec.resourceClaims[1]: Invalid value: {"Name":"x","ResourceClaimName":"a",'
          '"ResourceClaimTemplateName":"b"}: at most one of `resourceClaimName` or '
          "`resourceClaimTemplateName` may be specified"]),
    ],
)  # fmt: skip
def test_claims(claims: Any, named: Any, expected: list[str]) -> None:
    pod = make(None, {"claims": named}, resourceClaims=claims)
    assert [str(error) for error in STRATEGY.validate(pod)] == expected
