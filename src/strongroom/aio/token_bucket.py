"""A token bucket: a burst at once, then a steady rate."""


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` of them a second. Full at the start.

    Times are seconds of one monotonic clock, passed in by the caller.
    """

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._updated = now

    def take(self, now: float) -> bool:
        """Takes one token if there is one."""
        self._refill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def reserve(self, now: float) -> float:
        """Takes one token, from the future if need be; the seconds to wait until it is there."""
        self._refill(now)
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def _refill(self, now: float) -> None:
        self._tokens = min(float(self._burst), self._tokens + max(0.0, now - self._updated) * self._rate)
        self._updated = now
