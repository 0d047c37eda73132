"""Who makes room for whom, and the words when nobody does."""

from collections.abc import Sequence
from typing import Any

import pytest

from strongroom.controllers.scheduling import placement, pod_use, preemption
from strongroom.controllers.scheduling.cluster import Candidate, Cluster
from strongroom.controllers.scheduling.placement import Placed, Unschedulable
from strongroom.controllers.scheduling.preemption import Helpless, Preempt, Preemptor

FULL = "0/1 nodes are available: 1 Insufficient cpu."


class World:
    def __init__(self) -> None:
        self.cluster = Cluster()

    def node(self, name: str = "a", cpu: str = "4", pods: str = "10", **spec: Any) -> None:
        ready = {"type": "Ready", "status": "True"}
        allocatable = {"cpu": cpu, "memory": "4Gi", "pods": pods}
        status = {"allocatable": allocatable, "conditions": [ready]}
        self.cluster.node_changed("ADDED", {"metadata": {"name": name}, "spec": spec, "status": status})

    def runs(
        self, name: str, cpu: str, priority: int = 0, node: str = "a", since: str = "", **metadata: Any
    ) -> None:
        pod = self.pod(name, cpu, priority, nodeName=node)
        pod["metadata"] |= metadata
        if since:
            pod["status"] = {"startTime": since}
        self.cluster.pod_changed("ADDED", pod)

    def pod(self, name: str, cpu: str, priority: int = 0, **spec: Any) -> Any:
        container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
        return {
            "metadata": {"name": name, "namespace": "n"},
            "spec": {"containers": [container], "priority": priority, **spec},
        }

    def preempt(
        self, cpu: str, priority: int = 100, *, never: bool = False, nominated: str = "", **spec: Any
    ) -> Preempt | Helpless:
        pod = self.pod("new", cpu, priority, **spec)
        use = pod_use.of(pod)

        def place(nodes: Sequence[Candidate], first: str) -> Placed | Unschedulable:
            return placement.place(pod, use, nodes, first=first)

        candidates = list(self.cluster.candidates("n/new", priority))
        failed = place(candidates, "")
        assert isinstance(failed, Unschedulable)
        return preemption.preempt(Preemptor(priority, never, nominated, place=place), failed, candidates)

    def victims(self, *arguments: Any, **more: Any) -> tuple[str, list[str]]:
        found = self.preempt(*arguments, **more)
        assert isinstance(found, Preempt), found
        return found.node, sorted(key.removeprefix("n/") for key in found.victims)


@pytest.fixture
def world() -> World:
    made = World()
    made.node()
    return made


def test_a_less_important_pod_makes_room(world: World) -> None:
    world.runs("low", "3")
    found = world.preempt("2")
    assert found == Preempt("a", ["n/low"], FULL)


