"""Which runs of a pod's containers are of the past since one ended such that all start anew (KEP-5532).

Whatever was made before that end is. So is what was made after it and yet too early: a container whose own
restart was under way when another's end had all start anew comes before the init containers have run again.
It would look as if they had, and they would not do their work again.
"""

from typing import Final

from strongroom.api.core.v1.pod import containers, restarts
from strongroom.machinery.gvk import Object
from strongroom.node.runtime.observed import Container, PodRuntime, State

_NEVER: Final = 1 << 63


class Anew:
    """For one pod and what is known of its runs now. Ephemeral containers are never of the past."""

    __slots__ = ("_since",)

    def __init__(self, pod: Object, runtime: PodRuntime) -> None:
        self._since: dict[str, int] = {}
        spec = pod.get("spec") or {}
        if not restarts.may_take_all(spec):
            return
        inits, regular = containers.of(spec, "initContainers"), containers.of(spec, "containers")
        end = _end(runtime, [*inits, *regular])
        if not end:
            return
        since = end
        for container in inits:
            self._since[container["name"]] = since
            latest = runtime.latest(container["name"])
            # One whose runs were cleaned up did its work: there is no telling when.
            if latest is not None and not containers.is_sidecar(container):
                since = max(since, latest.created_at if latest.created_at >= since else _NEVER)
        for container in regular:
            self._since[container["name"]] = since

    def is_past(self, run: Container) -> bool:
        """Whether it ran, or was made, for a start before the present one."""
        return run.created_at < self._since.get(run.name, 0)

    def is_due(self, runtime: PodRuntime) -> bool:
        """Whether a container has not started anew yet."""
        newest = map(runtime.latest, self._since)
        return any(run is not None and self.is_past(run) for run in newest)


def _end(runtime: PodRuntime, each: list[Object]) -> int:
    """When a container last ended so, in nanoseconds since 1970; 0: none did."""
    ends = [
        run.finished_at
        for container in each
        for run in runtime.containers.get(container["name"], ())
        if run.state is State.EXITED and restarts.takes_all(container, run.exit_code)
    ]
    return max(ends, default=0)
