"""Pods near others, far from others, and spread: which node they get, and the words when they get none."""

from typing import Any

import pytest

from strongroom.controllers.scheduling import affinity, cluster, placement, pod_use
from strongroom.machinery.gvk import Object

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
ZONE, HOST = "zone", "kubernetes.io/hostname"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"


def _node(name: str, zone: str = "", **spec: object) -> Object:
    labels = {HOST: name, **({ZONE: zone} if zone else {})}
    allocatable = {"cpu": "2", "memory": "4Gi", "pods": "20"}
    ready = {"type": "Ready", "status": "True"}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"allocatable": allocatable, "conditions": [ready]},
    }


def _pod(
    name: str = "new",
    node: str = "",
    namespace: str = "n",
    labels: dict[str, str] | None = None,
    owner: str = "",
    **spec: object,
) -> Object:
    metadata: Object = {"name": name, "namespace": namespace, "labels": labels or {}}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, "controller": True}]
    return {
        "metadata": metadata,
        "spec": {"containers": [{}], **({"nodeName": node} if node else {}), **spec},
    }


def _term(topology: str = ZONE, app: str = "web", **more: object) -> Object:
    return {"topologyKey": topology, "labelSelector": {"matchLabels": {"app": app}}, **more}


def _near(*terms: Object) -> Object:
    return {"podAffinity": {REQUIRED: list(terms)}}


def _far(*terms: Object) -> Object:
    return {"podAntiAffinity": {REQUIRED: list(terms)}}


def _spread(skew: int = 1, topology: str = ZONE, unmet: str = "DoNotSchedule", **more: object) -> Object:
    selector = {"matchLabels": {"app": "web"}}
    found = {"maxSkew": skew, "topologyKey": topology, "whenUnsatisfiable": unmet, "labelSelector": selector}
    return {**found, **more}


WEB = {"app": "web"}


def _outcome(
    pod: Object,
    nodes: list[Object],
    others: list[Object],
    namespaces: dict[str, dict[str, str]] | None = None,
) -> str:
    """The node, or the message."""
    picture = cluster.Cluster()
    for node in nodes:
        picture.node_changed("ADDED", node)
    for other in others:
        picture.pod_changed("ADDED", other)
    found = placement.place(
        pod,
        pod_use.of(pod),
        picture.candidates(),
        others_are_aloof=picture.has_aloof,
        namespace_labels=lambda name: (namespaces or {}).get(name, {}),
    )
    return found.node if isinstance(found, placement.Placed) else found.message


def _refused(reason: str, tail: str, nodes: int = 1) -> str:
    return (
        f"0/{nodes} nodes are available: {nodes} {reason}. "
        f"preemption: 0/{nodes} nodes are available: {nodes} {tail}."
    )


NODES = [_node("a", "x"), _node("b", "y")]


def test_near_goes_where_the_others_are() -> None:
    web = _pod("web", "b", labels=WEB)
    assert _outcome(_pod(affinity=_near(_term())), NODES, [web]) == "b"


def test_near_nobody_has_its_words() -> None:
    text = _refused("node(s) didn't match pod affinity rules", NOT_HELPFUL, 2)
    assert _outcome(_pod(affinity=_near(_term())), NODES, []) == text
    elsewhere = _pod("web", "b", namespace="other", labels=WEB)
    assert _outcome(_pod(affinity=_near(_term())), NODES, [elsewhere]) == text


def test_the_first_of_its_kind_is_company_for_itself_where_the_label_is() -> None:
    pod = _pod(labels=WEB, affinity=_near(_term()))
    assert _outcome(pod, NODES, []) == "a"
    text = _refused("node(s) didn't match pod affinity rules", NOT_HELPFUL)
    assert _outcome(pod, [_node("c")], []) == text


def test_far_goes_where_the_others_are_not() -> None:
    pod = _pod(labels=WEB, affinity=_far(_term()))
    web = _pod("web", "a", labels=WEB)
    assert _outcome(pod, NODES, [web]) == "b"
    text = _refused("node(s) didn't match pod anti-affinity rules", NO_VICTIMS, 2)
    assert _outcome(pod, NODES, [web, _pod("w2", "b", labels=WEB)]) == text
    assert _outcome(pod, [_node("c")], [_pod("w3", "c", labels=WEB)]) == "c", "no label, no place"


