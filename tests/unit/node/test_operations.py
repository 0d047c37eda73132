"""Operations run once at a time under their name, and are put off when they fail."""

import asyncio

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.node.cri.errors import CRIError
from strongroom.node.operations import Operations


class Recorded:
    def __init__(self) -> None:
        self.ended = 0
        self.clock = FakeClock()
        self.operations = Operations("pod-u", self.clock, self._end)

    def _end(self) -> None:
        self.ended += 1


async def test_one_at_a_time_under_a_name() -> None:
    recorded = Recorded()
    gate = asyncio.Event()
    ran = []

    async def work(name: str) -> str:
        ran.append(name)
        await gate.wait()
        return name

    recorded.operations.start("a", work("first"))
    recorded.operations.start("a", work("second"))
    recorded.operations.start("b", work("third"))
    assert not recorded.operations.may("a")
    task = recorded.operations.get("a")
    assert task is not None
    gate.set()
    assert await task == "first"
    await asyncio.sleep(0)
    assert sorted(ran) == ["first", "third"]
    assert recorded.ended == 2
    assert recorded.operations.may("a")


@pytest.mark.parametrize("error", [CRIError("Unknown", "no"), RuntimeError("with-a-value")])
async def test_failure_is_put_off_and_its_text_kept_to_what_is_known(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    recorded = Recorded()

    async def fail() -> None:
        raise error

    recorded.operations.start("a", fail())
    task = recorded.operations.get("a")
    assert task is not None
    assert await task is None
    assert not recorded.operations.may("a")
    assert recorded.operations.next_due() == 10
    assert "with-a-value" not in caplog.text
    recorded.clock.advance(10)
    assert recorded.operations.may("a")
    assert recorded.operations.next_due() is None


async def test_finish_cancels_what_waits_and_awaits_what_is_critical() -> None:
    recorded = Recorded()
    gate = asyncio.Event()
    done = []

    async def wait() -> None:
        await asyncio.Event().wait()

    async def act() -> None:
        recorded.operations.critical("act")
        await gate.wait()
        done.append("act")

    recorded.operations.start("wait", wait())
    recorded.operations.start("act", act())
    await asyncio.sleep(0)
    finishing = asyncio.gather(recorded.operations.finish(beside="end"))
    await asyncio.sleep(0)
    assert not finishing.done()
    gate.set()
    await finishing
    assert done == ["act"]
    assert len(recorded.operations) == 0


async def test_unblock_and_close() -> None:
    recorded = Recorded()
    recorded.operations.block("a", 5)
    assert not recorded.operations.may("a")
    recorded.operations.unblock()
    assert recorded.operations.may("a")
    recorded.operations.start("a", asyncio.sleep(60))
    await recorded.operations.aclose()
    await recorded.operations.aclose()
    assert len(recorded.operations) == 0


def test_what_comes_due_between_two_questions_is_not_forgotten() -> None:
    recorded = Recorded()
    recorded.operations.block("a", 1.0)
    recorded.clock.advance(0.9999)
    assert not recorded.operations.may("a"), "the timer was a little early"
    recorded.clock.advance(0.0002)
    assert recorded.operations.next_due() == 0.0, "ask again at once"
    assert recorded.operations.may("a")
    assert recorded.operations.next_due() is None, "and not again and again"
