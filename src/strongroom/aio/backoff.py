"""Retry delays that grow, with jitter."""

import random
from collections.abc import Callable


class Backoff:
    """Delays in seconds: `first`, then `factor` times as long each time, never above `limit`.

    Each is spread evenly over [delay/2, delay], so that many clients that lost one server do not return at
    once. `uniform` gives a number in [0, 1) and is replaced in tests.
    """

    def __init__(
        self,
        first: float = 0.1,
        limit: float = 30.0,
        factor: float = 2.0,
        *,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        if not 0 < first <= limit or factor < 1:
            raise ValueError("a back-off needs 0 < first <= limit and factor >= 1")
        self._first = first
        self._limit = limit
        self._factor = factor
        self._uniform = uniform
        self._next = first

    def next(self) -> float:
        """The delay before the coming attempt."""
        delay = self._next
        self._next = min(delay * self._factor, self._limit)
        return delay * (0.5 + 0.5 * self._uniform())

    def reset(self) -> None:
        """An attempt succeeded: the next delay is the first one again."""
        self._next = self._first
