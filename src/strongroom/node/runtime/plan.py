"""What to do next for a pod: pure, from its object and what the runtime says.

Init containers run one after the other, each to success; a sidecar (an init container that restarts always)
only has to run. Then all containers run at once, and run again as their restart policy says or the pod's. One
may end in a way by which all start anew, from the first init container on: whatever was made before that end
is of the past then. Ephemeral containers run once, whatever the others do, and say nothing of how the pod is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from strongroom.api.core.v1.pod import restarts
from strongroom.machinery.gvk import Object
from strongroom.node.runtime import labels
from strongroom.node.runtime.anew import Anew
from strongroom.node.runtime.observed import Container, PodRuntime, State

ALWAYS = "Always"
NEVER = restarts.NEVER
_KILLED = 128 + 9
_LOST = 'container is in "unknown" state, try killing it before restart'


@dataclass(frozen=True, slots=True)
class Start:
    """A container to be started. `previous` is the one it follows, if that has run."""

    container: Object
    attempt: int
    is_init: bool = False
    previous: Container | None = None
    leftover: Container | None = None
    """One that was created and never started: it has to go first."""
    is_ephemeral: bool = False
    """One that was added to the running pod (`kubectl debug`)."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A running container that has to end: its definition changed, a probe failed, or the runtime lost it."""

    container: Container
    message: str
    grace: int | None = None
    """Seconds that it has, where its probe says so."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next steps. All may be done at once, except that nothing starts before there is a sandbox."""

    sandbox_attempt: int | None = None
    """Number of the sandbox to be made; None: what is there will do, or none is needed."""
    replaces_sandbox: bool = False
    """The present sandbox is dead and has to be stopped first."""
    starts: Sequence[Start] = field(default_factory=list)
    kills: Sequence[Kill] = field(default_factory=list)
    done: bool = False
    """Nothing runs, and nothing will: the pod has come to its end."""


class Health(Protocol):
    """What the probes of containers found."""

    def started(self, container: Container) -> bool:
        """Whether a running container has passed its startup probe; true where it has none."""
        ...

    def failed(self, container: Container) -> tuple[str, int | None] | None:
        """The probe (`liveness`, `startup`) by which this run has to end or had to, and the seconds for that
        where the probe sets them."""
        ...


class NoProbes:
    """The health of containers that have no probes."""

    def started(self, container: Container) -> bool:
        return True

    def failed(self, container: Container) -> tuple[str, int | None] | None:
        return None


def spec_containers(pod: Object) -> list[Object]:
    return list((pod.get("spec") or {}).get("containers") or ())


def init_containers(pod: Object) -> list[Object]:
    return list((pod.get("spec") or {}).get("initContainers") or ())


def ephemeral_containers(pod: Object) -> list[Object]:
    return list((pod.get("spec") or {}).get("ephemeralContainers") or ())


def restart_policy(pod: Object) -> str:
    return str((pod.get("spec") or {}).get("restartPolicy") or ALWAYS)


def is_sidecar(container: Object) -> bool:
    """An init container that is to run as long as the pod does."""
    return container.get("restartPolicy") == ALWAYS


def runs_again(pod: Object, container: Object, exited: Container, health: Health) -> bool:
    """Whether a container that ended is run again. One that a probe ended failed, whatever its exit code."""
    code = exited.exit_code
    if code == 0 and health.failed(exited) is not None:
        code = _KILLED
    return restarts.again(container, pod.get("spec") or {}, code)


def decide(pod: Object, runtime: PodRuntime, health: Health) -> Plan:
    """The next steps for a pod that is to run."""
    sandbox = runtime.sandbox
    anew = Anew(pod, runtime)
    if is_done(pod, runtime, health):
        return Plan(done=True)
    if sandbox is None or not sandbox.ready:
        attempt = sandbox.attempt + 1 if sandbox else 0
        if sandbox and runtime.containers and not _could_restart(pod):
            return Plan(done=True)
        # Containers end with their sandbox; in a new one the init containers run again.
        return Plan(
            sandbox_attempt=attempt, replaces_sandbox=sandbox is not None, starts=_first(pod, runtime, health)
        )
    if old := [run for run in runtime.running if anew.is_past(run)]:
        return Plan(
            kills=[Kill(run, f"Container {run.name} will be restarted with all others") for run in old]
        )
    starts, kills, ready = _init_steps(pod, runtime, health, anew)
    if ready:
        more_starts, more_kills = _container_steps(pod, runtime, health, anew)
        starts, kills = starts + more_starts, kills + more_kills
    return Plan(starts=starts + _ephemeral_starts(pod, runtime), kills=kills)


def _could_restart(pod: Object) -> bool:
    spec = pod.get("spec") or {}
    return any(restarts.ever(each, spec) for each in spec_containers(pod)) or restarts.may_take_all(spec)