def test_those_who_must_be_far_from_it_keep_it_away() -> None:
    hermit = _pod("hermit", "a", affinity=_far(_term()))
    text = _refused("node(s) didn't satisfy existing pods anti-affinity rules", NO_VICTIMS)
    assert _outcome(_pod(labels=WEB), NODES[:1], [hermit]) == text
    assert _outcome(_pod(labels=WEB), NODES, [hermit]) == "b"
    assert _outcome(_pod(), NODES[:1], [hermit]) == "a"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"namespaces": ["other"]}, True),
        ({"namespaceSelector": {}}, True),
        ({"namespaceSelector": {"matchLabels": {"team": "red"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"team": "blue"}}}, False),
        ({"namespaces": ["third"]}, False),
        ({}, False),
    ],
)
def test_other_namespaces_are_looked_at_when_named_or_chosen(more: Object, found: bool) -> None:
    web = _pod("web", "b", namespace="other", labels=WEB)
    outcome = _outcome(_pod(affinity=_near(_term(**more))), NODES, [web], {"other": {"team": "red"}})
    assert (outcome == "b") is found


def test_labels_that_must_match_or_not_are_the_pods_own() -> None:
    old, new = {**WEB, "version": "1"}, {**WEB, "version": "2"}
    others = [_pod("old", "a", labels=old), _pod("new-one", "b", labels=new)]
    near = _pod(labels=new, affinity=_near(_term(matchLabelKeys=["version"])))
    assert _outcome(near, NODES, others) == "b"
    far = _pod(labels=new, affinity=_far(_term(mismatchLabelKeys=["version"])))
    assert _outcome(far, NODES, others) == "b"


def test_wishes_decide_between_nodes_that_fit() -> None:
    web = _pod("web", "b", labels=WEB)
    wish = [{"weight": 50, "podAffinityTerm": _term()}]
    assert _outcome(_pod(affinity={"podAffinity": {PREFERRED: wish}}), NODES, [web]) == "b"
    other = _pod("web", "a", labels=WEB)
    assert _outcome(_pod(affinity={"podAntiAffinity": {PREFERRED: wish}}), NODES, [other, web]) == "a"
    expression = {"key": ZONE, "operator": "In", "values": ["y"]}
    preferred = [{"weight": 1, "preference": {"matchExpressions": [expression]}}]
    assert _outcome(_pod(affinity={"nodeAffinity": {PREFERRED: preferred}}), NODES, []) == "b"


def test_spreading_fills_the_emptier_place() -> None:
    pod = _pod(labels=WEB, topologySpreadConstraints=[_spread()])
    nodes = [_node("a", "x"), _node("a2", "x"), _node("b", "y")]
    assert _outcome(pod, nodes, [_pod("w", "a", labels=WEB)]) == "b"
    cordoned = [*nodes[:2], _node("b", "y", unschedulable=True)]
    assert _outcome(pod, cordoned, [_pod("w", "a", labels=WEB)]) == (
        "0/3 nodes are available: 1 node(s) were unschedulable, "
        "2 node(s) didn't match pod topology spread constraints. "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )


def test_a_node_outside_of_all_places_has_its_words() -> None:
    pod = _pod(labels=WEB, topologySpreadConstraints=[_spread()])
    reason = "node(s) didn't match pod topology spread constraints (missing required label)"
    assert _outcome(pod, [_node("c")], []) == _refused(reason, NOT_HELPFUL)


def test_too_few_places_count_as_an_empty_one() -> None:
    pod = _pod(labels=WEB, topologySpreadConstraints=[_spread(minDomains=3)])
    others = [_pod("w", "a", labels=WEB), _pod("v", "b", labels=WEB)]
    assert "topology spread" in _outcome(pod, NODES, others)
    assert _outcome(_pod(labels=WEB, topologySpreadConstraints=[_spread()]), NODES, others) == "a"


