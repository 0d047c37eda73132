"""The picture of the cluster follows events, whatever their order."""

from hypothesis import given
from hypothesis import strategies as st

from strongroom.controllers.scheduling import cluster, pod_use
from strongroom.machinery import quantity
from strongroom.machinery.gvk import Object


def _node(name: str = "a", cpu: str = "2", *, ready: str = "True", beat: str = "") -> Object:
    conditions = [{"type": "Ready", "status": ready, "lastHeartbeatTime": beat}]
    return {"metadata": {"name": name}, "status": {"allocatable": {"cpu": cpu}, "conditions": conditions}}


def _pod(name: str = "p", node: str = "", cpu: str = "1", phase: str = "Pending") -> Object:
    spec: Object = {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}
    if node:
        spec["nodeName"] = node
    return {"metadata": {"name": name, "namespace": "n"}, "spec": spec, "status": {"phase": phase}}


def _used(picture: cluster.Cluster) -> dict[str, tuple[int, float]]:
    """Number of Pods and cores in use by node."""
    return {
        candidate.name: (len(candidate.load.pods), candidate.load.used.get("cpu", 0) / quantity.NANO)
        for candidate in picture.candidates()
    }


def test_a_placed_pod_uses_its_node_until_it_is_gone() -> None:
    picture = cluster.Cluster()
    picture.node_changed("ADDED", _node())
    assert not picture.pod_changed("ADDED", _pod())
    assert _used(picture) == {"a": (0, 0)}
    assert not picture.pod_changed("MODIFIED", _pod(node="a"))
    assert _used(picture) == {"a": (1, 1)}
    assert picture.pod_changed("DELETED", _pod(node="a"))
    assert _used(picture) == {"a": (0, 0)}
    assert not picture.pod_changed("DELETED", _pod(node="a"))


def test_a_pod_that_ended_uses_nothing() -> None:
    picture = cluster.Cluster()
    picture.node_changed("ADDED", _node())
    picture.pod_changed("ADDED", _pod(node="a"))
    assert picture.pod_changed("MODIFIED", _pod(node="a", phase="Succeeded"))
    assert _used(picture) == {"a": (0, 0)}


def test_a_pod_may_be_told_before_its_node() -> None:
    picture = cluster.Cluster()
    picture.pod_changed("ADDED", _pod(node="a"))
    assert _used(picture) == {}
    picture.node_changed("ADDED", _node())
    assert _used(picture) == {"a": (1, 1)}
    picture.node_changed("DELETED", _node())
    assert _used(picture) == {}


def test_an_assumed_pod_counts_at_once_and_until_it_is_told_or_forgotten() -> None:
    picture = cluster.Cluster()
    for name in ("a", "b"):
        picture.node_changed("ADDED", _node(name))
    picture.assume("n/p", "a", pod_use.of(_pod()))
    picture.pod_changed("MODIFIED", _pod())
    assert picture.is_assumed("n/p")
    assert _used(picture)["a"] == (1, 1)
    picture.pod_changed("MODIFIED", _pod(node="b"))
    assert not picture.is_assumed("n/p")
    assert _used(picture) == {"a": (0, 0), "b": (1, 1)}
    picture.forget("n/p")
    assert _used(picture)["b"] == (1, 1), "what the API told is not forgotten"
    picture.assume("n/q", "a", pod_use.of(_pod("q")))
    picture.forget("n/q")
    assert _used(picture)["a"] == (0, 0)


def test_only_changes_that_matter_to_pods_are_news() -> None:
    picture = cluster.Cluster()
    assert picture.node_changed("ADDED", _node())
    assert not picture.node_changed("MODIFIED", _node(beat="later"))
    assert picture.node_changed("MODIFIED", _node(cpu="4"))
    assert picture.node_changed("MODIFIED", _node(cpu="4", ready="False"))
    assert not picture.node_changed("DELETED", _node())


def _guests(picture: cluster.Cluster, key: str = "", priority: int = 0) -> dict[str, list[str]]:
    return {c.name: sorted(c.load.pods) for c in picture.candidates(key, priority)}


def _nominated(name: str, priority: int, picture: cluster.Cluster, node: str = "a") -> list[str]:
    pod = _pod(name)
    pod["spec"]["priority"] = priority
    return picture.nominate(f"n/{name}", node, pod_use.of(pod))


def test_room_that_is_made_counts_as_taken_for_those_who_are_not_more_important() -> None:
    picture = cluster.Cluster()
    for name in ("a", "b"):
        picture.node_changed("ADDED", _node(name))
    assert _nominated("p", 5, picture) == []
    assert _guests(picture, "n/other", 5) == {"a": ["n/p"], "b": []}
    assert _guests(picture, "n/other", 6) == _guests(picture, "n/p", 5) == {"a": [], "b": []}
    assert (picture.nominated("n/p"), picture.nominated("n/other")) == ("a", "")


