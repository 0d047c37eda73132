"""Selectors and required affinity of nodes."""

import pytest

from strongroom.api.core.v1.pod import node_affinity
from strongroom.machinery.gvk import Object


def _node(**labels: str) -> Object:
    return {"metadata": {"name": "node-1", "labels": labels}}


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
    assert node_affinity.wanted({"nodeSelector": selector}, _node(a="1")) is expected


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
    assert node_affinity.wanted(_affinity(_expression(operator, *values)), _node(n="5")) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("In", False), ("NotIn", True), ("Exists", False), ("DoesNotExist", True), ("Gt", False), ("Lt", False)],
)
def test_operators_on_a_label_that_is_not_there(operator: str, expected: bool) -> None:
    assert node_affinity.wanted(_affinity(_expression(operator, "5")), _node()) is expected


def test_one_term_is_enough_and_an_empty_one_matches_nothing() -> None:
    node = _node(n="5")
    assert node_affinity.wanted(_affinity(_expression("In", "1"), _expression("In", "5")), node)
    assert not node_affinity.wanted(_affinity({}), node)
    assert not node_affinity.wanted(_affinity(), node)


def test_a_field_requirement_names_the_node() -> None:
    def term(name: str) -> Object:
        return {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}

    assert node_affinity.wanted(_affinity(term("node-1")), _node())
    assert not node_affinity.wanted(_affinity(term("node-2")), _node())


def test_selector_and_affinity_must_both_match() -> None:
    spec = {"nodeSelector": {"n": "5"}, **_affinity(_expression("In", "6"))}
    assert not node_affinity.wanted(spec, _node(n="5"))


def test_who_chooses_among_nodes() -> None:
    assert node_affinity.chooses({"nodeSelector": {"a": "1"}})
    assert node_affinity.chooses(_affinity({}))
    assert not node_affinity.chooses({"affinity": {"nodeAffinity": {}}, "nodeSelector": {}})
