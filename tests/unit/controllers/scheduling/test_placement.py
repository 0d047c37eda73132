"""The node that a Pod gets, and the words when it gets none."""

import pytest

from strongroom.controllers.scheduling import cluster, placement, pod_use
from strongroom.machinery.gvk import Object


def _node(name: str, *, ready: str = "True", labels: dict[str, str] | None = None, **more: object) -> Object:
    allocatable = {"cpu": "2", "memory": "4Gi", "pods": "3", **more.pop("allocatable", {})}  # type: ignore[dict-item]
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": more,
        "status": {"allocatable": allocatable, "conditions": [{"type": "Ready", "status": ready}]},
    }


def _pod(
    name: str = "new", *, node: str = "", port: int = 0, requests: Object | None = None, **spec: object
) -> Object:
    container: Object = {"resources": {"requests": requests or {}}}
    if port:
        container["ports"] = [{"hostPort": port}]
    spec = {"containers": [container], **spec}
    if node:
        spec["nodeName"] = node
    return {"metadata": {"name": name, "namespace": "n"}, "spec": spec}


def _place(
    pod: Object, *nodes: Object, others: tuple[Object, ...] = ()
) -> placement.Placed | placement.Unschedulable:
    picture = cluster.Cluster()
    for node in nodes:
        picture.node_changed("ADDED", node)
    for other in others:
        picture.pod_changed("ADDED", other)
    return placement.place(pod, pod_use.of(pod), picture.candidates())


def _refusal(pod: Object, *nodes: Object, others: tuple[Object, ...] = ()) -> str:
    outcome = _place(pod, *nodes, others=others)
    assert isinstance(outcome, placement.Unschedulable)
    return outcome.message


NOT_HELPFUL = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
NO_VICTIMS = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."


def test_the_only_node_is_taken() -> None:
    assert _place(_pod(), _node("a")) == placement.Placed("a")


def test_without_nodes_it_says_so() -> None:
    assert _refusal(_pod()) == "no nodes available to schedule pods"


def test_the_least_loaded_node_is_taken() -> None:
    others = (_pod("x", node="a", requests={"cpu": "1"}), _pod("y", node="b", requests={"cpu": "500m"}))
    assert _place(_pod(), _node("a"), _node("b"), others=others) == placement.Placed("b")
    assert _place(_pod(), _node("a"), _node("b"), others=(_pod("x", node="a"),)) == placement.Placed("b")


def test_a_tie_is_decided_by_the_name() -> None:
    assert _place(_pod(), _node("b"), _node("a")) == placement.Placed("a")


def test_a_node_that_would_rather_not_is_taken_last() -> None:
    taints = [{"key": "k", "effect": "PreferNoSchedule"}]
    others = (_pod("x", node="b", requests={"cpu": "1"}),)
    assert _place(_pod(), _node("a", taints=taints), _node("b"), others=others) == placement.Placed("b")
    assert _place(_pod(), _node("a", taints=taints)) == placement.Placed("a")


@pytest.mark.parametrize(
    ("pod", "node", "reason", "tail"),
    [
        (_pod(), _node("a", unschedulable=True), "node(s) were unschedulable", NOT_HELPFUL),
        (_pod(), _node("a", ready="False"), "node(s) had untolerated taint(s)", NOT_HELPFUL),
        (
            _pod(nodeSelector={"disk": "ssd"}),
            _node("a"),
            "node(s) didn't match Pod's node affinity/selector",
            NOT_HELPFUL,
        ),
        (_pod(requests={"cpu": "3"}), _node("a"), "Insufficient cpu", NOT_HELPFUL),
        (_pod(requests={"cpu": "1500m"}), _node("a"), "Insufficient cpu", NO_VICTIMS),
        (_pod(requests={"memory": "3.5Gi"}), _node("a"), "Insufficient memory", NO_VICTIMS),
        (_pod(requests={"example.com/gpu": "1"}), _node("a"), "Insufficient example.com/gpu", NOT_HELPFUL),
        (_pod(port=80), _node("a"), "node(s) didn't have free ports for the requested pod ports", NO_VICTIMS),
        (_pod(), _node("a", allocatable={"pods": "1"}), "Too many pods", NO_VICTIMS),
    ],
)
def test_each_rule_has_its_words(pod: Object, node: Object, reason: str, tail: str) -> None:
    others = (_pod("x", node="a", port=80, requests={"cpu": "1", "memory": "1Gi"}),)
    assert _refusal(pod, node, others=others) == f"0/1 nodes are available: 1 {reason}. {tail}"


