"""What the node agent relies on in a container runtime: the fake keeps it as containerd does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from strongroom.machinery.gvk import Object
from strongroom.node import env
from strongroom.node.containerd import tools
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri import errors
from strongroom.node.cri.protocol import CRI
from strongroom.node.runtime import container as containers
from strongroom.node.runtime import observed, sandbox
from strongroom.node.runtime.observed import State
from strongroom.testing.fake_cri import FakeCRI
from strongroom.testing.own_containerd import SHELL, OwnContainerd

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


class Runtime:
    """One implementation, with short ways to its calls."""

    def __init__(self, cri: CRI, logs: Path) -> None:
        self.cri = cri
        self._logs = logs

    def pod(self, uid: str) -> Object:
        metadata = {"name": f"pod-{uid}", "namespace": "ns", "uid": uid}
        return {"metadata": metadata, "spec": {"terminationGracePeriodSeconds": 3}}

    def sandbox(self, uid: str, attempt: int = 0) -> pb.PodSandboxConfig:
        config = sandbox.config(self.pod(uid), attempt, logs_dir=self._logs, host_resolver="", seen="")
        (Path(config.log_directory) / "c").mkdir(parents=True, exist_ok=True)
        return config

    async def container(self, uid: str, *command: str, attempt: int = 0) -> pb.ContainerConfig:
        image = await self.cri.image_status(SHELL)
        assert image is not None
        spec = {"name": "c", "image": SHELL, "command": list(command)}
        return containers.config(
            self.pod(uid),
            spec,
            attempt,
            image=image,
            environment=env.Environment({"A": b"\xff"}),
            mounts=[],
            memory=1024**3,
        )

    async def run(self, uid: str, *command: str) -> tuple[str, str]:
        home = await self.cri.run_pod_sandbox(self.sandbox(uid))
        made = await self.cri.create_container(home, await self.container(uid, *command), self.sandbox(uid))
        await self.cri.start_container(made)
        return home, made

    async def state(self, container_id: str) -> State:
        return (await observed.observe_container(self.cri, container_id)).state


@pytest_asyncio.fixture(
    loop_scope="module",
    scope="module",
    params=["fake", pytest.param("containerd", marks=pytest.mark.containerd)],
)
async def runtime(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Runtime]:
    logs = tmp_path_factory.mktemp("logs")
    if request.param == "fake":
        fake = FakeCRI()
        fake.add_image(SHELL)
        yield Runtime(fake, logs)
        return
    if missing := tools.requirements():
        pytest.skip(missing)
    async with OwnContainerd(tmp_path_factory.mktemp("containerd")) as own:
        yield Runtime(own.cri, logs)


async def test_it_says_what_it_is_and_that_it_is_ready(runtime: Runtime) -> None:
    assert (await runtime.cri.version()).runtime_name
    async with asyncio.timeout(10):
        while not all(condition.status for condition in await runtime.cri.status()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert {item.type for item in await runtime.cri.status()} >= {"RuntimeReady", "NetworkReady"}


async def test_a_sandbox_has_an_address_and_its_labels(runtime: Runtime) -> None:
    home = await runtime.cri.run_pod_sandbox(runtime.sandbox("address"))
    found = await observed.observe(runtime.cri, "address")
    assert found.sandbox is not None
    assert (found.sandbox.id, found.sandbox.ready, found.sandbox.attempt) == (home, True, 0)
    assert found.sandbox.ips[0]
    assert (found.name, found.namespace, found.grace_period) == ("pod-address", "ns", 3)
    assert (await observed.observe(runtime.cri, "nobody")).empty


async def test_a_name_is_taken_once(runtime: Runtime) -> None:
    home, _ = await runtime.run("taken", "sleep", "100")
    with pytest.raises(errors.CRIError, match="reserve"):
        await runtime.cri.run_pod_sandbox(runtime.sandbox("taken"))
    with pytest.raises(errors.CRIError, match="reserve"):
        await runtime.cri.create_container(
            home, await runtime.container("taken", "sleep", "100"), runtime.sandbox("taken")
        )
    again = await runtime.container("taken", "sleep", "100", attempt=1)
    await runtime.cri.create_container(home, again, runtime.sandbox("taken"))
    found = await observed.observe(runtime.cri, "taken")
    assert [item.attempt for item in found.containers["c"]] == [1, 0]


async def test_created_running_exited(runtime: Runtime) -> None:
    home = await runtime.cri.run_pod_sandbox(runtime.sandbox("life"))
    config = await runtime.container("life", "sleep", "100")
    made = await runtime.cri.create_container(home, config, runtime.sandbox("life"))
    assert await runtime.state(made) is State.CREATED
    await runtime.cri.start_container(made)
    assert await runtime.state(made) is State.RUNNING
    with pytest.raises(errors.CRIError):
        await runtime.cri.start_container(made)
    await runtime.cri.stop_container(made, 0)
    await runtime.cri.stop_container(made, 0)
    ended = await observed.observe_container(runtime.cri, made)
    assert ended.state is State.EXITED
    assert ended.exit_code in (137, 143)
    assert ended.finished_at >= ended.started_at > 0
    assert ended.hash == config.annotations["io.kubernetes.container.hash"]
    assert ended.log_path.endswith("/c/0.log")


async def test_a_stopped_sandbox_ends_its_containers(runtime: Runtime) -> None:
    home, made = await runtime.run("stop", "sleep", "100")
    await runtime.cri.stop_pod_sandbox(home)
    await runtime.cri.stop_pod_sandbox(home)
    assert await runtime.state(made) is State.EXITED
    found = await observed.observe(runtime.cri, "stop")
    assert found.sandbox is not None and not found.sandbox.ready


async def test_a_removed_sandbox_takes_its_containers_along(runtime: Runtime) -> None:
    home, made = await runtime.run("remove", "sleep", "100")
    await runtime.cri.stop_pod_sandbox(home)
    await runtime.cri.remove_pod_sandbox(home)
    assert (await observed.observe(runtime.cri, "remove")).empty
    with pytest.raises(errors.NotFoundError):
        await runtime.cri.container_status(made)


async def test_what_is_not_there(runtime: Runtime) -> None:
    for call in (runtime.cri.container_status, runtime.cri.pod_sandbox_status):
        with pytest.raises(errors.NotFoundError):
            await call("0123456789abcdef")
    await runtime.cri.remove_container("0123456789abcdef")
    await runtime.cri.remove_pod_sandbox("0123456789abcdef")
    await runtime.cri.stop_pod_sandbox("0123456789abcdef")
    assert await runtime.cri.image_status("test.local/none:1") is None


async def test_images(runtime: Runtime) -> None:
    image = await runtime.cri.image_status(SHELL)
    assert image is not None
    assert image.size > 0
    assert SHELL in image.repo_tags
    by_id = await runtime.cri.image_status(image.id)
    assert by_id is not None and by_id.id == image.id
    assert image.id in {item.id for item in await runtime.cri.list_images()}
    with pytest.raises(errors.CRIError):
        await runtime.cri.pull_image("127.0.0.1:1/none:1", None, None)