def test_nodes_that_the_pod_does_not_want_are_no_places_unless_it_says_so() -> None:
    chosen: dict[str, Any] = {"nodeSelector": {ZONE: "x"}}
    others = [_pod("w", "a", labels=WEB)]
    honoring = _pod(labels=WEB, topologySpreadConstraints=[_spread()], **chosen)
    assert _outcome(honoring, NODES, others) == "a"
    ignoring = _pod(labels=WEB, topologySpreadConstraints=[_spread(nodeAffinityPolicy="Ignore")], **chosen)
    assert "topology spread" in _outcome(ignoring, NODES, others)


def test_those_that_leave_and_those_of_other_namespaces_do_not_count() -> None:
    pod = _pod(labels=WEB, topologySpreadConstraints=[_spread()])
    leaving = _pod("w", "a", labels=WEB)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    nodes = [NODES[0], _node("b", "y", unschedulable=True)]
    assert _outcome(pod, nodes, [leaving, _pod("v", "a", namespace="other", labels=WEB)]) == "a"


def test_a_soft_constraint_is_a_wish() -> None:
    soft = _spread(unmet="ScheduleAnyway")
    others = [_pod("w", "a", labels=WEB)]
    pod = _pod(labels=WEB, topologySpreadConstraints=[soft])
    assert _outcome(pod, NODES, others) == "b"
    assert _outcome(pod, NODES[:1], others) == "a"


@pytest.mark.parametrize(
    ("more", "placed"),
    [({}, False), ({"unmet": "ScheduleAnyway"}, True), ({"nodeTaintsPolicy": "Honor"}, True)],
)
def test_a_place_that_lets_no_pod_in_is_an_empty_one_unless_said_otherwise(more: Any, placed: bool) -> None:
    nodes = [NODES[0], _node("b", "y", taints=[{"key": "k", "effect": "NoSchedule"}])]
    pod = _pod(labels=WEB, topologySpreadConstraints=[_spread(**more)])
    outcome = _outcome(pod, nodes, [_pod("w", "a", labels=WEB)])
    assert (outcome == "a") is placed and ("topology spread" in outcome) is not placed, outcome


def test_a_wish_to_spread_goes_outside_of_all_places_last() -> None:
    pod = _pod(labels=WEB, topologySpreadConstraints=[_spread(unmet="ScheduleAnyway")])
    others = [_pod(name, "a", labels=WEB) for name in "vwx"]
    assert _outcome(pod, [NODES[0], _node("outside")], others) == "a"
    assert _outcome(pod, [NODES[0], _node("outside")], []) == "a"


def test_pods_of_one_owner_are_spread_over_nodes() -> None:
    others = [_pod("w", "a", owner="rs"), _pod("x", "b"), _pod("y", "b")]
    assert _outcome(_pod(owner="rs"), NODES, others) == "b"


def test_company_is_one_that_all_terms_are_about_and_in_all_their_places() -> None:
    two = _near(_term(), _term(HOST, "db"))
    web, both = _pod("web", "a", labels=WEB), _pod("both", "b", labels={"app": "web", "tier": "x"})
    assert "pod affinity rules" in _outcome(
        _pod(affinity=two), NODES, [web, _pod("db", "a", labels={"app": "db"})]
    )
    tier = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"tier": "x"}}}
    assert _outcome(_pod(affinity=_near(_term(), tier)), [*NODES, _node("b2", "y")], [web, both]) == "b"
    assert "pod affinity rules" in _outcome(
        _pod(affinity=_near(_term(), tier)), [NODES[0], _node("b2", "y")], [both]
    )


def test_it_is_company_for_itself_only_if_all_terms_are_about_it() -> None:
    pod = _pod(labels=WEB, affinity=_near(_term(), _term(HOST, "db")))
    assert "pod affinity rules" in _outcome(pod, NODES, [])
    labelled = _pod(labels=WEB, affinity=_near(_term(), _term(HOST)))
    assert "pod affinity rules" in _outcome(labelled, [_node("c")], []), "one of the two labels is not enough"
    assert _outcome(labelled, NODES, []) == "a"


