"""Logs that grow."""

import asyncio
import gzip
from pathlib import Path

import pytest

from strongroom.aio.clock import FakeClock, SystemClock
from strongroom.node import log_rotation
from strongroom.node.containerd import tools
from strongroom.node.cri.errors import CRIError
from strongroom.node.log_rotation import LogRotation
from strongroom.node.runtime import observed
from strongroom.node.runtime.observed import Container
from strongroom.testing.fake_cri import FakeCRI
from strongroom.testing.own_containerd import OwnContainerd


class World:
    def __init__(self, directory: Path) -> None:
        self.log = directory / "0.log"
        self.cri = FakeCRI()
        self.clock = FakeClock()
        container = Container("id", "c", log_path=str(self.log))
        self.rotation = LogRotation(self.cri, self.clock, lambda: [container], max_size=10)

    async def grow(self, text: str) -> None:
        """The container writes, and time passes."""
        self.log.write_text(text)
        self.clock.advance(10)
        await self.rotation.rotate()

    def names(self) -> list[str]:
        return sorted(each.name for each in self.log.parent.iterdir())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_small_log_is_left_alone(world: World) -> None:
    await world.grow("x" * 10)
    assert world.names() == ["0.log"]
    assert world.cri.calls == []


async def test_a_large_log_is_put_aside(world: World) -> None:
    await world.grow("x" * 11)
    assert world.names() == ["0.log.20260102-030415"]
    assert world.cri.calls == [("reopen_container_log", "id")]


async def test_a_flood_is_looked_at_sooner_for_half_a_minute_after_its_last_burst(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 36:
            raise asyncio.CancelledError
        world.clock.advance(seconds)
        world.log.write_text("x" * (11 if len(waited) in (1, 4) else 1))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await world.rotation.run()
    assert waited == [10.0] + [1.0] * 33 + [10.0, 10.0]


async def test_older_ones_are_compressed_and_the_oldest_dropped(world: World) -> None:
    for number in range(7):
        await world.grow(f"the log number {number}")
    world.log.write_text("now")
    assert world.names() == [
        "0.log",
        "0.log.20260102-030445.gz",
        "0.log.20260102-030455.gz",
        "0.log.20260102-030505.gz",
        "0.log.20260102-030515",
    ]
    assert (
        gzip.decompress((world.log.parent / "0.log.20260102-030445.gz").read_bytes()) == b"the log number 3"
    )
    log_rotation.remove(world.log)
    assert world.names() == []


async def test_what_a_crash_left_half_done_is_cleaned_up(world: World) -> None:
    (world.log.parent / "0.log.20260102-030400.gz.tmp").write_text("half")
    (world.log.parent / "0.log.20260102-030400").write_text("whole")
    await world.grow("x" * 11)
    assert world.names() == ["0.log.20260102-030400.gz", "0.log.20260102-030415"]


async def test_a_runtime_that_refuses_keeps_its_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def fail(call: str, _: str) -> None:
        raise CRIError("Unknown", "no")

    world.cri.fail = fail
    await world.grow("x" * 11)
    assert world.names() == ["0.log"]
    assert "log of container c: no" in caplog.text


async def test_a_log_that_is_gone_harms_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.rotation.rotate()
    assert caplog.text == ""


async def test_a_clock_that_was_set_back_overwrites_nothing(world: World) -> None:
    await world.grow("first first first")
    world.clock.advance(-10)  # and on by as much
    await world.grow("second second")
    assert world.names() == ["0.log", "0.log.20260102-030415"]
    assert (world.log.parent / "0.log.20260102-030415").read_text() == "first first first"


@pytest.mark.containerd
@pytest.mark.slow
@pytest.mark.skipif(bool(tools.requirements()), reason=tools.requirements())
async def test_containerd_loses_no_line(tmp_path: Path) -> None:
    count = 30_000
    script = f"i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); done; exec sleep 100"
    async with OwnContainerd(tmp_path / "n") as own:
        ids = await own.pod("p", {"c": {"command": ["sh", "-c", script]}})
        container = await observed.observe_container(own.cri, ids["c"])
        log = Path(container.log_path)
        rotation = LogRotation(own.cri, SystemClock(), lambda: [container], max_size=200_000, max_files=1000)
        while f"line {count - 1}\n" not in log.read_text():
            await rotation.rotate()
        files = [*log_rotation.rotated(log), log]
        assert len(files) > 1
        texts = [
            gzip.decompress(each.read_bytes()) if each.suffix == ".gz" else each.read_bytes()
            for each in files
        ]
        lines = [line.split(b" F ", 1)[1] for line in b"".join(texts).splitlines()]
        assert lines == [b"line %d" % number for number in range(count)]