@pytest.mark.parametrize("priority", [100, 101])
def test_an_equal_or_more_important_one_does_not(world: World, priority: int) -> None:
    world.runs("other", "3", priority)
    assert world.preempt("2") == Helpless(
        f"{FULL} preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )


def test_no_more_go_than_must(world: World) -> None:
    for name in ("one", "two", "three"):
        world.runs(name, "1")
    assert len(world.victims("2")[1]) == 1


def test_the_least_important_goes(world: World) -> None:
    world.runs("ten", "2", 10)
    world.runs("five", "2", 5)
    assert world.victims("2") == ("a", ["five"])


def test_of_equals_the_one_that_has_run_for_less_time(world: World) -> None:
    world.runs("old", "2", since="2026-01-01T00:00:00Z")
    world.runs("new", "2", since="2026-01-02T00:00:00Z")
    assert world.victims("2") == ("a", ["new"])


def test_of_equals_the_one_that_has_not_begun(world: World) -> None:
    world.runs("runs", "2", since="2026-01-01T00:00:00Z")
    world.runs("begins", "2")
    assert world.victims("2") == ("a", ["begins"])


def test_of_several_victims_on_a_node_the_most_important_decides_and_the_oldest_of_those(
    world: World,
) -> None:
    world.node("b")
    for node, priorities in (("a", (1, 9)), ("b", (8, 8))):
        for number, priority in enumerate(priorities):
            world.runs(f"{node}{number}", "2", priority, node=node)
    assert world.victims("4")[0] == "b"


def test_then_the_youngest_of_the_most_important_victims(world: World) -> None:
    world.node("b")
    old, new, last = (f"2026-01-0{day}T00:00:00Z" for day in (1, 2, 3))
    for node, since in (("a", (old, last, new)), ("b", (new, new, old))):
        for number, (priority, began) in enumerate(zip((9, 9, 1), since, strict=True)):
            world.runs(f"{node}{number}", "1", priority, node=node, since=began)
    assert world.victims("4")[0] == "b"


def test_the_node_whose_most_important_victim_is_least(world: World) -> None:
    world.node("b")
    world.runs("high", "4", 50)
    for name in ("low1", "low2"):
        world.runs(name, "2", 5, node="b")
    assert world.victims("4") == ("b", ["low1", "low2"])


def test_then_the_smaller_sum_then_fewer(world: World) -> None:
    world.node("b")
    world.runs("one", "4", 5)
    for name in ("two", "three"):
        world.runs(name, "2", 5, node="b")
    assert world.victims("4") == ("a", ["one"])


def test_then_the_younger_victim(world: World) -> None:
    world.node("b")
    world.runs("old", "4", since="2026-01-01T00:00:00Z")
    world.runs("young", "4", node="b", since="2026-01-02T00:00:00Z")
    assert world.victims("4") == ("b", ["young"])


def test_it_is_of_no_use_when_the_node_is_too_small_or_not_wanted(world: World) -> None:
    world.runs("low", "3")
    helpless = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    assert world.preempt("5") == Helpless(f"{FULL} {helpless}")
    found = world.preempt("1", nodeSelector={"disk": "ssd"})
    assert isinstance(found, Helpless)
    assert found.message.endswith(helpless)


def test_it_is_of_no_use_when_those_that_stay_take_too_much(world: World) -> None:
    world.runs("high", "3", 1000)
    world.runs("low", "1")
    assert world.preempt("2") == Helpless(f"{FULL} preemption: 0/1 nodes are available: 1 Insufficient cpu.")


def test_policy_never(world: World) -> None:
    world.runs("low", "3")
    assert world.preempt("2", never=True) == Helpless(
        f"{FULL} preemption: not eligible due to preemptionPolicy=Never."
    )


def test_without_nodes_there_is_nothing_to_preempt() -> None:
    assert World().preempt("1") == Helpless("no nodes available to schedule pods")


def test_who_waits_for_its_victims_takes_no_others(world: World) -> None:
    world.runs("low", "3")
    world.runs("other", "1")
    world.cluster.told_to_go("n/low")
    assert world.preempt("2", nominated="a") == Helpless(
        f"{FULL} preemption: not eligible due to a terminating pod on the nominated node.", keeps_node=True
    )


def test_it_does_not_wait_for_pods_that_go_for_other_reasons_or_on_a_node_it_can_no_longer_have(
    world: World,
) -> None:
    world.runs("low", "3", deletionTimestamp="now")
    world.runs("other", "1")
    assert world.victims("2", nominated="a") == ("a", ["low"])
    world.cluster.told_to_go("n/low")
    world.node(unschedulable=True)
    world.node("b", cpu="2")
    world.runs("third", "2", node="b")
    assert world.victims("2", nominated="a") == ("b", ["third"])


def test_it_does_not_wait_for_those_that_are_as_important(world: World) -> None:
    world.runs("equal", "3", 100)
    world.runs("low", "1")
    world.cluster.told_to_go("n/equal")
    assert world.victims("1", nominated="a") == ("a", ["low"])


def test_a_victim_is_known_by_its_condition() -> None:
    said = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    for pod, expected in (
        ({"metadata": {"deletionTimestamp": "now"}, "status": {"conditions": [{}, said]}}, True),
        (
            {"metadata": {"deletionTimestamp": "now"}, "status": {"conditions": [{**said, "reason": "x"}]}},
            False,
        ),
        ({"metadata": {}, "status": {"conditions": [said]}}, False),
    ):
        assert pod_use.of(pod).preempted is expected


def test_room_that_is_made_is_not_for_others(world: World) -> None:
    world.cluster.nominate("n/chosen", "a", pod_use.of(world.pod("chosen", "3", 100)))
    assert world.preempt("2", 100) == Helpless(
        f"{FULL} preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )

    def taken(key: str, priority: int) -> int:
        (node,) = world.cluster.candidates(key, priority)
        return node.load.used.get("cpu", 0)

    assert taken("n/less", 50) == 3 * 10**9
    assert taken("n/chosen", 100) == 0
    assert taken("n/more", 101) == 0, "the more important one passes"
    assert world.cluster.nominate("n/more", "a", pod_use.of(world.pod("more", "3", 101))) == ["n/chosen"]


def test_a_port_that_is_taken_is_a_reason_too(world: World) -> None:
    ports = [{"containerPort": 80, "hostPort": 80}]
    taken = world.pod("low", "1", nodeName="a")
    taken["spec"]["containers"][0]["ports"] = ports
    world.cluster.pod_changed("ADDED", taken)
    new = [{"name": "c", "ports": ports, "resources": {"requests": {"cpu": "1"}}}]
    assert world.victims("1", containers=new) == ("a", ["low"])