def test_a_label_that_the_pod_has_not_is_not_asked_of_others() -> None:
    web = _pod("web", "b", labels={**WEB, "version": "1"})
    pod = _pod(labels=WEB, affinity=_near(_term(matchLabelKeys=["version"])))
    assert _outcome(pod, NODES, [web]) == "b"


def test_wishes_are_about_those_they_choose_and_count_by_weight() -> None:
    def wish(weight: int, app: str) -> Object:
        return {"weight": weight, "podAffinityTerm": _term(app=app)}

    web, db = _pod("web", "b", labels=WEB), _pod("db", "a", labels={"app": "db"})
    near = {"podAffinity": {PREFERRED: [wish(9, "web"), wish(5, "db")]}}
    assert _outcome(_pod(affinity=near), NODES, [web, db]) == "b"
    near = {"podAffinity": {PREFERRED: [wish(5, "web"), wish(9, "db")]}}
    assert _outcome(_pod(affinity=near), NODES, [web, db]) == "a"


def test_only_the_pods_that_a_constraint_chooses_are_spread() -> None:
    others = [_pod("w", "a", labels={"app": "db"})]
    hard = _pod(labels=WEB, topologySpreadConstraints=[_spread()])
    assert _outcome(hard, [NODES[0], _node("b", "y", unschedulable=True)], others) == "a"
    versions = [_pod("w", "a", labels={**WEB, "version": "1"})]
    cordoned = [NODES[0], _node("b", "y", unschedulable=True)]
    for version, fits in (("1", False), ("2", True)):
        constraint = _spread(matchLabelKeys=["version"])
        pod = _pod(labels={**WEB, "version": version}, topologySpreadConstraints=[constraint])
        assert (_outcome(pod, cordoned, versions) == "a") is fits
    unread = _spread(labelSelector=None)
    assert _outcome(_pod(labels=WEB, topologySpreadConstraints=[unread]), cordoned, versions) == "a"


def test_with_two_constraints_a_node_is_in_a_place_of_each() -> None:
    constraints = [_spread(), _spread(topology=HOST)]
    outside = _node("a", "x")
    del outside["metadata"]["labels"][HOST]
    pod = _pod(labels=WEB, topologySpreadConstraints=constraints)
    assert "(missing required label)" in _outcome(pod, [outside], [])
    # its Pods count for neither
    others = [_pod("w", "a", labels=WEB)]
    assert _outcome(pod, [outside, _node("b", "y")], others) == "b"
    assert _outcome(pod, [_node("a", "x"), _node("b", "y")], others) == "b"


def test_a_place_holds_the_pods_of_all_its_nodes_and_a_skew_of_two_is_no_more() -> None:
    nodes = [_node("a", "x"), _node("a2", "x"), _node("b", "y", unschedulable=True)]
    others = [_pod("w", "a", labels=WEB), _pod("v", "a2", labels=WEB)]
    for skew, fits in ((2, False), (3, True)):
        pod = _pod(labels=WEB, topologySpreadConstraints=[_spread(skew)])
        assert ("topology spread" not in _outcome(pod, nodes, others)) is fits
    other = _pod(labels={"app": "db"}, topologySpreadConstraints=[_spread(2)])
    assert "topology spread" not in _outcome(other, nodes, others), "it does not count itself"


def test_who_depends_on_others() -> None:
    assert placement.is_choosy(_pod(affinity=_far(_term())))
    assert placement.is_choosy(_pod(topologySpreadConstraints=[_spread()]))
    assert placement.is_choosy(_pod(affinity=_near(_term())))
    assert not placement.is_choosy(_pod(affinity={"nodeAffinity": {}}))
    assert not affinity.wishes({}, "n", {})


def test_a_selector_that_does_not_parse_chooses_nobody() -> None:
    term = {"topologyKey": ZONE, "labelSelector": {"matchExpressions": [{"key": "a", "operator": "?"}]}}
    web = _pod("web", "b", labels=WEB)
    assert "pod affinity rules" in _outcome(_pod(affinity=_near(term)), NODES, [web])
