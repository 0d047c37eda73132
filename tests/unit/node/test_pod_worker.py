"""A pod from its first sight to its last trace."""

import asyncio
import copy
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.api import resources
from strongroom.machinery.gvk import Object
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.volumes import atomic_writer, subpath
from strongroom.testing import node as nodes
from strongroom.testing.fake_cri import FakeCRI
from strongroom.testing.node import Node

SECRET_VOLUME: Object = {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}
USER: Object = {"env": [{"name": "USER", "valueFrom": {"secretKeyRef": {"name": "s", "key": "user"}}}]}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with nodes.running(tmp_path) as running:
        yield running


async def test_a_pod_with_a_secret_becomes_ready(node: Node) -> None:
    node.put_secret("s", user="admin", password="hunter2")
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/s"}]}
    node.put_pod(container={**USER, **mounts}, **SECRET_VOLUME)
    await node.until(node.is_ready)
    config = node.cri.config("c")
    assert [(item.key, item.value) for item in config.envs] == [("USER", b"admin")]
    (mount, hosts, message) = config.mounts
    assert (mount.container_path, mount.host_path, mount.readonly) == ("/s", str(node.volume()), True)
    assert Path(hosts.host_path).read_text().endswith("10.0.0.1\tp\n")
    assert message.container_path == "/dev/termination-log"
    assert (node.volume() / "password").read_bytes() == b"hunter2"
    assert node.mounts.mounted == [node.volume()]
    assert node.status()["podIP"] == "10.0.0.1"
    assert node.events == [
        'Normal Pulled: Container image "shell:1" already present on machine and can be accessed by the pod',
        "Normal Created: Container created",
        "Normal Started: Container started",
    ]


async def test_a_missing_secret_of_a_volume_is_waited_for(node: Node) -> None:
    node.put_pod(**SECRET_VOLUME)
    text = 'Warning FailedMount: MountVolume.SetUp failed for volume "v" : secret "s" not found'
    await node.until(lambda: text in node.events)
    await node.settle()
    assert node.state() == {"waiting": {"reason": "ContainerCreating"}}
    assert node.cri.sandbox_count == 0
    assert node.mounts.mounted == []
    node.put_secret("s", user="admin")
    await node.until(node.is_ready)
    assert node.events.count(text) == 1


async def test_a_missing_secret_is_told_again_but_ever_less_often(node: Node) -> None:
    node.put_pod(**SECRET_VOLUME)
    await node.until(lambda: len(node.events) == 1)
    for seconds, count in ((0.5, 2), (0.5, 2), (0.5, 3), (2.0, 4), (2.0, 4), (2.0, 5)):
        await node.pass_time(seconds)
        assert len(node.events) == count, seconds


async def test_a_missing_secret_of_a_variable_is_waited_for(node: Node) -> None:
    node.put_pod(container=USER)
    await node.until(lambda: "waiting" in node.state() and len(node.state()["waiting"]) == 2)
    assert node.state()["waiting"] == {
        "reason": "CreateContainerConfigError",
        "message": 'secret "s" not found',
    }
    assert node.events[-1] == 'Warning Failed: Error: secret "s" not found'
    node.put_secret("s", other="x")
    await node.until(lambda: "key user" in str(node.state()))
    assert node.events[-1] == "Warning Failed: Error: couldn't find key user in Secret ns/s"
    node.put_secret("s", user="admin")
    await node.until(node.is_ready)


async def test_a_changed_secret_reaches_its_file_at_once(node: Node) -> None:
    node.put_secret("s", user="old")
    node.put_pod(**SECRET_VOLUME)
    await node.until(node.is_ready)
    calls = len(node.cri.calls)
    node.put_secret("s", user="new", more="x")
    await node.until(lambda: (node.volume() / "user").read_bytes() == b"new")
    assert (node.volume() / "more").read_bytes() == b"x"
    await node.settle()
    assert node.cri.container_names == ["c/0 running"]
    assert len(node.cri.calls) == calls