def is_done(pod: Object, runtime: PodRuntime, health: Health) -> bool:
    """Whether the pod has ended by itself: an init container failed for good, or all containers ended."""
    if Anew(pod, runtime).is_due(runtime):
        return False
    for init in init_containers(pod):
        latest = runtime.latest(init["name"])
        if is_sidecar(init) or latest is None or latest.state is not State.EXITED:
            continue
        if latest.exit_code != 0 and not restarts.again(init, pod["spec"], latest.exit_code):
            return True
    found = [(container, runtime.latest(container["name"])) for container in spec_containers(pod)]
    return bool(found) and all(
        latest is not None and latest.state is State.EXITED and not runs_again(pod, container, latest, health)
        for container, latest in found
    )


def _next_attempt(latest: Container | None) -> int:
    if latest is None:
        return 0
    # One that was created and never started is made again in its place.
    return latest.attempt if latest.state is State.CREATED else latest.attempt + 1


def _start(container: Object, latest: Container | None, *, is_init: bool) -> Start:
    previous = latest if latest is not None and latest.state is State.EXITED else None
    leftover = latest if latest is not None and latest.state is State.CREATED else None
    return Start(container, _next_attempt(latest), is_init, previous, leftover)


def _first(pod: Object, runtime: PodRuntime, health: Health) -> list[Start]:
    """What starts first in a new sandbox."""
    inits = init_containers(pod)
    first = inits[:1] or spec_containers(pod)
    starts = []
    for container in first:
        latest = runtime.latest(container["name"])
        ended = latest is not None and latest.state is State.EXITED
        finished = ended and latest is not None and not runs_again(pod, container, latest, health)
        if inits or not finished:
            starts.append(_start(container, latest, is_init=bool(inits)))
    return starts


def _init_steps(
    pod: Object, runtime: PodRuntime, health: Health, anew: Anew
) -> tuple[list[Start], list[Kill], bool]:
    """Steps for init containers, and whether they are through."""
    starts: list[Start] = []
    kills: list[Kill] = []
    inits = init_containers(pod)
    current = runtime.sandbox.id if runtime.sandbox else ""
    started_before = any(
        _in_sandbox(runtime.latest(container["name"]), current, anew) for container in spec_containers(pod)
    )
    for init in inits:
        latest = runtime.latest(init["name"])
        if not _in_sandbox(latest, current, anew):
            if started_before and not is_sidecar(init):
                continue  # cleaned up since; it has done its work in this sandbox
            return [*starts, _start(init, latest, is_init=True)], kills, False
        assert latest is not None
        if latest.state is State.UNKNOWN:
            return starts, [*kills, Kill(latest, f"Init {_LOST}")], False
        if latest.state is State.RUNNING:
            if not is_sidecar(init):
                return starts, kills, False
            changed = health.started(latest) and _is_changed(latest, init)
            if changed:
                kills.append(Kill(latest, f"Init container {latest.name} definition changed"))
            elif failed := health.failed(latest):
                kills.append(
                    Kill(latest, f"Init container {latest.name} failed {failed[0]} probe", failed[1])
                )
            if not started_before and not health.started(latest):
                return starts, kills, False
            continue
        if latest.state is State.CREATED:
            return [*starts, _start(init, latest, is_init=True)], kills, False
        if is_sidecar(init):
            starts.append(_start(init, latest, is_init=True))
            if not started_before:
                return starts, kills, False
        elif latest.exit_code != 0:
            return [*starts, _start(init, latest, is_init=True)], kills, False
    return starts, kills, True


def _container_steps(
    pod: Object, runtime: PodRuntime, health: Health, anew: Anew
) -> tuple[list[Start], list[Kill]]:
    starts: list[Start] = []
    kills: list[Kill] = []
    for container in spec_containers(pod):
        latest = runtime.latest(container["name"])
        if latest is None or latest.state is State.CREATED:
            starts.append(_start(container, latest, is_init=False))
        elif latest.state is State.UNKNOWN:
            kills.append(Kill(latest, _LOST.capitalize()))
        elif latest.state is State.RUNNING:
            if _is_changed(latest, container):
                text = f"Container {latest.name} definition changed, will be restarted"
                kills.append(Kill(latest, text))
            elif failed := health.failed(latest):
                text = f"Container {latest.name} failed {failed[0]} probe"
                # Rules about exit codes do not count: there is none yet.
                again = (container.get("restartPolicy") or restart_policy(pod)) != NEVER
                kills.append(Kill(latest, f"{text}, will be restarted" if again else text, failed[1]))
        elif anew.is_past(latest) or runs_again(pod, container, latest, health):
            starts.append(_start(container, latest, is_init=False))
    return starts, kills


def _ephemeral_starts(pod: Object, runtime: PodRuntime) -> list[Start]:
    """Those that have never run."""
    starts = []
    for container in ephemeral_containers(pod):
        latest = runtime.latest(container["name"])
        if latest is None or latest.state is State.CREATED:
            starts.append(replace(_start(container, latest, is_init=False), is_ephemeral=True))
    return starts


def _in_sandbox(container: Container | None, sandbox_id: str, anew: Anew) -> bool:
    if container is None or anew.is_past(container):
        return False
    return container.sandbox_id in ("", sandbox_id)


def _is_changed(run: Container, container: Object) -> bool:
    """Whether the container is to be another than it was when it was made."""
    return bool(run.hash) and run.hash != labels.container_hash(container)
