"""Creations and deletions that were asked for and have not been seen yet.

A cache lags behind the API. Whoever counts in it right after a creation counts too few and creates again; so
a controller notes what it asked for, and does not count until all of that was seen, or has to be given up on.
Source: client-go's pattern of that name.
"""

from dataclasses import dataclass, field

from strongroom.aio.clock import Clock

PATIENCE = 300.0
"""Seconds after which what was not seen is not waited for any more."""


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations:
    """By the uid of the controlling object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expected: dict[str, _Expected] = {}

    def expect(self, owner: str, creations: int = 0, deletions: tuple[str, ...] = ()) -> None:
        """`creations` objects, and the end of those whose uids are `deletions`, will be seen."""
        self._expected[owner] = _Expected(self._clock.monotonic(), creations, set(deletions))

    def created(self, owner: str, count: int = 1) -> None:
        """So many were seen, or will never come."""
        if (expected := self._expected.get(owner)) is not None:
            expected.creations -= count

    def deleted(self, owner: str, uid: str) -> None:
        """That one is seen to go, or will not."""
        if (expected := self._expected.get(owner)) is not None:
            expected.deletions.discard(uid)

    def wait(self, owner: str) -> float:
        """Seconds that are left to wait, at most; 0: the cache can be counted in."""
        expected = self._expected.get(owner)
        if expected is None:
            return 0.0
        left = expected.since + PATIENCE - self._clock.monotonic()
        if left > 0 and (expected.creations > 0 or expected.deletions):
            return left
        del self._expected[owner]
        return 0.0

    def forget(self, owner: str) -> None:
        self._expected.pop(owner, None)
