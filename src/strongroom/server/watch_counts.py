"""What is counted of the events that watchers are sent."""

from collections.abc import Iterator
from typing import Final

from strongroom.machinery.gvk import Resource
from strongroom.telemetry.metrics import Family, Histogram

SIZES: Final = tuple(1024.0 * 2**n for n in range(8))
"""Bounds of kube-apiserver's `apiserver_watch_events_sizes`."""
_LABELS: Final = ("group", "resource", "version")


class WatchCounts:
    """By resource: the sizes of all events, those that say what was there before included."""

    def __init__(self) -> None:
        self._sizes: dict[Resource, Histogram] = {}

    def of(self, resource: Resource) -> Histogram:
        """For `add`."""
        return self._sizes.setdefault(resource, Histogram(SIZES))

    def families(self) -> Iterator[Family]:
        sizes = [((r.group, r.plural, r.version), found) for r, found in self._sizes.items()]
        sizes.sort(key=lambda sample: sample[0])
        yield Family(
            "counter",
            "apiserver_watch_events_total",
            "[ALPHA] Number of events sent in watch clients",
            _LABELS,
            [(labels, sum(found.counts)) for labels, found in sizes],
        )
        yield Family(
            "histogram",
            "apiserver_watch_events_sizes",
            "[ALPHA] Watch event size distribution in bytes",
            _LABELS,
            sizes,
        )


def add(sizes: Histogram, lines: bytes, number: int) -> None:
    """Events that were sent, a line each. `number`: how many; 0 if that is not known."""
    if number == 1:
        sizes.observe(len(lines))
        return
    for line in lines.split(b"\n"):
        if line:
            sizes.observe(len(line) + 1)
