"""Quality of service classes."""

from typing import Any

import pytest

from strongroom.api.core.v1.pod import qos

FULL = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}
NONE: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([FULL], "Guaranteed"),
        ([FULL, FULL], "Guaranteed"),
        ([NONE], "BestEffort"),
        ([{"limits": {"a.b/gpu": "1"}}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([FULL, NONE], "Burstable"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}], "Burstable"),
        ([{**FULL, "requests": {"cpu": "1", "memory": "1Mi"}}], "Burstable"),
    ],
)
def test_classes(containers: list[dict[str, Any]], expected: str) -> None:
    spec = {"containers": [{"name": "c", "resources": resources} for resources in containers]}
    assert qos.qos_class({"spec": spec}) == expected


def test_init_containers_count() -> None:
    spec = {"containers": [{"resources": FULL}], "initContainers": [{"resources": {}}]}
    assert qos.qos_class({"spec": spec}) == "Burstable"


def test_amounts_of_the_whole_pod_win() -> None:
    assert qos.qos_class({"spec": {"containers": [{"resources": {}}], "resources": FULL}}) == "Guaranteed"
