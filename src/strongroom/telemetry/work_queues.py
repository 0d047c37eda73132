"""What is counted of work queues, under client-go's names.

By name and for the whole process, as logs are: a queue that is made anew, since its controllers lost the lead
and won it back, goes on counting where the one before it ended.
"""

from collections.abc import Hashable, Iterator
from typing import Final

from strongroom.telemetry.metrics import Family, Histogram

SECONDS: Final = (1e-8, 1e-7, 1e-6, 9.999999999999999e-06, 9.999999999999999e-05, 0.001, 0.01, 0.1, 1.0, 10.0)
"""Bounds as client-go prints them."""
_NAME: Final = ("name",)
_known: "dict[str, QueueCounts]" = {}


class QueueCounts:
    """Of one queue. Times are of the monotonic clock that the queue has. A queue without a name keeps its own
    counts, which nobody is shown."""

    __slots__ = ("_began", "_waiting", "added", "retried", "waited", "worked")

    def __init__(self) -> None:
        self.added = 0
        self.retried = 0
        self.waited = Histogram(SECONDS)
        self.worked = Histogram(SECONDS)
        self._waiting: dict[Hashable, float] = {}
        self._began: dict[Hashable, float] = {}

    @property
    def depth(self) -> int:
        """Keys that wait, those that came again while they are worked on included."""
        return len(self._waiting)

    def add(self, key: Hashable, now: float) -> None:
        """A key that was not waiting yet."""
        self.added += 1
        self._waiting[key] = now

    def take(self, key: Hashable, now: float) -> None:
        """A worker has it."""
        self.waited.observe(now - self._waiting.pop(key, now))
        self._began[key] = now

    def done(self, key: Hashable, now: float) -> None:
        """The worker has finished."""
        self.worked.observe(now - self._began.pop(key, now))

    def restart(self) -> None:
        """Nothing waits or is worked on: the queue is a new one."""
        self._waiting.clear()
        self._began.clear()

    def unfinished(self, now: float) -> float:
        """Seconds of all work that is under way."""
        return sum(now - began for began in self._began.values())

    def longest(self, now: float) -> float:
        """Seconds of the work that has been under way the longest."""
        return max((now - began for began in self._began.values()), default=0.0)


def of(name: str) -> QueueCounts:
    """The counts that the queue of this name goes on with."""
    if not name:
        return QueueCounts()
    counts = _known.setdefault(name, QueueCounts())
    counts.restart()
    return counts


def families(now: float) -> Iterator[Family]:
    """Of all queues with a name; `now` by the clock of the queues."""
    queues = sorted(_known.items())

    yield Family(
        "counter",
        "workqueue_adds_total",
        "[BETA] Total number of adds handled by workqueue",
        _NAME,
        [((name,), queue.added) for name, queue in queues],
    )
    yield Family(
        "gauge",
        "workqueue_depth",
        "[BETA] Current depth of workqueue",
        _NAME,
        [((name,), queue.depth) for name, queue in queues],
    )
    yield Family(
        "gauge",
        "workqueue_longest_running_processor_seconds",
        "[BETA] How many seconds has the longest running processor for workqueue been running.",
        _NAME,
        [((name,), queue.longest(now)) for name, queue in queues],
    )
    yield Family(
        "histogram",
        "workqueue_queue_duration_seconds",
        "[BETA] How long in seconds an item stays in workqueue before being requested.",
        _NAME,
        [((name,), queue.waited) for name, queue in queues],
    )
    yield Family(
        "counter",
        "workqueue_retries_total",
        "[BETA] Total number of retries handled by workqueue",
        _NAME,
        [((name,), queue.retried) for name, queue in queues],
    )
    yield Family(
        "gauge",
        "workqueue_unfinished_work_seconds",
        "[BETA] How many seconds of work has done that is in progress and hasn't been observed by "
        "work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by "
        "observing the rate at which this increases.",
        _NAME,
        [((name,), queue.unfinished(now)) for name, queue in queues],
    )
    yield Family(
        "histogram",
        "workqueue_work_duration_seconds",
        "[BETA] How long in seconds processing an item from workqueue takes.",
        _NAME,
        [((name,), queue.worked) for name, queue in queues],
    )