async def test_files_stay_when_their_secret_goes(node: Node) -> None:
    node.put_secret("s", user="kept")
    node.put_pod(**SECRET_VOLUME)
    await node.until(node.is_ready)
    node.api.remove(resources.SECRETS, "s", "ns")
    await node.until(lambda: any("FailedMount" in event for event in node.events))
    assert (node.volume() / "user").read_bytes() == b"kept"
    node.cri.end("c", 1)
    await node.until(lambda: node.cri.running("c") is not None)


async def test_deletion_leaves_nothing(node: Node) -> None:
    node.put_secret("s", user="admin")
    node.put_pod(**SECRET_VOLUME)
    await node.until(node.is_ready)
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    await node.until(lambda: node.workers.known() == set())
    assert node.cri.sandbox_count == 0
    assert node.cri.container_names == []
    assert node.mounts.mounted == []
    assert list((node.directory / "pods").iterdir()) == []
    assert list((node.directory / "logs").iterdir()) == []
    assert node.api.watchers == 1
    assert "Normal Killing: Stopping container c" in node.events
    delete = node.api.writes[-1]
    assert delete.method == "DELETE"
    assert delete.body["gracePeriodSeconds"] == 0
    assert delete.body["preconditions"]["uid"] == "uid-p"


async def test_deletion_of_a_pod_that_still_waits(node: Node) -> None:
    node.put_pod(**SECRET_VOLUME)
    await node.until(lambda: len(node.events) == 1)
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    await node.until(lambda: node.workers.known() == set())


async def test_deletion_during_a_pull_does_not_wait_for_it(node: Node) -> None:
    node.cri.hold("pull_image")
    node.cri.publish("remote:1")
    node.put_pod(container={"image": "remote:1"})
    await node.until(lambda: any("Pulling" in event for event in node.events))
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    assert node.cri.sandbox_count == 0


async def test_deletion_while_a_container_is_being_made_waits_for_that(node: Node) -> None:
    gate = node.cri.hold("create_container")
    node.put_pod()
    await node.until(lambda: ("create_container", "c") in node.cri.calls)
    node.delete_pod()
    await node.settle()
    assert node.pod() is not None
    gate.set()
    await node.until(lambda: node.pod() is None)
    assert ("start_container", "c") not in node.cri.calls
    assert node.cri.container_names == []


