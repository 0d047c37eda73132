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
