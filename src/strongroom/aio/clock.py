"""Time, passed in: the real clock and one that tests turn by hand."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where code reads the time from."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


async def sleep_by_either(
    clock: Clock,
    seconds: float,
    *,
    look: float = 60.0,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Return when `seconds` have passed by the wall clock or by the monotonic one, whichever is first, or
    when the wall clock was set back to before the beginning.

    For what holds from one time of day to another: the monotonic clock stands still while the machine is
    suspended, and the wall clock is set by whoever may. It is looked at every `look` seconds.
    """
    began = clock.now()
    end, at = clock.monotonic() + seconds, began + timedelta(seconds=seconds)
    while (left := min(end - clock.monotonic(), (at - clock.now()).total_seconds())) > 0:
        if (began - clock.now()).total_seconds() > look:
            return
        await sleep(min(left, look))


class FakeClock:
    """Stands still until `advance` is called."""

    def __init__(self, start: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock, forward or back; no time passes."""
        self._now += timedelta(seconds=seconds)