async def test_a_pod_removed_by_force_is_killed_all_the_same(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    node.api.remove(resources.PODS, "p", "ns")
    await node.until(lambda: node.workers.known() == set())
    assert node.cri.sandbox_count == 0
    assert [call for call in node.api.writes if call.method == "DELETE"] == []


async def test_a_pod_that_ends_by_itself(node: Node) -> None:
    node.put_secret("s", user="admin")
    node.put_pod(restartPolicy="Never", **SECRET_VOLUME)
    await node.until(node.is_ready)
    node.cri.end("c", 0)
    await node.until(lambda: node.status()["phase"] == "Succeeded")
    await node.until(lambda: node.mounts.mounted == [])
    assert node.cri.container_names == ["c/0 exited"]
    assert node.pod() is not None
    await node.restart()
    await node.settle()
    assert node.status()["phase"] == "Succeeded"
    node.delete_pod()
    await node.until(lambda: node.pod() is None)
    assert node.cri.container_names == []


async def test_a_container_that_ends_before_it_is_seen(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is reported before the worker knows it, and the runtime's list still says that it runs."""
    runtime = type(node.cri)
    start = runtime.start_container

    async def start_and_tell(cri: FakeCRI, container_id: str) -> None:
        await start(cri, container_id)
        node.workers.container_ended(container_id)

    monkeypatch.setattr(runtime, "start_container", start_and_tell)
    node.put_pod(restartPolicy="Never")
    await node.until(node.is_ready)
    monkeypatch.setattr(runtime, "_emit", lambda *_: None)
    node.cri.end("c", 0)
    await node.until(lambda: node.status()["phase"] == "Succeeded")


async def test_a_new_agent_adopts_what_runs(node: Node) -> None:
    node.put_secret("s", user="admin")
    node.put_pod(**SECRET_VOLUME)
    await node.until(node.is_ready)
    before = node.cri.running("c")
    node.events.clear()
    await node.restart()
    node.put_secret("s", user="changed")
    await node.until(lambda: (node.volume() / "user").read_bytes() == b"changed")
    assert node.cri.running("c") == before
    assert node.mounts.mounted == [node.volume()]
    assert node.events == []
    assert node.status()["containerStatuses"][0]["restartCount"] == 0


async def test_a_new_agent_adopts_even_when_the_secret_is_gone(node: Node) -> None:
    node.put_secret("s", user="kept")
    node.put_pod(**SECRET_VOLUME)
    await node.until(node.is_ready)
    await node.stop()
    node.api.remove(resources.SECRETS, "s", "ns")
    node.cri.end("c", 1)
    await node.restart()
    await node.until(lambda: node.cri.running("c") is not None)
    assert (node.volume() / "user").read_bytes() == b"kept"


async def test_traces_of_a_pod_that_is_gone_are_removed(node: Node) -> None:
    node.put_secret("s", user="admin")
    node.put_pod(**SECRET_VOLUME)
    await node.until(node.is_ready)
    await node.stop()
    node.api.remove(resources.PODS, "p", "ns")
    await node.restart()
    node.workers.clean_up(["uid-p"])
    await node.until(lambda: node.workers.known() == set())
    assert node.cri.sandbox_count == 0
    assert node.mounts.mounted == []
    assert list((node.directory / "pods").iterdir()) == []
    assert list((node.directory / "logs").iterdir()) == []


async def test_a_lost_sandbox_is_made_again(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    node.cri.lose_sandbox()
    await node.until(lambda: "c/1 running" in node.cri.container_names)
    assert "Normal SandboxChanged: Pod sandbox changed, it will be killed and re-created." in node.events
    await node.until(lambda: node.status().get("podIP") not in (None, "10.0.0.1"))


async def test_init_containers_then_the_others(node: Node) -> None:
    node.put_pod(initContainers=[{"name": "i", "image": "shell:1"}])
    await node.until(lambda: node.cri.running("i") is not None)
    await node.settle()
    assert node.cri.running("c") is None
    assert node.state()["waiting"]["reason"] == "PodInitializing"
    node.cri.end("i", 0)
    await node.until(node.is_ready)


async def test_a_changed_image_replaces_the_container(node: Node) -> None:
    pod = node.put_pod()
    await node.until(node.is_ready)
    node.cri.add_image("shell:2")
    pod = node.pod() or {}
    pod["spec"]["containers"][0]["image"] = "shell:2"
    node.api.put(resources.PODS, pod)
    await node.until(lambda: "c/1 running" in node.cri.container_names)
    assert "Normal Killing: Container c definition changed, will be restarted" in node.events
    assert node.cri.config("c").image.image == "id:shell:2"


async def test_labels_reach_the_files_that_show_them(node: Node) -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    volumes = [{"name": "v", "downwardAPI": {"items": items}}]
    node.put_pod(metadata={"labels": {"a": "1"}}, volumes=volumes)
    await node.until(node.is_ready)
    path = node.volume(kind="downward-api") / "labels"
    assert path.read_text() == 'a="1"'
    pod = node.pod() or {}
    pod["metadata"]["labels"] = {"a": "2"}
    node.api.put(resources.PODS, pod)
    await node.until(lambda: path.read_text() == 'a="2"')


async def test_cancelled_twice_it_ends_and_leaves_containers_alone(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    await asyncio.gather(node.workers.aclose(), node.workers.aclose())
    assert node.cri.running("c") is not None


async def test_a_seccomp_profile_is_looked_for_in_the_nodes_directory(node: Node) -> None:
    profile = {"type": "Localhost", "localhostProfile": "profiles/tight.json"}
    node.put_pod(container={"securityContext": {"seccompProfile": profile}})
    await node.until(node.is_ready)
    found = node.cri.config("c").linux.security_context.seccomp.localhost_ref
    assert found == str(node.directory / "seccomp" / "profiles" / "tight.json")


async def test_sandboxes_that_died_are_not_gathered(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    for attempt in range(1, 5):
        node.cri.lose_sandbox()
        node.workers.runtime_changed()
        name = f"c/{attempt} running"
        for _ in range(40):
            await node.pass_time(30)
            if name in node.cri.container_names:
                break
        assert name in node.cri.container_names
        await node.settle()
    assert node.cri.container_names == ["c/3 exited", "c/4 running"]
    assert node.cri.sandbox_count == 2, "the one in use, and that of the container before"


# Delivery receipts

HOLDER: Object = {
    "volumeMounts": [
        {"name": "v", "mountPath": "/s"},
        {"name": "v", "mountPath": "/one", "subPath": "user"},
    ],
    **USER,
}


def _version(node: Node, name: str = "s") -> str:
    secret = node.api.get(resources.SECRETS, name, "ns")
    assert secret is not None
    return str(secret["metadata"]["resourceVersion"])


async def test_a_receipt_tells_what_each_container_holds(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subpath, "prepare", lambda *_, **__: Path("/part"))
    node.put_secret("s", user="old")
    before = _version(node)
    node.put_pod(container=HOLDER, **SECRET_VOLUME)
    await node.until(node.is_ready)
    held = {"c Volume:v s": before, "c SubPath:v s": before, "c Env s": before}
    await node.until(lambda: node.delivered() == held)
    node.put_secret("s", user="new")
    after = _version(node)
    held["c Volume:v s"] = after
    await node.until(lambda: node.delivered() == held)
    # Another agent finds the same, and has nothing to tell.
    writes = len(node.api.writes)
    await node.restart()
    await node.settle()
    assert node.delivered() == held
    assert [call.path for call in node.api.writes[writes:] if "secretdeliveries" in call.path] == []
    # What is fixed when a container starts is new with the next start.
    node.cri.end("c", 1)
    held |= {"c SubPath:v s": after, "c Env s": after}
    await node.until(lambda: node.delivered() == held)


async def test_files_that_cannot_be_written_are_an_event_and_stale(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.put_secret("s", user="old")
    before = _version(node)
    node.put_pod(container=HOLDER | {"volumeMounts": HOLDER["volumeMounts"][:1], "env": []}, **SECRET_VOLUME)
    await node.until(lambda: node.delivered() == {"c Volume:v s": before})
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/volumes/v/..data")

    def refuse(*_: object, **__: object) -> bool:
        raise full

    with monkeypatch.context() as broken:
        broken.setattr(atomic_writer, "write", refuse)
        node.put_secret("s", user="new")
        await node.until(lambda: node.delivered() == {"c Volume:v s": f"{before}!"})
        text = "No space left on device: /volumes/v/..data"
        message = f'Warning FailedMount: MountVolume.SetUp failed for volume "v" : {text}'
        assert message in node.events
        assert (node.volume() / "user").read_bytes() == b"old"
    await node.pass_time(1.0)
    await node.until(lambda: node.delivered() == {"c Volume:v s": _version(node)})


async def test_a_receipt_holds_no_value(node: Node) -> None:
    node.put_secret("s", user="hunter2")
    node.put_pod(container=HOLDER | {"volumeMounts": HOLDER["volumeMounts"][:1]}, **SECRET_VOLUME)
    await node.until(lambda: len(node.delivered()) == 2)
    noted = node.cri.config("c").annotations["delivery.strongroom.dev/started-with"]
    told = [str(call.body) for call in node.api.writes if "secretdeliveries" in call.path]
    assert told
    for text in (noted, *told):
        assert "hunter2" not in text
        assert "aHVudGVyMg" not in text


# Ephemeral containers


def _debug(node: Node, target: str) -> None:
    pod = node.pod()
    assert pod is not None
    debugger = {"name": "d", "image": "shell:1", "stdin": True, "tty": True, "targetContainerName": target}
    node.api.put(resources.PODS, {**pod, "spec": {**pod["spec"], "ephemeralContainers": [debugger]}})


async def test_an_ephemeral_container_shares_the_processes_of_its_target(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    _debug(node, "c")
    await node.until(lambda: node.cri.running("d") is not None)
    config = node.cri.config("d")
    assert (config.stdin, config.tty) == (True, True)
    target = node.cri.running("c")
    assert target is not None
    namespaces = config.linux.security_context.namespace_options
    assert (namespaces.pid, namespaces.target_id) == (pb.TARGET, target.id)
    await node.until(lambda: "running" in str(node.status().get("ephemeralContainerStatuses")))
    assert node.is_ready()
    # Once, whatever becomes of it.
    node.cri.end("d", 1)
    await node.until(lambda: "terminated" in str(node.status().get("ephemeralContainerStatuses")))
    await node.pass_time(600)
    assert [name for name in node.cri.container_names if name.startswith("d/")] == ["d/0 exited"]
    assert node.is_ready()


async def test_an_ephemeral_container_whose_target_is_not_there(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    _debug(node, "nobody")
    text = "unable to find target container nobody"
    await node.until(lambda: text in str(node.status().get("ephemeralContainerStatuses")))
    (status,) = node.status()["ephemeralContainerStatuses"]
    assert status["state"]["waiting"] == {"reason": "CreateContainerConfigError", "message": text}
    assert f"Warning Failed: Error: {text}" in node.events


SMALL = {"requests": {"cpu": "100m"}, "limits": {"memory": "10Mi"}}
LARGE = {"requests": {"cpu": "200m"}, "limits": {"memory": "20Mi"}}


async def test_a_container_that_runs_is_resized(node: Node) -> None:
    node.put_pod(container={"resources": SMALL})
    await node.until(node.is_ready)
    running = node.cri.running("c")
    assert running is not None
    resize(node, LARGE)
    await node.until(lambda: running.id in node.cri.resized)
    given = node.cri.resized[running.id]
    assert (given.cpu_shares, given.memory_limit_in_bytes) == (204, 20 * 1024 * 1024)
    await node.until(lambda: held(node) == LARGE)
    assert node.cri.container_names == ["c/0 running"]
    calls = len(node.cri.calls)
    await node.settle()
    assert len(node.cri.calls) == calls


async def test_until_it_has_been_resized_the_status_tells_what_it_has(node: Node) -> None:
    node.put_pod(container={"resources": SMALL})
    await node.until(node.is_ready)
    gate = node.cri.hold("update_container_resources")
    resize(node, LARGE)
    await node.settle()
    assert held(node) == SMALL
    gate.set()
    await node.until(lambda: held(node) == LARGE)


async def test_a_container_whose_policy_wants_it_starts_anew(node: Node) -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    node.put_pod(container={"resources": SMALL, "resizePolicy": policy})
    await node.until(node.is_ready)
    resize(node, LARGE)
    await node.until(lambda: "c/1 running" in node.cri.container_names)
    assert "Normal Killing: Container c resize requires restart" in node.events
    await node.until(lambda: held(node) == LARGE)
    assert node.cri.resized == {}


def resize(node: Node, amounts: object) -> None:
    pod = copy.deepcopy(node.pod())
    assert pod is not None
    pod["spec"]["containers"][0]["resources"] = amounts
    node.api.put(resources.PODS, pod)


def held(node: Node) -> object:
    status = node.status()["containerStatuses"][0]
    return status["resources"]


async def test_ends_of_other_pods_containers_are_not_kept_for_ever(node: Node) -> None:
    node.put_pod()
    await node.until(node.is_ready)
    (worker,) = node.workers._workers.values()
    for number in range(300):
        node.workers.container_ended(f"another-{number}")
    await node.settle()
    assert len(worker._exited) <= 64
