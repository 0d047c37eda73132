"""Pods are bound, or told why not and tried again when something changes."""

import pytest

from strongroom.api import resources
from strongroom.client import event_recorder
from strongroom.controllers import scheduler
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.testing import controllers, fake_api


class World(controllers.World):
    def start(self) -> None:
        self.recorder = event_recorder.EventRecorder(self.client, scheduler.NAME, "", self.clock)
        self.spawn(self.recorder)
        pods, nodes, namespaces = (
            self.informer(resource) for resource in (resources.PODS, resources.NODES, resources.NAMESPACES)
        )
        self.scheduler = scheduler.Scheduler(self.client, pods, nodes, namespaces, self.recorder, self.clock)
        self.task = self.spawn(self.scheduler)

    def node(self, name: str = "a", *, pods: str = "10", beat: str = "") -> None:
        ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": beat}
        allocatable = {"cpu": "2", "memory": "4Gi", "pods": pods}
        self.api.put(
            resources.NODES,
            {"metadata": {"name": name}, "status": {"allocatable": allocatable, "conditions": [ready]}},
        )

    def pod(self, name: str = "p", **spec: object) -> None:
        spec = {"containers": [{}], **spec}
        self.api.put(resources.PODS, {"metadata": {"name": name, "namespace": "n"}, "spec": spec})

    def stored(self, name: str = "p") -> Object:
        pod = self.api.get(resources.PODS, name, "n")
        assert pod is not None
        return pod

    def node_of(self, name: str = "p") -> str | None:
        node: str | None = self.stored(name)["spec"].get("nodeName")
        return node

    def events(self) -> list[tuple[str, str, int]]:
        found = [self.api.get(resources.EVENTS, name, "n") for name in self.api.names(resources.EVENTS, "n")]
        return sorted((event["reason"], event["message"], event["count"]) for event in found if event)

    @property
    def bindings(self) -> list[str]:
        return [call.path for call in self.api.writes if call.path.endswith("/binding")]


async def test_a_pod_is_bound_and_told() -> None:
    async with World() as world:
        world.node()
        world.pod()
        world.start()
        await world.settle()
        assert world.node_of() == "a"
        assert world.events() == [("Scheduled", "Successfully assigned n/p to a", 1)]
        (call,) = [call for call in world.api.writes if call.path.endswith("/binding")]
        assert call.body == {
            "kind": "Binding",
            "apiVersion": "v1",
            "metadata": {"name": "p", "namespace": "n", "uid": world.stored()["metadata"]["uid"]},
            "target": {"kind": "Node", "name": "a"},
        }


async def test_many_pods_never_overfill_a_node() -> None:
    async with World() as world:
        for name in ("a", "b"):
            world.node(name, pods="4")
        world.start()
        await world.settle()
        for number in range(10):
            world.pod(f"p{number}")
        await world.settle()
        nodes = [world.node_of(f"p{number}") for number in range(10)]
        assert sorted(node or "" for node in nodes) == ["", "", *"aaaabbbb"]
        assert len(world.bindings) == 8


async def test_a_pod_without_a_node_says_why_once_and_waits_without_a_timer() -> None:
    async with World() as world:
        world.start()
        world.pod()
        await world.settle()
        message = "no nodes available to schedule pods"
        assert world.events() == [("FailedScheduling", message, 1)]
        assert world.stored()["status"]["conditions"] == [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": message,
                "lastProbeTime": None,
                "lastTransitionTime": "2026-01-02T03:04:05Z",
            }
        ]
        before = len(world.api.calls)
        world.clock.advance(3600)
        await world.settle()
        assert len(world.api.calls) == before


async def test_it_is_bound_when_a_node_comes() -> None:
    async with World() as world:
        world.start()
        world.pod()
        await world.settle()
        world.node()
        await world.settle()
        assert world.node_of() == "a"


async def test_it_is_bound_when_another_pod_ends() -> None:
    async with World() as world:
        world.node(pods="1")
        world.pod("first")
        world.start()
        await world.settle()
        world.pod("second")
        await world.settle()
        assert world.node_of("second") is None
        world.api.remove(resources.PODS, "first", "n")
        await world.settle()
        assert world.node_of("second") == "a"


async def test_it_is_tried_again_when_its_own_wishes_change_and_not_by_a_heartbeat() -> None:
    async with World() as world:
        world.node()
        world.start()
        world.pod(nodeSelector={"disk": "ssd"})
        await world.settle()
        before = len(world.api.writes)
        world.node(beat="later")
        await world.settle()
        assert len(world.api.writes) == before
        world.pod()
        await world.settle()
        assert world.node_of() == "a"


