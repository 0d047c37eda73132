"""The agent as a whole, over a fake API and a fake runtime."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from strongroom.aio.clock import SystemClock
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.node.agent import Agent
from strongroom.node.containerd.oom_kills import OOMKills
from strongroom.node.settings import NodeSettings
from strongroom.testing.fake_api import FakeAPI
from strongroom.testing.fake_cri import FakeCRI


class Quiet:
    def event(self, obj: Object, type: str, reason: str, message: str, field_path: str = "") -> None:
        """Nobody listens."""


class World:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.api = FakeAPI(
            [resources.NODES, resources.PODS, resources.SERVICES, resources.SECRETS, resources.CONFIG_MAPS]
        )
        self.cri = FakeCRI()
        self.cri.add_image("shell:1")
        self.logs = directory / "data" / "logs" / "pods"
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> Agent:
        settings = NodeSettings("n1", self.directory / "data", self.directory / "run", node_ip="192.0.2.1")
        agent = Agent(
            Client(self.api, "test"),
            self.cri,
            settings,
            self.cri,
            Quiet(),
            SystemClock(),
            streaming_port=7,
            oom_kills=OOMKills(self.directory / "oom"),
        )
        self.task = asyncio.get_running_loop().create_task(agent.run())
        async with asyncio.timeout(5):
            await agent.ready.wait()
        return agent

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])

    def put_pod(self, node: str = "n1", name: str = "p") -> None:
        metadata = {"name": name, "namespace": "ns", "uid": f"uid-{name}"}
        spec = {"nodeName": node, "containers": [{"name": "c", "image": "shell:1"}]}
        self.api.put(resources.PODS, {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec})

    def phase(self, name: str = "p") -> str:
        pod = self.api.get(resources.PODS, name, "ns") or {}
        return str((pod.get("status") or {}).get("phase"))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.stop()


async def test_pods_of_this_node_run_and_no_others(world: World) -> None:
    agent = await world.start()
    world.put_pod()
    world.put_pod("n2", "other")
    await world.until(lambda: world.phase() == "Running")
    assert world.phase("other") == "None"
    assert agent.pod("ns", "p") is not None
    assert agent.pod("ns", "other") is None


async def test_the_node_is_registered_with_its_port(world: World) -> None:
    await world.start()
    node = world.api.get(resources.NODES, "n1")
    assert node is not None
    assert node["status"]["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 7}}


async def test_stop_leaves_containers_and_start_cleans_up_after_pods_that_went(world: World) -> None:
    await world.start()
    world.put_pod(name="stays")
    world.put_pod(name="goes")
    await world.until(lambda: world.phase("stays") == world.phase("goes") == "Running")
    await world.stop()
    assert len(world.cri.container_names) == 2
    world.api.remove(resources.PODS, "goes", "ns")
    await world.start()
    await world.until(lambda: world.cri.sandbox_count == 1)
    assert world.cri.container_names == ["c/0 running"]
    assert world.phase("stays") == "Running"


async def test_start_removes_the_logs_of_pods_of_which_nothing_else_is_left(world: World) -> None:
    await world.start()
    world.put_pod(name="stays")
    await world.until(lambda: world.phase("stays") == "Running")
    await world.stop()
    (kept,) = world.logs.iterdir()
    (world.logs / "ns_goes_some-uid" / "c").mkdir(parents=True)
    (world.logs / "ns_goes_some-uid" / "c" / "0.log").write_text("said")
    (world.logs / "something-else").mkdir()
    await world.start()
    await world.until(lambda: {entry.name for entry in world.logs.iterdir()} == {kept.name, "something-else"})


async def test_notes_on_containers_that_are_gone_are_removed(world: World) -> None:
    notes = world.directory / "oom"
    notes.mkdir()
    (notes / "long-gone").touch()
    await world.start()
    await world.until(lambda: not list(notes.iterdir()))


async def test_cancelled_twice_it_ends(world: World) -> None:
    await world.start()
    task = world.task
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.done()


async def test_every_watch_is_ended(world: World) -> None:
    await world.start()
    world.put_pod()
    await world.until(lambda: world.phase() == "Running")
    await world.stop()
    await world.until(lambda: world.api.watchers == 0)
