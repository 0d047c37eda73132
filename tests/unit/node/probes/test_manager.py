"""All probes of a node, with answers that the tests give."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.machinery.gvk import Object
from strongroom.node.probes.manager import Probes
from strongroom.node.probes.outcome import Kind
from strongroom.node.probes.prober import Prober, Target
from strongroom.node.runtime.observed import Container, PodRuntime, Sandbox, State

HOME = Sandbox("s0", ips=("10.0.0.7",))
PROBE = {"httpGet": {"port": 80}, "periodSeconds": 10, "failureThreshold": 1}


class Answers(Prober):
    """Answers as told, and notes who was asked."""

    def __init__(self) -> None:
        self.answers: dict[Kind, bool | None] = {}
        self.asked: list[str] = []
        self.targets: list[Target] = []
        self.gate: asyncio.Event | None = None

    async def aclose(self) -> None:
        return

    async def probe(
        self, kind: Kind, spec: Object, target: Target, timeout: float, *, quiet: bool = False
    ) -> bool | None:
        self.asked.append(kind.value)
        self.targets.append(target)
        if self.gate is not None:
            await self.gate.wait()
        return self.answers.get(kind, True)


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.prober = Answers()
        self.changed: list[str] = []
        self.probes = Probes(self.prober, self.clock, self.changed.append, spread=lambda: 0.5)
        self.task = asyncio.get_running_loop().create_task(self.probes.run())

    def container(self, state: State = State.RUNNING, *, age: float = 0.0, number: int = 0) -> Container:
        started = int((self.clock.now().timestamp() - age) * 1e9)
        return Container(f"id-{number}", "c", number, state, "s0", started_at=started)

    async def follow(self, pod: Object, container: Container) -> None:
        runtime = PodRuntime(sandbox=HOME, containers={container.name: [container]})
        self.probes.follow(pod, runtime, ("192.0.2.1",))
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.probes.wake()
        await self.settle()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.task.cancel()
    await asyncio.wait([made.task])


def pod(*kinds: Kind, sidecar: bool = False, **fields: Any) -> Object:
    container = {"name": "c", **{kind.field: dict(PROBE) for kind in kinds}}
    spec: dict[str, Any] = {"containers": [container]}
    if sidecar:
        spec = {"containers": [], "initContainers": [{**container, "restartPolicy": "Always"}]}
    return {"metadata": {"uid": "u"}, "spec": {**spec, **fields}}


async def test_without_probes_a_running_container_is_ready_and_nobody_is_asked(world: World) -> None:
    container = world.container()
    await world.follow(pod(), container)
    await world.wait(100)
    assert world.probes.ready(container) and world.probes.started(container)
    assert world.probes.failed(container) is None
    assert world.prober.asked == []


async def test_not_ready_until_the_first_success(world: World) -> None:
    container = world.container()
    await world.follow(pod(Kind.READINESS), container)
    assert not world.probes.ready(container)
    assert world.changed == []
    await world.wait(0.1)
    assert world.probes.ready(container)
    assert world.changed == ["u"]
    assert world.prober.targets[0].ip == "10.0.0.7"
    await world.wait(10)
    assert world.prober.asked == ["readiness"] * 2
    assert world.changed == ["u"]


async def test_readiness_comes_and_goes(world: World) -> None:
    container = world.container()
    await world.follow(pod(Kind.READINESS), container)
    await world.wait(1)
    for answer in (False, True, False):
        world.prober.answers[Kind.READINESS] = answer
        await world.wait(10)
        assert world.probes.ready(container) is answer


async def test_the_startup_probe_holds_the_others_back(world: World) -> None:
    container = world.container()
    world.prober.answers[Kind.STARTUP] = None
    await world.follow(pod(*Kind), container)
    await world.wait(1)
    await world.wait(20)
    assert set(world.prober.asked) == {"startup"}
    assert not world.probes.started(container)
    world.prober.answers[Kind.STARTUP] = True
    await world.wait(20)
    assert world.probes.started(container)
    await world.settle()
    asked = len(world.prober.asked)
    await world.wait(10)
    assert sorted(world.prober.asked[asked:]) == ["liveness", "readiness"]
    assert world.probes.ready(container)


async def test_a_failed_liveness_probe_condemns_this_run_alone(world: World) -> None:
    container = world.container()
    spec = pod(Kind.LIVENESS)
    spec["spec"]["containers"][0]["livenessProbe"]["terminationGracePeriodSeconds"] = 7
    world.prober.answers[Kind.LIVENESS] = False
    await world.follow(spec, container)
    assert world.probes.failed(container) is None
    await world.wait(1)
    assert world.probes.failed(container) == ("liveness", 7)
    assert world.changed == ["u"]
    await world.wait(10)
    assert world.prober.asked == ["liveness"]
    await world.follow(spec, replace(container, state=State.EXITED))
    assert world.probes.failed(container) == ("liveness", 7)
    second = world.container(number=1)
    await world.follow(spec, second)
    assert world.probes.failed(second) is None
    assert world.probes.failed(container) is None


async def test_a_failed_startup_probe_condemns(world: World) -> None:
    container = world.container()
    world.prober.answers[Kind.STARTUP] = False
    await world.follow(pod(Kind.STARTUP, Kind.LIVENESS), container)
    for _ in range(3):
        await world.wait(0.6)
    assert world.probes.failed(container) == ("startup", None)
    assert not world.probes.started(container)


async def test_one_that_hangs_is_asked_once_and_holds_nobody_up(world: World) -> None:
    world.prober.gate = asyncio.Event()
    container = world.container()
    await world.follow(pod(Kind.READINESS, Kind.LIVENESS), container)
    await world.wait(1)
    await world.wait(30)
    assert sorted(world.prober.asked) == ["liveness", "readiness"]
    world.prober.gate.set()
    await world.settle()
    await world.wait(10)
    assert sorted(world.prober.asked) == ["liveness"] * 2 + ["readiness"] * 2


async def test_what_ended_is_asked_no_more_and_its_answer_is_not_waited_for(world: World) -> None:
    world.prober.gate = asyncio.Event()
    container = world.container()
    await world.follow(pod(Kind.READINESS), container)
    await world.wait(1)
    await world.follow(pod(Kind.READINESS), replace(container, state=State.EXITED))
    world.prober.gate.set()
    await world.wait(100)
    assert world.prober.asked == ["readiness"]
    assert world.changed == []


async def test_a_pod_that_ends_is_only_asked_whether_it_is_ready(world: World) -> None:
    container = world.container()
    await world.follow(pod(Kind.READINESS, Kind.LIVENESS), container)
    await world.wait(1)
    world.probes.stop("u")
    world.prober.asked.clear()
    await world.wait(10)
    assert world.prober.asked == ["readiness"]
    world.probes.forget("u")
    await world.wait(100)
    assert world.prober.asked == ["readiness"]


async def test_a_new_agent_takes_over_what_the_api_knows_of_the_same_run(world: World) -> None:
    container = world.container(age=100)
    reported = {"containerID": f"containerd://{container.id}", "ready": True, "started": True}
    known = {**pod(*Kind), "status": {"containerStatuses": [reported]}}
    await world.follow(known, container)
    assert world.probes.ready(container) and world.probes.started(container)
    await world.wait(4.9)
    assert world.prober.asked == []
    await world.wait(0.1)
    assert sorted(world.prober.asked) == ["liveness", "readiness"]


async def test_a_new_agent_takes_over_nothing_of_another_run(world: World) -> None:
    container = world.container(age=100)
    reported = {"containerID": "containerd://other", "ready": True, "started": True}
    known = {**pod(*Kind), "status": {"containerStatuses": [reported]}}
    await world.follow(known, container)
    assert not world.probes.ready(container) and not world.probes.started(container)


async def test_sidecars_are_probed(world: World) -> None:
    container = world.container()
    await world.follow(pod(Kind.READINESS, sidecar=True), container)
    assert not world.probes.ready(container)
    await world.wait(1)
    assert world.probes.ready(container)
    assert world.prober.targets[0].is_init


async def test_on_the_hosts_network_the_host_is_asked(world: World) -> None:
    await world.follow(pod(Kind.READINESS, hostNetwork=True), world.container())
    await world.wait(1)
    assert world.prober.targets[0].ip == "192.0.2.1"
