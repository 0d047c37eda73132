"""Waiting for a time of day."""

import pytest

from strongroom.aio import clock as clocks
from strongroom.aio.clock import FakeClock


@pytest.mark.parametrize(
    ("jump", "waits"),
    [
        (0.0, [60.0, 60.0, 30.0]),
        (100.0, [60.0]),
        (70.0, [60.0, 20.0]),
        (-7200.0, [60.0]),
        (-100.0, [60.0, 60.0, 30.0]),
        (-121.0, [60.0]),
    ],
)
async def test_whichever_clock_is_first(jump: float, waits: list[float]) -> None:
    clock = FakeClock()
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock.advance(seconds)
        if len(waited) == 1:
            clock.jump(jump)

    await clocks.sleep_by_either(clock, 150.0, sleep=sleep)
    assert waited == waits
