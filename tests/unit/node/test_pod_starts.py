"""From what is to be started to what runs: the sandbox, images, back-off, and what is told where it fails."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node.cri.errors import CRIError
from strongroom.node.operations import Operations
from strongroom.node.pod_starts import PodStarts
from strongroom.node.pod_volumes import PodVolumes
from strongroom.node.runtime import observed
from strongroom.node.runtime.observed import Container, PodRuntime, Sandbox, State
from strongroom.node.runtime.plan import Start
from strongroom.testing import node as nodes
from strongroom.testing.node import Node

USER: Object = {"env": [{"name": "USER", "valueFrom": {"secretKeyRef": {"name": "s", "key": "user"}}}]}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


def pod() -> Object:
    metadata = {"name": "p", "namespace": "ns", "uid": "u"}
    containers = [{"name": "c", "image": "shell:1"}]
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"containers": containers}}


class Starts:
    """The starts of a pod that no worker looks after."""

    def __init__(self, node: Node, wanted: Callable[[], bool] = lambda: True) -> None:
        node.cri.add_image("shell:1")
        self.runtime: PodRuntime = observed.EMPTY
        self.started: list[str] = []
        self.operations = Operations("pod-u", node.clock, lambda: None)
        self.starts = PodStarts(
            node.services,
            self.operations,
            PodVolumes(node.services),
            runtime=lambda: self.runtime,
            wanted=wanted,
            started=self._note,
        )

    async def _note(self, _: Object, name: str) -> None:
        self.started.append(name)


def first(of: Object) -> Start:
    return Start(of["spec"]["containers"][0], 0)


async def test_a_container_starts_in_the_sandbox_that_is_there(node: Node) -> None:
    own = Starts(node)
    made = await own.starts.make_sandbox(pod(), 0, None)
    assert made is not None
    own.runtime = PodRuntime(sandbox=made)
    assert own.starts.consider(pod(), first(pod())) is None
    await node.until(lambda: own.started == ["c"])
    assert node.cri.container_names == ["c/0 running"]
    assert own.starts.waiting == {}


async def test_nothing_starts_in_a_sandbox_that_is_dead(node: Node) -> None:
    own = Starts(node)
    own.runtime = PodRuntime(sandbox=Sandbox("gone", ready=False))
    own.starts.consider(pod(), first(pod()))
    await node.until(lambda: len(own.operations) == 0)
    assert (own.started, node.cri.container_names) == ([], [])


async def test_what_is_not_wanted_any_more_is_not_started(node: Node) -> None:
    own = Starts(node, wanted=lambda: False)
    own.runtime = PodRuntime(sandbox=await own.starts.make_sandbox(pod(), 0, None))
    own.starts.consider(pod(), first(pod()))
    await node.until(lambda: len(own.operations) == 0)
    assert (own.started, node.cri.container_names) == ([], [])


async def test_who_crashes_again_waits_and_that_is_told_once_for_each_end(node: Node) -> None:
    own = Starts(node)
    ended = int(node.clock.now().timestamp() * 1e9)
    crashed = Container("1", "c", state=State.EXITED, exit_code=1, finished_at=ended)
    start = Start(pod()["spec"]["containers"][0], 1, previous=crashed)
    assert own.starts.consider(pod(), start) is None
    await node.until(lambda: len(own.operations) == 0)
    assert own.starts.consider(pod(), start) == pytest.approx(10)
    assert own.starts.consider(pod(), start) == pytest.approx(10)
    assert own.starts.waiting["c"].reason == "CrashLoopBackOff"
    assert len([event for event in node.events if event.startswith("Warning BackOff")]) == 1


async def test_image_sandbox_and_volumes_are_made_side_by_side(node: Node) -> None:
    gate = node.cri.hold("run_pod_sandbox")
    node.cri.publish("remote:1")
    node.put_pod(container={"image": "remote:1"})
    await node.until(lambda: any("Successfully pulled" in event for event in node.events))
    assert node.cri.sandbox_count == 0
    gate.set()
    await node.until(node.is_ready)


async def test_a_crash_is_restarted_at_once_and_then_ever_later(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    node.cri._time = int(node.clock.now().timestamp() * 1e9)
    node.cri.end("c", 3)
    await node.until(lambda: "c/1 running" in node.cri.container_names)
    node.cri.end("c", 3)
    await node.until(lambda: node.state().get("waiting", {}).get("reason") == "CrashLoopBackOff")
    message = "back-off 10s restarting failed container=c pod=p_ns(uid-p)"
    assert node.state()["waiting"]["message"] == message
    assert "Warning BackOff: Back-off restarting failed container c in pod p_ns(uid-p)" in node.events
    await node.pass_time(5)
    assert node.cri.running("c") is None
    await node.pass_time(20)
    assert node.cri.container_names == ["c/1 exited", "c/2 running"]
    await node.until(lambda: node.status()["containerStatuses"][0]["restartCount"] == 2)


async def test_a_sandbox_that_cannot_be_made_is_told_and_tried_again(node: Node) -> None:
    def fail(call: str, _: str) -> None:
        if call == "run_pod_sandbox":
            raise CRIError("Unknown", "no network")

    node.cri.fail = fail
    node.put_pod()
    text = (
        "Warning FailedCreatePodSandBox: Failed to create pod sandbox:"
        " rpc error: code = Unknown desc = no network"
    )
    await node.until(lambda: text in node.events)
    await node.settle()
    assert node.events.count(text) == 1
    node.cri.fail = None
    await node.pass_time(3)
    await node.until(node.is_ready)


@pytest.mark.parametrize(
    ("call", "reason"),
    [("create_container", "CreateContainerError"), ("start_container", "RunContainerError")],
)
async def test_a_container_that_cannot_start_tells_no_value(node: Node, call: str, reason: str) -> None:
    def fail(name: str, _: str) -> None:
        if name == call:
            raise CRIError("Unknown", 'bad variable: "USER=hunter2"')

    node.cri.fail = fail
    node.put_secret("s", user="hunter2")
    node.put_pod(container=USER)
    await node.until(lambda: node.state().get("waiting", {}).get("reason") == reason)
    text = 'bad variable: "USER=********"'
    assert node.state()["waiting"]["message"] == text
    assert f"Warning Failed: Error: {text}" in node.events
    assert "hunter2" not in str(node.events) + str(node.pod())


async def test_missing_pull_secrets_are_told_and_the_pull_goes_on(node: Node) -> None:
    node.put_pod(imagePullSecrets=[{"name": "a"}, {"name": "b"}])
    await node.until(node.is_ready)
    assert (
        "Warning FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (a, b);"
        " attempting to pull the image may not succeed." in node.events
    )


async def test_an_image_that_cannot_be_pulled(node: Node) -> None:
    node.put_pod(container={"image": "none:1"})
    await node.until(lambda: node.state().get("waiting", {}).get("reason") == "ErrImagePull")
    await node.pass_time(1)
    await node.until(lambda: node.state()["waiting"]["reason"] == "ImagePullBackOff")
    node.cri.publish("none:1")
    await node.pass_time(10)
    await node.until(node.is_ready)


async def test_read_only_all_the_way_down_is_refused_where_it_has_to_be(node: Node) -> None:
    mount = {"name": "v", "mountPath": "/s", "readOnly": True, "recursiveReadOnly": "Enabled"}
    node.put_pod(container={"volumeMounts": [mount]}, volumes=[{"name": "v", "emptyDir": {}}])
    await node.until(lambda: "message" in node.state().get("waiting", {}))
    assert node.state()["waiting"] == {
        "reason": "CreateContainerConfigError",
        "message": 'failed to resolve recursive read-only mode: volume "v" requested recursive read-only'
        " mode, but it is not supported by the runtime",
    }
    mount |= {"recursiveReadOnly": "IfPossible"}
    node.put_pod("q", container={"volumeMounts": [mount]}, volumes=[{"name": "v", "emptyDir": {}}])
    await node.until(lambda: node.is_ready("q"))


async def test_a_failed_start_is_told_by_the_containers_name_in_place_of_its_id(node: Node) -> None:
    def fail(call: str, name: str) -> None:
        if call == "start_container":
            (made,) = node.cri._containers
            raise CRIError("Unknown", f"task {made}: no such file")

    node.cri.fail = fail
    node.put_pod()
    await node.until(lambda: node.state().get("waiting", {}).get("reason") == "RunContainerError")
    assert "Warning Failed: Error: task c: no such file" in node.events
    assert node.state()["waiting"]["message"] != "task c: no such file"
