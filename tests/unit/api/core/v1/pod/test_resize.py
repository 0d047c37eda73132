"""`pods/resize`. What is refused is what a kube-apiserver 1.36.2 refuses, in its words."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from strongroom.api.core.v1.pod.strategy import PodStrategy

STRATEGY = PodStrategy()
CPU = {"requests": {"cpu": "100m", "memory": "10Mi"}, "limits": {"cpu": "200m"}}
ALL = {"limits": {"cpu": "1", "memory": "1Gi"}}
ONLY = "spec: Forbidden: only cpu and memory resources are mutable"
Change = Callable[[dict[str, Any]], object]


def make(given: Any = None, status: Any = None, **spec: Any) -> dict[str, Any]:
    """A Pod of two containers and an init container."""
    pod: dict[str, Any] = {
        "metadata": {"name": "p", "namespace": "n", "labels": {"a": "b"}},
        "spec": {
            "containers": [
                {"name": "c", "image": "i", "resources": CPU if given is None else given},
                {"name": "d", "image": "i"},
            ],
            "initContainers": [{"name": "i", "image": "i", "resources": {"requests": {"cpu": "1"}}}],
            **spec,
        },
    }
    pod = copy.deepcopy(pod)
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    STRATEGY.prepare_for_create(pod)
    pod["status"] |= status or {}
    return pod


def resized(old: dict[str, Any], change: Change) -> tuple[dict[str, Any], list[str]]:
    new = copy.deepcopy(old)
    change(new["spec"])
    STRATEGY.default(new)
    STRATEGY.prepare_for_resize(new, old)
    return new, [str(error) for error in STRATEGY.validate_resize(new, old)]


def amounts(of: str = "containers", **fields: Any) -> Change:
    """Sets fields of the resources of the first container."""
    return lambda spec: spec[of][0]["resources"].update(copy.deepcopy(fields))


def test_resources_are_all_that_is_written() -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["containers"][0].update(
            image="other",
            resources={"requests": {"cpu": "150m", "memory": "10Mi"}, "limits": {"cpu": "300m"}},
        )
        spec.update(hostNetwork=True, nodeName="n")

    old = make()
    new, errors = resized(old, change)
    assert errors == []
    container = new["spec"]["containers"][0]
    assert (container["image"], container["resources"]["limits"]) == ("i", {"cpu": "300m"})
    for each in (new, old):
        del each["spec"]["containers"][0]["resources"]
    assert new == old


@pytest.mark.parametrize(
    ("old", "change", "expected"),
    [
        (make(), amounts(requests={"cpu": "150m", "memory": "20Mi"}), []),
        (make(), amounts("initContainers", requests={"cpu": "2"}), []),
        (make(), amounts(requests={"cpu": "100m"}),
         ["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"]),
        (make(), amounts(limits={}),
         ["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"]),
        (make(), amounts(requests={"cpu": "100m", "memory": "10Mi", "ephemeral-storage": "1"}), [ONLY]),
        (make(), lambda spec: spec["containers"][0].update(
            resizePolicy=[{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]), [ONLY]),
        (make(), lambda spec: spec["containers"].pop(),
         ["spec.containers: Forbidden: containers may not be added or removed on resize"]),
        (make(), lambda spec: spec["containers"][1].update(name="e"),
         ["spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize"]),
        (make(ALL, initContainers=[]), amounts(limits={"cpu": "2", "memory": "1Gi"}), []),
        (make({}, initContainers=[]), amounts(requests={"cpu": "1"}),
         ['spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing']),
        (make(resources=ALL), lambda spec: spec["resources"].update(
            limits={"cpu": "2", "memory": "1Gi"}, requests={"cpu": "2", "memory": "10Mi"}), []),
        (make(resources=ALL), lambda spec: spec.pop("resources"),
         ["spec.resources: Forbidden: pod-level resources cannot be removed"]),
        (make(status={"containerStatuses": [{"name": "c", "state": {"running": {}}}]}),
         amounts(requests={"cpu": "150m", "memory": "10Mi"}),
         ["spec: Forbidden: Pod running on node without support for resize"]),
        (make(status={"containerStatuses": [{"name": "c", "state": {"running": {}}, "resources": {}}]}),
         amounts(requests={"cpu": "150m", "memory": "10Mi"}), []),
        (make(os={"name": "windows"}), amounts(), ["[]: Forbidden: windows pods cannot be resized"]),
    ],
)  # fmt: skip
def test_rules(old: dict[str, Any], change: Change, expected: list[str]) -> None:
    assert resized(old, change)[1] == expected