def test_reasons_are_counted_and_sorted_as_text() -> None:
    pod = _pod(requests={"cpu": "3", "memory": "5Gi"})
    nodes = [_node("a", unschedulable=True), *(_node(name) for name in "bc")]
    assert _refusal(pod, *nodes) == (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu, 2 Insufficient memory. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )


def test_a_toleration_opens_a_cordoned_node() -> None:
    toleration = {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}
    assert _place(_pod(tolerations=[toleration]), _node("a", unschedulable=True)) == placement.Placed("a")


@pytest.mark.parametrize(
    ("port", "fits"),
    [
        ({"hostPort": 80}, False),
        ({"hostPort": 81}, True),
        ({"hostPort": 80, "protocol": "UDP"}, True),
        ({"hostPort": 80, "hostIP": "10.0.0.2"}, False),
    ],
)
def test_a_port_of_the_host_is_given_once(port: Object, fits: bool) -> None:
    pod = _pod()
    pod["spec"]["containers"][0]["ports"] = [port]
    outcome = _place(pod, _node("a"), others=(_pod("x", node="a", port=80),))
    assert isinstance(outcome, placement.Placed) is fits


@pytest.mark.parametrize(
    ("address", "fits"), [("10.0.0.1", False), ("10.0.0.2", True), ("0.0.0.0", False), ("", False)]
)
def test_a_port_of_one_address_is_free_at_another(address: str, fits: bool) -> None:
    pod, other = _pod(), _pod("x", node="a")
    other["spec"]["containers"][0]["ports"] = [{"hostPort": 80, "hostIP": "10.0.0.1"}]
    pod["spec"]["containers"][0]["ports"] = [{"hostPort": 80, **({"hostIP": address} if address else {})}]
    assert isinstance(_place(pod, _node("a"), others=(other,)), placement.Placed) is fits


def test_a_request_of_zero_needs_nothing() -> None:
    assert _place(_pod(requests={"example.com/gpu": "0"}), _node("a")) == placement.Placed("a")


def _named(*terms: list[Object]) -> Object:
    required = {"nodeSelectorTerms": [{"matchFields": fields} for fields in terms]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def _field(*names: str, operator: str = "In") -> Object:
    return {"key": "metadata.name", "operator": operator, "values": list(names)}


def test_nodes_that_the_affinity_does_not_name_are_told_as_such() -> None:
    nodes = (_node("a", unschedulable=True), _node("b"), _node("c", unschedulable=True))
    assert _refusal(_pod(affinity=_named([_field("a", "x")], [_field("z")])), *nodes) == (
        "0/3 nodes are available: 1 node(s) were unschedulable, "
        "2 node(s) didn't satisfy plugin(s) [NodeAffinity]. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    assert _place(_pod(affinity=_named([_field("a", "b")])), *nodes) == placement.Placed("b")
    excluded = _pod(affinity=_named([_field("b", operator="NotIn")]))
    assert "1 node(s) didn't match Pod's node affinity/selector" in _refusal(excluded, *nodes)


def test_an_affinity_that_names_no_node_at_all_is_a_contradiction() -> None:
    pod = _pod(affinity=_named([_field("a", "b"), _field("c")]))
    assert _refusal(pod, _node("a")) == f"0/1 nodes are available: pod affinity terms conflict. {NOT_HELPFUL}"