@pytest.mark.parametrize(
    "pod",
    [
        None,
        {"metadata": {"deletionTimestamp": "t"}, "spec": {}},
        {"metadata": {}, "spec": {"nodeName": "a"}},
        {"metadata": {}, "spec": {"schedulingGates": [{"name": "x"}]}},
        {"metadata": {}, "spec": {"schedulerName": "mine"}},
        {"metadata": {}, "spec": {}, "status": {"phase": "Failed"}},
    ],
)
def test_other_pods_are_left_alone(pod: Object | None) -> None:
    assert not scheduler.is_ours(pod)


async def test_a_gate_that_opens_lets_the_pod_be_bound() -> None:
    async with World() as world:
        world.node()
        world.pod(schedulingGates=[{"name": "x"}])
        world.start()
        await world.settle()
        assert world.bindings == []
        world.pod()
        await world.settle()
        assert world.node_of() == "a"


async def test_a_binding_that_fails_gives_its_room_back() -> None:
    async with World() as world:
        world.node(pods="1")
        refused: list[fake_api.Call] = []

        def fail(call: fake_api.Call) -> None:
            if call.path.endswith("/pods/p/binding") and not refused:
                refused.append(call)
                raise status.internal_error("x")

        world.api.fail = fail
        world.start()
        await world.settle()
        world.pod("p")
        await world.settle()
        assert refused
        world.pod("q")
        await world.settle()
        assert world.node_of("q") == "a"
        assert world.node_of("p") is None


async def test_a_pod_that_was_bound_by_somebody_else_is_left_there() -> None:
    async with World() as world:
        world.node("a")
        world.node("b")

        def fail(call: fake_api.Call) -> None:
            if call.path.endswith("/binding"):
                world.pod(nodeName="b")

        world.api.fail = fail
        world.start()
        world.pod()
        await world.settle()
        assert world.node_of() == "b"
        assert len(world.bindings) == 1
        assert world.events() == []


async def test_it_can_be_cancelled_twice() -> None:
    async with World() as world:
        world.start()
        await world.settle()
        await controllers.cancel_twice(world.task)


async def test_of_those_that_wait_the_more_important_pod_is_placed_first() -> None:
    async with World() as world:
        world.start()
        world.pod("a")
        world.pod("b", priority=1000)
        await world.settle()
        assert world.node_of("a") is world.node_of("b") is None
        world.node(pods="1")
        await world.settle()
        assert (world.node_of("a"), world.node_of("b")) == (None, "a")


async def test_a_pod_that_waits_for_company_is_placed_when_it_comes() -> None:
    async with World() as world:
        world.node()
        node = world.api.get(resources.NODES, "a")
        assert node is not None
        world.api.put(resources.NODES, {**node, "metadata": {**node["metadata"], "labels": {"zone": "x"}}})
        world.start()
        term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}}
        affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        world.pod("waits", affinity=affinity)
        await world.settle()
        assert world.node_of("waits") is None
        metadata = {"name": "web", "namespace": "n", "labels": {"app": "web"}}
        world.api.put(resources.PODS, {"metadata": metadata, "spec": {"containers": [{}]}})
        await world.settle()
        assert world.node_of("web") == world.node_of("waits") == "a"


async def test_a_more_important_pod_takes_the_place_of_another() -> None:
    async with World() as world:
        world.node(pods="1")
        world.pod("low")
        world.start()
        await world.settle()
        world.pod("high", priority=1000)
        await world.settle()
        assert world.stored("low")["metadata"]["deletionTimestamp"]
        world.api.remove(resources.PODS, "low", "n")
        await world.settle()
        assert world.node_of("high") == "a"
        told = [(reason, text) for reason, text, _ in world.events()]
        uid = world.stored("high")["metadata"]["uid"]
        assert ("Preempted", f"Preempted by pod {uid} on node a") in told
        assert ("FailedScheduling", "0/1 nodes are available: 1 Too many pods.") in told


