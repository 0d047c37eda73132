"""Delays between attempts at things that fail, kept by key, as the kubelet counts them."""

from collections.abc import Hashable
from dataclasses import dataclass

from strongroom.aio.clock import Clock

FIRST = 10.0
LIMIT = 300.0


@dataclass(slots=True)
class _Entry:
    """`updated` is the wall clock's, `due` the monotonic clock's."""

    delay: float
    updated: float
    due: float
    since: float | None = None
    """What `due` was counted from."""


class BackOffs:
    """`first` seconds, doubled with each attempt up to `limit`; forgotten after twice `limit` without one.

    Times are seconds since 1970, as events outside this process carry them. Waiting itself is measured by the
    monotonic clock: whoever sets the wall clock makes no wait longer than its delay.
    """

    def __init__(self, clock: Clock, first: float = FIRST, limit: float = LIMIT) -> None:
        self._clock = clock
        self._first = first
        self._limit = limit
        self._entries: dict[Hashable, _Entry] = {}

    def remaining(self, key: Hashable, since: float | None = None) -> float:
        """Seconds still to wait for the next attempt, counted from `since` (None: the last attempt)."""
        entry = self._entries.get(key)
        if entry is None:
            return 0.0
        if since is not None and since - entry.updated > 2 * self._limit:
            return 0.0
        if since is not None and since != entry.since:
            passed = self._clock.now().timestamp() - since
            entry.since = since
            entry.due = self._clock.monotonic() + min(max(entry.delay - passed, 0.0), entry.delay)
        return max(0.0, entry.due - self._clock.monotonic())

    def delay(self, key: Hashable) -> float:
        """The present delay of `key`; 0 if nothing is counted."""
        entry = self._entries.get(key)
        return entry.delay if entry else 0.0

    def next(self, key: Hashable, since: float | None = None) -> None:
        """Count an attempt. `since`: when that before it ended."""
        now = self._clock.now().timestamp()
        entry = self._entries.get(key)
        if entry is None or (now if since is None else since) - entry.updated > 2 * self._limit:
            delay = self._first
        else:
            delay = min(entry.delay * 2, self._limit)
        self._entries[key] = _Entry(delay, now, self._clock.monotonic() + delay)

    def forget(self, key: Hashable) -> None:
        """Nothing is counted for `key` any more."""
        self._entries.pop(key, None)
