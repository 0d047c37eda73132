"""Facts of a pod, read from the runtime."""

from pathlib import Path

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import env
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.runtime import container as containers
from strongroom.node.runtime import observed, sandbox
from strongroom.node.runtime.observed import State
from strongroom.testing.fake_cri import FakeCRI


def pod(uid: str) -> Object:
    metadata = {"name": f"p-{uid}", "namespace": "ns", "uid": uid}
    return {"metadata": metadata, "spec": {"terminationGracePeriodSeconds": 9}}


async def run(cri: FakeCRI, uid: str, attempt: int = 0, *, start: bool = True) -> str:
    config = sandbox.config(pod(uid), attempt, logs_dir=Path("/l"), host_resolver="", seen="")
    home = await cri.run_pod_sandbox(config)
    container = containers.config(
        pod(uid),
        {"name": "c", "image": "i:1"},
        attempt,
        image=pb.Image(id="id:i:1"),
        environment=env.Environment({}),
        mounts=[pb.Mount(container_path="/dev/termination-log", host_path="/h/m")],
        memory=1,
    )
    created = await cri.create_container(home, container, config)
    if start:
        await cri.start_container(created)
    return created


async def test_one_pod_among_others() -> None:
    cri = FakeCRI()
    await run(cri, "u1")
    await run(cri, "u2")
    found = await observed.observe(cri, "u1")
    assert (found.name, found.namespace, found.grace_period) == ("p-u1", "ns", 9)
    assert found.sandbox is not None and found.sandbox.ready
    assert found.sandbox.ips == ("10.0.0.1",)
    (container,) = found.all_containers()
    assert container.state is State.RUNNING
    assert container.termination_message == "/h/m"
    assert container.image == "i:1"
    assert container.log_path == "/l/ns_p-u1_u1/c/0.log"
    assert (await observed.observe(cri, "u3")).empty


async def test_all_that_are_there_in_two_calls() -> None:
    cri = FakeCRI()
    first = await run(cri, "u1")
    second = await run(cri, "u2", start=False)
    await cri.stop_container(first, 1)
    cri.calls.clear()
    found = await observed.survey(cri)
    assert found.pods == {"u1", "u2"}
    assert set(found.containers) == {first, second}
    assert found.alive == [second]
    assert len(cri.calls) <= 2


async def test_newest_first() -> None:
    cri = FakeCRI()
    await run(cri, "u1")
    cri.lose_sandbox()
    await run(cri, "u1", 1, start=False)
    found = await observed.observe(cri, "u1")
    assert found.sandbox is not None and found.sandbox.attempt == 1
    assert [(old.attempt, old.ready) for old in found.old_sandboxes] == [(0, False)]
    states = [(item.attempt, item.state) for item in found.containers["c"]]
    assert states == [(1, State.CREATED), (0, State.EXITED)]
    latest = found.latest("c")
    assert latest is not None and latest.attempt == 1
    assert found.running == []


async def test_a_container_that_goes_meanwhile_is_left_out() -> None:
    cri = FakeCRI()
    created = await run(cri, "u1")

    def vanish(call: str, _: str) -> None:
        if call == "container_status":
            cri._containers.pop(created, None)

    cri.fail = vanish
    found = await observed.observe(cri, "u1")
    assert found.containers == {}


@pytest.mark.parametrize(
    ("message", "started_at", "state"),
    [
        (
            "failed to create containerd task: failed to create shim task: context canceled: unknown",
            0,
            "CREATED",
        ),
        ('exec: "nothing": executable file not found in $PATH: unknown', 0, "EXITED"),
        ("context canceled", 1, "EXITED"),
    ],
)
def test_a_start_that_was_cut_short_is_no_run(message: str, started_at: int, state: str) -> None:
    status = pb.ContainerStatus(
        id="c", state=pb.CONTAINER_EXITED, reason="StartError", exit_code=128, message=message
    )
    status.started_at = started_at
    assert observed.container_of(status, "").state is State[state]


async def test_a_container_without_memory_left_is_told_so_even_if_the_runtime_missed_it() -> None:
    cri = FakeCRI()
    killed = await run(cri, "u1")
    cri.end("c", 137)
    again = await run(cri, "u1", 1)
    found = observed.with_oom_kills(await observed.observe(cri, "u1"), lambda name: name in (killed, again))
    reasons = {item.id: item.reason for item in found.all_containers()}
    assert reasons == {killed: "OOMKilled", again: ""}, "one that runs has no reason"
    found = observed.with_oom_kills(await observed.observe(cri, "u1"), lambda _: False)
    assert {item.id: item.reason for item in found.all_containers()} == {killed: "Error", again: ""}