def test_who_is_nominated_outdoes_less_important_ones_on_that_node_and_no_others() -> None:
    picture = cluster.Cluster()
    for name, priority, node in (("equal", 5, "a"), ("low", 1, "a"), ("elsewhere", 1, "b"), ("p", 1, "a")):
        _nominated(name, priority, picture, node)
    assert _nominated("p", 5, picture) == ["n/low"]
    assert [picture.nominated(f"n/{name}") for name in ("low", "equal", "elsewhere", "p")] == [
        "",
        "a",
        "b",
        "a",
    ]


def test_a_nomination_ends_when_the_pod_has_a_node_or_is_gone_or_does_without() -> None:
    picture = cluster.Cluster()
    use = pod_use.of(_pod())
    for end in (
        lambda: picture.pod_changed("MODIFIED", _pod(node="b")),
        lambda: picture.assume("n/p", "b", use),
        lambda: picture.pod_changed("MODIFIED", _pod(phase="Failed")),
        lambda: picture.forget_nomination("n/p"),
    ):
        picture.nominate("n/p", "a", use)
        end()
        assert picture.nominated("n/p") == ""
    picture.nominate("n/p", "a", use)
    assert picture.pod_changed("DELETED", _pod()), "there is room again"


def test_a_nomination_from_before_the_start_is_read_and_one_of_now_stays() -> None:
    picture = cluster.Cluster()
    pod = _pod()
    pod["status"]["nominatedNodeName"] = "a"
    picture.pod_changed("ADDED", pod)
    assert picture.nominated("n/p") == "a"
    picture.nominate("n/p", "b", pod_use.of(pod))
    picture.pod_changed("MODIFIED", pod)
    assert picture.nominated("n/p") == "b"


def test_an_assumed_pod_that_ends_is_assumed_no_more() -> None:
    picture = cluster.Cluster()
    picture.assume("n/p", "a", pod_use.of(_pod()))
    picture.pod_changed("DELETED", _pod())
    assert not picture.is_assumed("n/p")
    picture.assume("n/p", "a", pod_use.of(_pod()))
    picture.forget("n/p")
    assert not picture.is_assumed("n/p")


def test_one_that_must_be_far_from_others_is_remembered_while_it_is_there() -> None:
    picture = cluster.Cluster()
    term = {"topologyKey": "zone", "labelSelector": {}}
    hermit = _pod(node="a")
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    hermit["spec"]["affinity"] = {"podAntiAffinity": required}
    picture.pod_changed("ADDED", hermit)
    assert picture.has_aloof
    picture.pod_changed("DELETED", hermit)
    assert not picture.has_aloof


def test_other_labels_taints_and_a_cordon_of_a_node_are_news() -> None:
    picture = cluster.Cluster()
    node = _node()
    picture.node_changed("ADDED", node)
    labelled = {**node, "metadata": {"name": "a", "labels": {"zone": "x"}}}
    assert picture.node_changed("MODIFIED", labelled)
    tainted = {**labelled, "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}}
    assert picture.node_changed("MODIFIED", tainted)
    assert picture.node_changed("MODIFIED", {**labelled, "spec": {"unschedulable": True}})
    assert picture.node_changed("MODIFIED", {**labelled, "spec": {"unschedulable": False}})
    assert not picture.node_changed("MODIFIED", labelled)


def test_the_labels_of_a_pod_are_known_while_it_is_placed() -> None:
    picture = cluster.Cluster()
    pod = _pod(node="a")
    pod["metadata"]["labels"] = {"app": "web"}
    assert picture.labels_of("n/p") is None
    picture.pod_changed("ADDED", pod)
    assert picture.labels_of("n/p") == {"app": "web"}
    picture.pod_changed("DELETED", pod)
    assert picture.labels_of("n/p") is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ADDED", "MODIFIED", "DELETED", "assume", "forget"]),
            st.sampled_from("pqr"),
            st.sampled_from(["", "a", "b"]),
            st.sampled_from(["1", "2"]),
        )
    )
)
def test_use_is_always_the_sum_of_what_is_placed(steps: list[tuple[str, str, str, str]]) -> None:
    picture = cluster.Cluster()
    for name in ("a", "b"):
        picture.node_changed("ADDED", _node(name))
    for step, name, node, cpu in steps:
        if step == "assume":
            picture.assume(f"n/{name}", node or "a", pod_use.of(_pod(name, cpu=cpu)))
        elif step == "forget":
            picture.forget(f"n/{name}")
        else:
            picture.pod_changed(step, _pod(name, node, cpu))
    keys = [key for candidate in picture.candidates() for key in candidate.load.pods]
    assert len(keys) == len(set(keys))
    for candidate in picture.candidates():
        total = sum(use.requests["cpu"] for use in candidate.load.pods.values())
        assert candidate.load.used.get("cpu", 0) == total
