"""A real containerd of our own: started, adopted, brought back, and gone without a trace."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from strongroom.aio.clock import SystemClock
from strongroom.node.containerd import config, daemon, events, leftovers, mounts, orphans, process, tools
from strongroom.node.settings import NodeSettings
from strongroom.testing.own_containerd import OwnContainerd

pytestmark = [
    pytest.mark.containerd,
    pytest.mark.slow,
    pytest.mark.skipif(bool(tools.requirements()), reason=tools.requirements()),
]


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[OwnContainerd]:
    async with OwnContainerd(tmp_path / "node") as running:
        yield running


async def until(happened: "asyncio.Event") -> None:
    async with asyncio.timeout(20):
        await happened.wait()


def pids(container_id: str) -> list[str]:
    """Processes of a container, by its cgroup."""
    found = []
    for cgroup in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if container_id in cgroup.read_text():
                found.append(cgroup.parent.name)
        except OSError:
            continue
    return found


async def test_the_next_start_adopts_the_running_containerd_and_its_containers(own: OwnContainerd) -> None:
    ids = await own.pod("p", {"c": {"command": ["sleep", "100"]}})
    pid, processes = own.daemon.pid, pids(ids["c"])
    own.daemon.detach()
    again = own.daemon = own.make_daemon()
    await again.start()
    assert (again.pid, again.adopted) == (pid, True)
    assert pids(ids["c"]) == processes != []
    assert (await own.cri.exec_sync(ids["c"], ["echo", "here"], 5)).stdout == b"here\n"


async def test_it_is_found_by_its_socket_when_the_pid_file_is_lost(own: OwnContainerd) -> None:
    pid = own.daemon.pid
    own.daemon.detach()
    (own.settings.containerd_run_dir / "containerd.pid").unlink()
    again = own.daemon = own.make_daemon()
    await again.start()
    assert (again.pid, again.adopted) == (pid, True)


async def test_a_pid_file_that_names_a_stranger_harms_nobody(own: OwnContainerd, tmp_path: Path) -> None:
    await own.daemon.stop()
    stranger = process.Process.launch(["sleep", "60"], {"PATH": tools.search_path()}, tmp_path / "log")
    started = process.start_time(stranger.pid)
    (own.settings.containerd_run_dir / "containerd.pid").write_text(f"{stranger.pid} {started}\n")
    own.daemon = own.make_daemon()
    await own.daemon.start()
    assert not own.daemon.adopted
    assert stranger.alive
    await stranger.terminate()
    stranger.close()


async def test_it_is_brought_back_when_it_dies_and_containers_do_not_notice(own: OwnContainerd) -> None:
    ids = await own.pod("p", {"c": {"command": ["sleep", "100"]}})
    processes, resynced = pids(ids["c"]), asyncio.Event()
    told: list[Collection[orphans.Shim]] = []
    answers = asyncio.Event()
    shims = set(orphans.shims(own.settings))

    async def watch() -> None:
        seen = 0
        async for event in events.ContainerEvents(own.settings.endpoint):
            seen += event.kind == "resync"
            if seen == 1:
                assert own.daemon.pid is not None
                os.kill(own.daemon.pid, signal.SIGKILL)
            elif seen == 2:
                resynced.set()

    def restarted(left: Collection[orphans.Shim]) -> None:
        told.append(left)
        answers.set()

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(own.daemon.supervise(restarted)), group.create_task(watch())]
        await until(resynced)
        await until(answers)
        for task in running:
            task.cancel()
    assert pids(ids["c"]) == processes
    assert told == [shims] and len(shims) == 1
    assert (await own.cri.exec_sync(ids["c"], ["echo", "here"], 5)).stdout == b"here\n"


async def test_a_changed_configuration_restarts_containerd_but_no_container(own: OwnContainerd) -> None:
    ids = await own.pod("p", {"c": {"command": ["sleep", "100"]}})
    pid, processes = own.daemon.pid, pids(ids["c"])
    own.daemon.detach()
    written = own.settings.data_dir / "containerd.toml"
    written.write_text(written.read_text() + "# older\n")
    again = own.daemon = own.make_daemon()
    await again.start()
    assert again.pid != pid and not again.adopted
    assert pids(ids["c"]) == processes


async def test_the_run_directory_of_another_node_is_left_alone(own: OwnContainerd, tmp_path: Path) -> None:
    found = tools.look()
    assert isinstance(found, tools.Tools)
    other = NodeSettings(node_name="n2", data_dir=tmp_path / "other", run_dir=own.settings.run_dir)
    with pytest.raises(daemon.StartError, match=f"in use by another containerd .pid {own.daemon.pid}"):
        await daemon.Daemon(other, found, own.clock).start()


async def test_a_wiped_data_directory_leaves_nothing_of_the_old_node(own: OwnContainerd) -> None:
    ids = await own.pod("p", {"c": {"command": ["sleep", "100"]}})
    own.daemon.detach()
    await asyncio.to_thread(shutil.rmtree, own.settings.data_dir, ignore_errors=True)
    own.daemon = own.make_daemon()
    await own.daemon.start()
    assert pids(ids["c"]) == []
    assert list(await own.cri.list_containers({})) == []


async def test_removal_leaves_no_process_mount_or_interface(own: OwnContainerd) -> None:
    ids = await own.pod("p", {"c": {"command": ["sleep", "100"]}})
    bridge = Path("/sys/class/net", own.daemon.network.bridge)
    assert bridge.exists() and mounts.below(own.settings.run_dir)
    own.daemon.detach()
    await asyncio.to_thread(leftovers.remove, own.settings)
    assert pids(ids["c"]) == []
    assert mounts.below(own.settings.run_dir) == []
    assert not bridge.exists()
    own.daemon = own.make_daemon()
    await own.daemon.start()


async def test_bundles_with_their_environment_are_in_memory_only(own: OwnContainerd) -> None:
    assert mounts.kind_of(own.settings.containerd_run_dir) in ("tmpfs", "ramfs")


async def test_events_tell_of_start_and_end(own: OwnContainerd) -> None:
    seen: list[tuple[str, str]] = []
    began, ended = asyncio.Event(), asyncio.Event()

    async def watch() -> None:
        async for event in events.ContainerEvents(own.settings.endpoint):
            seen.append((event.kind, event.container_id))
            began.set()
            if event.kind == "exit" and event.exit_status == 3:
                ended.set()

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        await until(began)
        ids = await own.pod("p", {"c": {"command": ["sh", "-c", "exit 3"]}})
        await until(ended)
        watching.cancel()
    assert ("start", ids["c"]) in seen
    assert ("exit", ids["c"]) in seen


async def test_a_configuration_that_containerd_refuses_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tools.look()
    assert isinstance(found, tools.Tools)
    settings = NodeSettings(node_name="n1", data_dir=tmp_path / "data", run_dir=tmp_path / "run")
    monkeypatch.setattr(config, "render", lambda values: "version = [\n")
    refused = daemon.Daemon(settings, found, SystemClock())
    with pytest.raises(daemon.StartError, match=r"^containerd ended at once: .*toml") as caught:
        await refused.start()
    assert "\n" not in str(caught.value)
    await refused.stop()
    leftovers.remove(settings)
