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


def _affinity(*terms: Object) -> Object:
    required = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


def _expression(operator: str, *values: str, key: str = "n") -> Object:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [({}, True), ({"a": "1"}, True), ({"a": "2"}, False), ({"a": "1", "b": ""}, False)],
)
def test_every_label_of_the_selector_must_match(selector: dict[str, str], expected: bool) -> None:
    assert node_matching.wanted({"nodeSelector": selector}, _node(a="1")) is expected


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("In", ["4", "5"], True),
        ("In", ["4"], False),
        ("NotIn", ["4"], True),
        ("NotIn", ["5"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("Gt", ["4"], True),
        ("Gt", ["5"], False),
        ("Lt", ["6"], True),
        ("Lt", ["5"], False),
        ("Lt", ["x"], False),
        ("Gt", [], False),
        ("Unheard", ["5"], False),
    ],
)
def test_operators_of_a_requirement(operator: str, values: list[str], expected: bool) -> None:
    assert node_matching.wanted(_affinity(_expression(operator, *values)), _node(n="5")) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("In", False), ("NotIn", True), ("Exists", False), ("DoesNotExist", True), ("Gt", False), ("Lt", False)],
)
def test_operators_on_a_label_that_is_not_there(operator: str, expected: bool) -> None:
    assert node_matching.wanted(_affinity(_expression(operator, "5")), _node()) is expected


def test_one_term_is_enough_and_an_empty_one_matches_nothing() -> None:
    node = _node(n="5")
    assert node_matching.wanted(_affinity(_expression("In", "1"), _expression("In", "5")), node)
    assert not node_matching.wanted(_affinity({}), node)
    assert not node_matching.wanted(_affinity(), node)


def test_a_field_requirement_names_the_node() -> None:
    def term(name: str) -> Object:
        return {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}

    assert node_matching.wanted(_affinity(term("node-1")), _node())
    assert not node_matching.wanted(_affinity(term("node-2")), _node())


def test_selector_and_affinity_must_both_match() -> None:
    spec = {"nodeSelector": {"n": "5"}, **_affinity(_expression("In", "6"))}
    assert not node_matching.wanted(spec, _node(n="5"))


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
