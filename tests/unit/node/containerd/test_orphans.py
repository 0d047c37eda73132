"""Shims that no pod has."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from strongroom.node.containerd import leftovers, mounts, orphans, process
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.settings import NodeSettings
from strongroom.testing.fake_cri import FakeCRI
from strongroom.testing.own_containerd import OwnContainerd

pytestmark = [pytest.mark.containerd, pytest.mark.slow]


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[OwnContainerd]:
    async with OwnContainerd(tmp_path / "node") as running:
        yield running


class Forgetful(FakeCRI):
    """A containerd that has forgotten one of its sandboxes."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__()
        self._known = known

    async def list_pod_sandboxes(self, labels: Mapping[str, str]) -> Sequence[pb.PodSandbox]:
        return [pb.PodSandbox(id=name) for name in self._known]


def everything(own: OwnContainerd) -> set[orphans.Shim]:
    return set(orphans.shims(own.settings))


async def no_wait(_: float) -> None:
    await asyncio.sleep(0)


async def test_a_shim_that_no_pod_has_is_ended_with_what_it_started(own: OwnContainerd) -> None:
    await own.pod("kept", {"c": {"command": ["sleep", "infinity"]}})
    await own.pod("lost", {})
    found = {item.metadata.name: item.id for item in await own.cri.list_pod_sandboxes({})}
    assert {shim.id for shim in orphans.shims(own.settings)} == set(found.values())
    assert await orphans.sweep(own.settings, own.cri, everything(own), sleep=no_wait) == []
    cri = Forgetful([found["kept"]])
    assert await orphans.sweep(own.settings, cri, everything(own), sleep=no_wait) == [found["lost"]]
    async with asyncio.timeout(5):
        while {s.id for s in orphans.shims(own.settings)} != {found["kept"]}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    tasks = own.settings.containerd_run_dir / "state" / "io.containerd.runtime.v2.task" / "k8s.io"
    assert found["lost"] not in {entry.name for entry in tasks.iterdir()}
    assert mounts.below((tasks / found["lost"]).resolve()) == []
    assert not list(own.settings.runtimes_dir.glob(f"*/*/{found['lost']}"))
    states = {item.metadata.name: item.state for item in await own.cri.list_pod_sandboxes({})}
    assert states["kept"] == pb.SANDBOX_READY


async def test_one_that_containerd_still_makes_a_pod_of_is_left_alone(own: OwnContainerd) -> None:
    await own.pod("slow", {})
    cri = Forgetful([])

    async def found_meanwhile(_: float) -> None:
        cri._known = [item.id for item in await own.cri.list_pod_sandboxes({})]

    assert await orphans.sweep(own.settings, cri, everything(own), sleep=found_meanwhile) == []
    assert len(list(orphans.shims(own.settings))) == 1


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["shim", "-namespace", "k8s.io", "-id", "x", "-address", "/s"], ["x"]),
        (["shim", "-namespace", "default", "-id", "x", "-address", "/s"], []),
        (["shim", "-namespace", "k8s.io", "-address", "/s", "-id"], []),
    ],
)
def test_shims_are_those_of_pods(
    words: list[str], found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = process.Process.adopt(os.getpid())
    assert held is not None
    monkeypatch.setattr(leftovers, "ours", lambda *_: [held])
    monkeypatch.setattr(process, "arguments", lambda _: words)
    settings = NodeSettings(node_name="n", data_dir=tmp_path, run_dir=tmp_path)
    assert [shim.id for shim in orphans.shims(settings)] == found
