"""The end of a pod: how long its containers have, and in which order they stop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError
from strongroom.node import pod_termination
from strongroom.node.cri.errors import CRIError
from strongroom.node.runtime.observed import PodRuntime
from strongroom.testing import node as nodes
from strongroom.testing.fake_api import Call, FakeAPI
from strongroom.testing.node import Node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


def pod(spec: int | None = None, deletion: int | None = None) -> Object:
    metadata: Object = {"name": "p", "namespace": "ns", "uid": "u"}
    if deletion is not None:
        metadata |= {"deletionTimestamp": "2026-01-02T03:04:05Z", "deletionGracePeriodSeconds": deletion}
    return {"metadata": metadata, "spec": {} if spec is None else {"terminationGracePeriodSeconds": spec}}


@pytest.mark.parametrize(
    ("whole", "noted", "gone", "grace"),
    [
        (pod(20, 5), None, False, 5),
        (pod(20, 0), None, False, 1),
        (pod(20), None, False, 20),
        (pod(), 7, False, 7),
        (pod(), None, False, 30),
        (pod(20), 7, True, 1),
        (None, 7, True, 1),
    ],
)
def test_grace(whole: Object | None, noted: int | None, gone: bool, grace: int) -> None:
    assert pod_termination.grace_period(whole, PodRuntime(grace_period=noted), gone=gone) == grace


def stopped(node: Node) -> list[str]:
    return [name for call, name in node.cri.calls if call == "stop_container"]


async def test_sidecars_stop_last_and_in_reverse(node: Node) -> None:
    sidecars = [{"name": name, "image": "shell:1", "restartPolicy": "Always"} for name in ("one", "two")]
    node.put_pod(initContainers=sidecars)
    await node.until(node.is_ready)
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    assert stopped(node) == ["c", "two", "one"]


async def test_a_sidecar_waits_for_the_end_of_the_next_one(node: Node) -> None:
    gate = node.cri.hold("stop_container")
    sidecars = [{"name": name, "image": "shell:1", "restartPolicy": "Always"} for name in ("one", "two")]
    node.put_pod(initContainers=sidecars)
    await node.until(node.is_ready)
    node.delete_pod()
    for order in (["c"], ["c", "two"], ["c", "two", "one"]):
        await node.until(lambda: stopped(node) == order)  # noqa: B023
        await node.settle()
        assert stopped(node) == order
        gate.set()
        gate.clear()  # those that come later wait again
    await node.until(lambda: node.pod() is None)


async def test_hooks_of_sidecars_do_not_wait_for_their_turn(node: Node) -> None:
    gate = node.cri.hold("stop_container")
    hook = {"preStop": {"exec": {"command": ["drain"]}}}
    sidecar = {"name": "one", "image": "shell:1", "restartPolicy": "Always", "lifecycle": hook}
    node.put_pod(initContainers=[sidecar])
    await node.until(node.is_ready)
    node.delete_pod()
    await node.until(lambda: stopped(node) == ["c"] and ("exec_sync", "drain") in node.cri.calls)
    assert "Normal Killing: Stopping container one" in node.events
    await node.settle()
    assert stopped(node) == ["c"]
    gate.set()
    await node.until(lambda: node.pod() is None)
    assert stopped(node) == ["c", "one"]


async def test_the_grace_of_a_sidecar_ends_with_that_of_the_others(node: Node) -> None:
    gate = node.cri.hold("stop_container")
    sidecars = [{"name": name, "image": "shell:1", "restartPolicy": "Always"} for name in ("one", "two")]
    node.put_pod(initContainers=sidecars)
    await node.until(node.is_ready)
    node.delete_pod(grace=30)
    await node.until(lambda: stopped(node) == ["c"])
    node.clock.advance(29.5)
    gate.set()
    await node.until(lambda: node.pod() is None)
    assert node.cri.stop_timeouts == [30, 2, 2]


async def test_a_sidecar_waits_no_longer_than_its_grace(node: Node) -> None:
    stop, hook = node.cri.hold("stop_container"), node.cri.hold("exec_sync")
    lifecycle = {"preStop": {"exec": {"command": ["drain"]}}}
    sidecar = {"name": "one", "image": "shell:1", "restartPolicy": "Always", "lifecycle": lifecycle}
    node.put_pod(initContainers=[sidecar])
    await node.until(node.is_ready)
    node.delete_pod(grace=30)
    await node.until(lambda: ("exec_sync", "drain") in node.cri.calls)
    node.clock.advance(29.99)
    hook.set()
    await node.until(lambda: stopped(node) == ["c", "one"])
    assert not stop.is_set()
    stop.set()
    await node.until(lambda: node.pod() is None)


async def test_a_hook_runs_before_the_signal(node: Node) -> None:
    hook = {"preStop": {"exec": {"command": ["drain"]}}}
    node.put_pod(container={"lifecycle": hook})
    await node.until(node.is_ready)
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    calls = [call for call in node.cri.calls if call[0] in ("exec_sync", "stop_container")]
    assert calls == [("exec_sync", "drain"), ("stop_container", "c")]


async def test_a_hook_that_fails_is_told_and_does_not_keep_the_pod(node: Node) -> None:
    node.cri.exec_exit_code = 1
    node.put_pod(container={"lifecycle": {"preStop": {"exec": {"command": ["drain"]}}}})
    await node.until(node.is_ready)
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    assert "Warning FailedPreStopHook: PreStopHook failed" in node.events


async def test_a_start_hook_that_fails_stops_the_container(node: Node) -> None:
    node.cri.exec_exit_code = 1
    node.put_pod(restartPolicy="Never", container={"lifecycle": {"postStart": {"exec": {"command": ["x"]}}}})
    await node.until(lambda: node.status().get("phase") == "Failed")
    first = node.events.index("Warning FailedPostStartHook: PostStartHook failed")
    assert node.events[first + 1 :] == ["Normal Killing: FailedPostStartHook"]


async def test_a_start_hook_that_fails_is_told_in_the_status_without_what_it_printed(node: Node) -> None:
    node.cri.exec_exit_code, node.cri.exec_output = 1, b"hunter2"
    lifecycle = {"postStart": {"exec": {"command": ["x"]}}, "preStop": {"exec": {"command": ["drain"]}}}
    node.put_pod(container={"lifecycle": lifecycle}, terminationGracePeriodSeconds=20)
    await node.until(lambda: "waiting" in node.state() and "PostStartHookError" in str(node.state()))
    text = 'Exec lifecycle hook ([x]) for Container "c" in Pod "p_ns(uid-p)" failed'
    assert node.state()["waiting"]["message"].startswith(text)
    assert "hunter2" not in str(node.events) + str(node.pod())
    assert ("exec_sync", "drain") in node.cri.calls
    assert node.cri.stop_timeouts[0] == 20


async def test_a_start_hook_that_hangs_keeps_the_pod_from_being_ready_and_not_from_ending(node: Node) -> None:
    node.cri.hold("exec_sync")
    node.put_pod(container={"lifecycle": {"postStart": {"exec": {"command": ["hang"]}}}})
    await node.until(lambda: ("exec_sync", "hang") in node.cri.calls)
    await node.pass_time(61)
    status = node.status()["containerStatuses"][0]
    assert "running" in status["state"]
    assert (status["ready"], status["started"]) == (False, False)
    assert not node.is_ready()
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    assert stopped(node) == ["c"]
    assert node.cri.calls.count(("exec_sync", "hang")) == 1


async def test_a_pod_is_ready_once_its_start_hook_is_over(node: Node) -> None:
    gate = node.cri.hold("exec_sync")
    node.put_pod(container={"lifecycle": {"postStart": {"exec": {"command": ["slow"]}}}})
    await node.until(lambda: ("exec_sync", "slow") in node.cri.calls)
    await node.pass_time(61)
    assert not node.is_ready()
    gate.set()
    await node.until(node.is_ready)


async def test_the_grace_is_whole(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    node.delete_pod(grace=7)
    node.clock.advance(0.4)
    await node.until(lambda: node.pod() is None)
    assert node.cri.stop_timeouts == [7]


async def test_a_shorter_grace_is_passed_on(node: Node) -> None:
    gate = node.cri.hold("stop_container")
    node.put_pod()
    await node.until(node.is_ready)
    node.delete_pod(grace=30)
    await node.until(lambda: stopped(node) == ["c"])
    node.delete_pod(grace=1)
    await node.until(lambda: stopped(node) == ["c", "c"])
    gate.set()
    await node.until(lambda: node.pod() is None)


async def test_a_container_that_does_not_stop_is_told_and_tried_again(node: Node) -> None:
    def fail(call: str, _: str) -> None:
        if call == "stop_container":
            raise CRIError("Unknown", "stuck")

    node.put_pod()
    await node.until(node.is_ready)
    node.cri.fail = fail
    node.delete_pod()
    text = "Warning FailedKillPod: error killing pod: rpc error: code = Unknown desc = stuck"
    await node.until(lambda: text in node.events)
    await node.settle()
    assert node.pod() is not None
    node.cri.fail = None
    await node.pass_time(11)
    await node.until(lambda: node.pod() is None)


@pytest.mark.parametrize("code", [404, 409])
async def test_an_object_that_another_has_deleted_is_left_alone(node: Node, code: int) -> None:
    def fail(call: Call) -> None:
        raise StatusError(code, "NotFound", "gone")

    api = FakeAPI([resources.PODS])
    api.fail = fail
    await pod_termination.delete_object(Client(api, "test"), pod(), lambda: False)
    assert [call.method for call in api.calls] == ["DELETE"]


async def test_the_object_of_a_pod_that_is_gone_is_not_deleted(node: Node) -> None:
    api = FakeAPI([resources.PODS])
    await pod_termination.delete_object(Client(api, "test"), pod(), lambda: True)
    assert api.calls == []
