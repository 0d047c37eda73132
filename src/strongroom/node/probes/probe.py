"""One probe of one run of a container: what it has found, and when it asks next. Pure.

Source: the Kubernetes documentation, "Configure Liveness, Readiness and Startup Probes".
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from strongroom.machinery.gvk import Object
from strongroom.node.probes.outcome import Kind

_EARLY = (0.1, 0.4)
_SETTLED = 1.0


@dataclass(slots=True, eq=False)
class Probe:
    """`passed` is None until a startup probe has come to a result. Times are seconds."""

    kind: Kind
    spec: Object = field(repr=False)
    passed: bool | None
    over: bool = False
    """It asks no more: the container ended, or is to be killed."""
    _last: bool | None = None
    _run: int = 0
    _asked: int = 0
    _early: bool = False

    @property
    def timeout(self) -> float:
        return float(self.spec.get("timeoutSeconds") or 1)

    @property
    def _delay(self) -> float:
        return float(self.spec.get("initialDelaySeconds") or 0)

    @property
    def _period(self) -> float:
        return float(self.spec.get("periodSeconds") or 10)

    def first(self, age: float, *, adopted: bool, spread: Callable[[], float]) -> float:
        """Seconds until it asks for the first time, of a container that has run for `age`.

        After a restart of the agent (`adopted`) the probes of all pods are spread over their periods.
        """
        left = self._delay - age
        if adopted:
            return max(left, spread() * self._period)
        if self._delay:
            return max(left, 0.0)
        if self.kind is Kind.LIVENESS:
            return max(_SETTLED - age, 0.0)
        # Programs need a moment until they listen: asked soon, they are found ready soon.
        self._early = age < _SETTLED
        return max(_EARLY[0] - age, 0.0) if self._early else 0.0

    @property
    def quiet(self) -> bool:
        """A failure now means nothing: the container has only just started."""
        return self._early and self._asked < len(_EARLY)

    def next(self, due: float, now: float) -> float:
        """When it asks again, having asked at `due` and got its answer at `now`."""
        if self._early and self._asked <= len(_EARLY):
            moments = (*_EARLY, _SETTLED)
            return max(now, due + moments[self._asked] - moments[self._asked - 1])
        missed = int((now - due) / self._period)
        return due + (missed + 1) * self._period

    def errored(self) -> None:
        """It could not be asked: nothing changes."""
        self._asked += 1

    def record(self, success: bool) -> bool:
        """Take note of an answer; whether what the probe has found changed."""
        ignored = self.quiet and not success
        self._asked += 1
        if ignored:
            return False
        if success:
            self._early = False
        self._run = self._run + 1 if success is self._last else 1
        self._last = success
        threshold = self._threshold(success)
        if self._run < threshold:
            return False
        changed = self.passed is not success
        self.passed = success
        if not success and self.kind is not Kind.READINESS:
            self.over = True  # the container is restarted
        return changed

    def _threshold(self, success: bool) -> int:
        field, default = ("successThreshold", 1) if success else ("failureThreshold", 3)
        return int(self.spec.get(field) or default)
