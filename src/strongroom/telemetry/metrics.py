"""Metrics as plain numbers, and the text that Prometheus reads.

What counts on a busy path is an int or a list; it becomes a family of samples when someone asks. Labels are
words of the API (a verb, a resource), never names of objects.
"""

import functools
import re
import resource
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from prometheus_client import Metric, ProcessCollector

Labels = tuple[str, ...]


class Histogram:
    """How often a value fell into each of the ranges up to `bounds`; the last range has no bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        """Sum of all values."""

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, other: "Histogram") -> None:
        """Takes in what another one of the same bounds has."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound and how many values do not exceed it, as Prometheus wants them."""
        reached, found = 0, []
        for bound, count in zip((*map(_bound, self.bounds), "+Inf"), self.counts, strict=True):
            reached += count
            found.append((bound, float(reached)))
        return found


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one name."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    help: str
    labels: Labels
    samples: Iterable[tuple[Labels, float | Histogram]]


Collect = Callable[[], Iterable[Family]]


def exposition(collect: Collect) -> tuple[bytes, str]:
    """What `collect` gives and the process's own figures, and its content type.

    Always Prometheus' text, as from kube-apiserver: OpenMetrics would have its counters under other names."""
    # Imported here: it takes longer than the rest of a start's imports, and many a server is never asked.
    from prometheus_client import exposition as library

    registry = _Registry(collect)
    text: bytes = library.generate_latest(registry)
    for name in registry.bare:
        text = re.sub(rf"(?m)^(# \w+ |){name}_total(?=[ {{])".encode(), rf"\1{name}".encode(), text)
    return text, library.CONTENT_TYPE_PLAIN_0_0_4


class _Registry:
    """As much of a registry as the encoders need."""

    def __init__(self, collect: Collect) -> None:
        self._collect = collect
        self.bare: list[str] = []
        """Counters whose names do not end with `_total`, which the library adds to all of them."""

    def collect(self) -> "Iterator[Metric]":
        for family in self._collect():
            if family.kind == "counter" and not family.name.endswith("_total"):
                self.bare.append(family.name)
            yield _converted(family)
        yield from _process().collect()
        yield _converted(_address_space())


def _converted(family: Family) -> "Metric":
    from prometheus_client import core

    if family.kind == "histogram":
        shown = core.HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in family.samples:
            assert isinstance(value, Histogram)
            shown.add_metric(labels, value.buckets(), value.total)
        return shown
    if family.kind == "counter":
        simple: core.CounterMetricFamily | core.GaugeMetricFamily = core.CounterMetricFamily(
            family.name, family.help, labels=family.labels
        )
    else:
        simple = core.GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in family.samples:
        assert not isinstance(value, Histogram)
        simple.add_metric(labels, value)
    return simple


def _address_space() -> Family:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    amount = float(limit) if limit != resource.RLIM_INFINITY else float(2**64 - 1)
    help = "Maximum amount of virtual memory available in bytes."
    return Family("gauge", "process_virtual_memory_max_bytes", help, (), [((), amount)])


@functools.cache
def _process() -> "ProcessCollector":
    from prometheus_client import ProcessCollector

    return ProcessCollector(registry=None)


def _bound(value: float) -> str:
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
