"""Selectors, affinity, taints and tolerations."""

import pytest

from strongroom.controllers.scheduling import node_matching
from strongroom.machinery.gvk import Object


def _node(*taints: Object, ready: str | None = "True", **labels: str) -> Object:
    conditions = [{"type": "DiskPressure", "status": "False"}]
    if ready is not None:
        conditions.append({"type": "Ready", "status": ready})
    return {
        "metadata": {"name": "node-1", "labels": labels},
        "spec": {"taints": list(taints)},
        "status": {"conditions": conditions},
    }


TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"key": "k", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "k", "operator": "Equal", "value": "v"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "k", "value": "w"}, False),
        ({"key": "j", "operator": "Exists"}, False),
        ({"value": "v"}, False),
    ],
)
def test_tolerations(toleration: Object, expected: bool) -> None:
    assert node_matching.let_in({"tolerations": [toleration]}, _node(TAINT)) is expected


def test_a_taint_without_a_value_is_tolerated_without_one() -> None:
    taint = {"key": "k", "effect": "NoExecute"}
    assert node_matching.let_in({"tolerations": [{"key": "k", "effect": "NoExecute"}]}, _node(taint))
    assert not node_matching.let_in({}, _node(taint))


def test_a_soft_taint_lets_in_and_is_counted() -> None:
    node = _node({"key": "k", "effect": "PreferNoSchedule"})
    assert node_matching.let_in({}, node)
    assert node_matching.unwelcome({}, node) == 1
    assert node_matching.unwelcome({"tolerations": [{"operator": "Exists"}]}, node) == 0


@pytest.mark.parametrize(
    ("ready", "key"), [("False", "not-ready"), ("Unknown", "unreachable"), (None, "not-ready")]
)
def test_a_node_that_is_not_ready_is_tainted(ready: str | None, key: str) -> None:
    node = _node(ready=ready)
    assert not node_matching.let_in({}, node)
    toleration = {"key": f"node.kubernetes.io/{key}", "operator": "Exists"}
    assert node_matching.let_in({"tolerations": [toleration]}, node)
