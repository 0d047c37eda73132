"""How long admission takes: by plugin, and by step for each request."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

from strongroom.telemetry.metrics import Family, Histogram

_K = TypeVar("_K")
ADMIT, VALIDATE = "admit", "validate"
SECONDS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
"""Bounds of kube-apiserver's metrics of admission."""


class Who(NamedTuple):
    """A plugin's name in Kubernetes, and the step that its work belongs to there."""

    name: str
    step: str


class _Step(NamedTuple):
    operation: str
    rejected: str
    type: str


class Passed:
    """Requests that a group of plugins had nothing to say about, and how long it took to see it."""

    __slots__ = ("number", "operation", "plugins", "seconds")

    def __init__(self, operation: str, plugins: Sequence[Who]) -> None:
        self.operation = operation
        self.plugins = plugins
        self.number = 0
        self.seconds = 0.0


class Taken:
    """Of one request: what each step took, by whether it rejected."""

    def __init__(self, durations: "Durations", operation: str) -> None:
        self._durations = durations
        self._operation = operation
        self._steps: dict[_Step, float] = {}

    def add(self, who: Who, seconds: float, *, rejected: bool = False) -> None:
        """A plugin was asked."""
        step = _Step(self._operation, "true" if rejected else "false", who.step)
        self._durations.observe(who, step, seconds)
        before = self._steps.pop(step._replace(rejected="false"), 0.0)
        self._steps[step] = before + seconds

    def end(self) -> None:
        for step, seconds in self._steps.items():
            self._durations.observe(None, step, seconds)


class Durations:
    """Of all requests."""

    def __init__(self) -> None:
        self._plugins: dict[tuple[str, _Step], Histogram] = {}
        self._steps: dict[_Step, Histogram] = {}
        self._passed: list[Passed] = []

    @contextmanager
    def request(self, operation: str) -> Iterator[Taken]:
        """One request, from the first plugin to the last."""
        taken = Taken(self, operation)
        try:
            yield taken
        finally:
            taken.end()

    def passed(self, operation: str, plugins: Sequence[Who]) -> Passed:
        """Where requests are counted that these plugins let pass, unseen."""
        passed = Passed(operation, plugins)
        self._passed.append(passed)
        return passed

    def observe(self, who: Who | None, step: _Step, seconds: float) -> None:
        """`who`: None for a whole step."""
        if who is None:
            self._steps.setdefault(step, Histogram(SECONDS)).observe(seconds)
        else:
            self._plugins.setdefault((who.name, step), Histogram(SECONDS)).observe(seconds)

    def families(self) -> Iterator[Family]:
        plugins: dict[tuple[str, _Step], Histogram] = {}
        steps: dict[_Step, Histogram] = {}
        for key, histogram in self._plugins.items():
            _add(plugins, key, histogram)
        for step, histogram in self._steps.items():
            _add(steps, step, histogram)
        for passed in self._passed:
            share = passed.seconds / max(1, len(passed.plugins))
            for who in passed.plugins:
                _add(
                    plugins, (who.name, _Step(passed.operation, "false", who.step)), _all_short(passed, share)
                )
            for type in {who.step for who in passed.plugins}:
                seconds = share * sum(who.step == type for who in passed.plugins)
                _add(steps, _Step(passed.operation, "false", type), _all_short(passed, seconds))
        yield Family(
            "histogram",
            "apiserver_admission_controller_admission_duration_seconds",
            "[STABLE] Admission controller latency histogram in seconds, identified by name and broken out "
            "for each operation and API resource and type (validate or admit).",
            ("name", *_Step._fields),
            [
                ((name, *step), histogram)
                for (name, step), histogram in sorted(plugins.items(), key=itemgetter(0))
            ],
        )
        yield Family(
            "histogram",
            "apiserver_admission_step_admission_duration_seconds",
            "[STABLE] Admission sub-step latency histogram in seconds, broken out for each operation and API "
            "resource and step type (validate or admit).",
            _Step._fields,
            [(tuple(step), histogram) for step, histogram in sorted(steps.items(), key=itemgetter(0))],
        )


def _add(to: dict[_K, Histogram], key: _K, more: Histogram) -> None:
    if sum(more.counts):
        to.setdefault(key, Histogram(SECONDS)).add(more)


def _all_short(passed: Passed, seconds: float) -> Histogram:
    """None of them waited for anything: all are in the first range."""
    histogram = Histogram(SECONDS)
    histogram.counts[0] = passed.number
    histogram.total = seconds
    return histogram