async def test_it_waits_for_the_end_of_its_victim_and_nobody_else_gets_the_room() -> None:
    async with World() as world:
        world.node(pods="1")
        world.pod("low")
        world.start()
        await world.settle()
        world.pod("high", priority=1000)
        await world.settle()
        assert world.stored("low")["metadata"]["deletionTimestamp"]
        reasons = {each["type"]: each.get("reason") for each in world.stored("low")["status"]["conditions"]}
        assert reasons["DisruptionTarget"] == "PreemptionByScheduler"
        assert world.stored("high")["status"]["nominatedNodeName"] == "a"
        world.pod("late")
        world.pod("other")
        await world.settle()
        deletions = [call for call in world.api.writes if call.method == "DELETE"]
        assert len(deletions) == 1, "nobody else has to go"
        world.api.remove(resources.PODS, "low", "n")
        await world.settle()
        assert world.node_of("high") == "a"
        assert world.node_of("late") is None


async def test_with_policy_never_it_waits() -> None:
    async with World() as world:
        world.node(pods="1")
        world.pod("low")
        world.start()
        await world.settle()
        world.pod("high", priority=1000, preemptionPolicy="Never")
        await world.settle()
        assert world.node_of("high") is None
        assert world.node_of("low") == "a"
        why = "preemption: not eligible due to preemptionPolicy=Never."
        told = f"0/1 nodes are available: 1 Too many pods. {why}"
        assert ("FailedScheduling", told, 1) in world.events()


async def test_a_pod_that_waits_for_company_is_tried_again_when_a_neighbour_comes() -> None:
    async with World() as world:
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
        near = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        world.node()
        node = world.api.get(resources.NODES, "a")
        assert node is not None
        node["metadata"]["labels"] = {"kubernetes.io/hostname": "a"}
        world.api.put(resources.NODES, node)
        world.start()
        world.pod(affinity=near)
        await world.settle()
        assert world.node_of() is None
        labelled: Object = {"name": "web", "namespace": "n", "labels": {"app": "web"}}
        spec = {"containers": [{}], "nodeName": "a"}
        world.api.put(resources.PODS, {"metadata": labelled, "spec": spec})
        await world.settle()
        assert world.node_of() == "a"


async def test_a_pod_that_is_gone_waits_no_more() -> None:
    async with World() as world:
        world.start()
        world.pod()
        await world.settle()
        world.api.remove(resources.PODS, "p", "n")
        await world.settle()
        world.pod()
        await world.settle()
        assert [reason for reason, _, count in world.events() for _ in range(count)] == [
            "FailedScheduling"
        ] * 2


@pytest.mark.parametrize(
    ("error", "tried"),
    [(status.not_found(resources.PODS, "p"), 1), (status.conflict(resources.PODS, "p", "no"), 1)],
)
async def test_a_pod_that_goes_while_it_is_told_why_is_left_alone(
    error: status.StatusError, tried: int
) -> None:
    async with World() as world:

        def fail(call: fake_api.Call) -> None:
            if call.method == "PATCH":
                raise error

        world.api.fail = fail
        world.start()
        world.pod()
        await world.settle()
        world.clock.advance(100)
        await world.settle()
        assert sum(call.method == "PATCH" for call in world.api.calls) == tried


async def test_victims_are_told_why_and_asked_once() -> None:
    async with World() as world:
        world.node(pods="1")
        world.pod("low", nodeName="a", priority=0)
        world.start()
        await world.settle()
        world.pod("high", priority=1000)
        await world.settle()
        told = [call for call in world.api.writes if "/pods/low" in call.path]
        assert [call.method for call in told] == ["PATCH", "DELETE"]
        (condition,) = told[0].body["status"]["conditions"]
        assert (condition["type"], condition["status"]) == ("DisruptionTarget", "True")
        assert (condition["reason"], condition["message"]) == (
            "PreemptionByScheduler",
            "default-scheduler: preempting to accommodate a higher priority pod",
        )
        assert world.stored("high")["status"]["nominatedNodeName"] == "a"


async def test_a_victim_that_could_not_be_told_is_told_when_it_is_tried_again() -> None:
    async with World() as world:
        world.node(pods="1")
        world.pod("low", nodeName="a", priority=0)
        world.start()
        await world.settle()

        def fail(call: fake_api.Call) -> None:
            if call.is_write and "/pods/low" in call.path:
                raise status.service_unavailable("not now")

        world.api.fail = fail
        world.pod("high", priority=1000)
        await world.settle()
        world.api.fail = None
        world.clock.advance(60)
        world.scheduler._loop.queue.add("n/high")
        await world.settle()
        assert [call.path for call in world.api.writes if call.method == "DELETE"] != []
        told = [message for _, message, _ in world.events()]
        assert not [message for message in told if "terminating pod" in message]
