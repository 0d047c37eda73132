"""All probes of a node, on one timer: a heap of what is due next, and a task for each probe that is asking.

What a container is (`ready`, `started`, `failed`) is told by what its probes found last. Results belong to
one run of a container; where the agent is new, what the API knows of the same run is taken over.
"""

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.machinery.gvk import Object
from strongroom.node.probes.outcome import Kind
from strongroom.node.probes.probe import Probe
from strongroom.node.probes.prober import Prober, Target
from strongroom.node.runtime import plan
from strongroom.node.runtime.observed import Container, PodRuntime, State

_ORDER = (Kind.STARTUP, Kind.LIVENESS, Kind.READINESS)
_MARGIN = 1.0
"""Seconds by which a container must be older than this agent to be taken for one that it found running."""


@dataclass(slots=True)
class _Watched:
    """One run of a container that has probes."""

    target: Target
    began: float
    adopted: bool
    probes: dict[Kind, Probe] = field(default_factory=dict)
    tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    """What asks at present."""

    def passed(self, kind: Kind) -> bool:
        probe = self.probes.get(kind)
        return probe is None or probe.passed is True

    def end(self, kinds: tuple[Kind, ...] = _ORDER) -> None:
        for kind in kinds:
            if (probe := self.probes.get(kind)) is not None:
                probe.over = True
        if kinds == _ORDER:
            for task in self.tasks:
                task.cancel()


class Probes:
    """`follow` is told what runs; `changed` is called with a pod's uid when a result of it has changed."""

    def __init__(
        self,
        prober: Prober,
        clock: Clock,
        changed: Callable[[str], None],
        *,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._prober = prober
        self._clock = clock
        self._changed = changed
        self._spread = spread
        self._began = clock.monotonic()
        self._pods: dict[str, set[str]] = {}
        self._containers: dict[str, _Watched] = {}
        self._heap: list[tuple[float, int, Probe, _Watched]] = []
        self._numbers = itertools.count()
        self._held: set[str] = set()
        self._running = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks = TaskGroup("probes", describe_errors=False)

    async def run(self) -> None:
        """Ask whatever is due, until cancelled."""
        self._running = True
        self.wake()
        try:
            await asyncio.Event().wait()
        finally:
            self._running = False
            if self._timer is not None:
                self._timer.cancel()
            await self._tasks.aclose()
            await self._prober.aclose()

    def wake(self) -> None:
        """Look at the clock, ask what is due, and set the timer for what is due next."""
        if not self._running:
            return
        if self._timer is not None:
            self._timer.cancel()
        delay = self._ask_due()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(delay, 0.0), self.wake) if delay is not None else None

    # What runs

    def follow(self, pod: Object, runtime: PodRuntime, host_ips: tuple[str, ...] = ()) -> None:
        """These are the containers of the pod now."""
        uid = pod["metadata"]["uid"]
        known = self._pods.get(uid)
        probed = [
            (spec, is_init)
            for specs, is_init in ((plan.spec_containers(pod), False), (plan.init_containers(pod), True))
            for spec in specs
            if (plan.is_sidecar(spec) or not is_init) and any(spec.get(kind.field) for kind in Kind)
        ]
        if not probed and known is None:
            return
        ip = _address(pod, runtime, host_ips)
        present = set()
        for spec, is_init in probed:
            latest = runtime.latest(spec["name"])
            if latest is None:
                continue
            present.add(latest.id)
            watched = self._containers.get(latest.id)
            if watched is not None:
                watched.target.pod, watched.target.ip = pod, ip
                if latest.state is not State.RUNNING:
                    watched.end()
            elif latest.state is State.RUNNING and latest.id not in self._held:
                self._begin(Target(pod, spec, latest.id, ip, is_init), latest)
        for container_id in (known or set()) - present:
            self._drop(container_id)
        self._pods[uid] = present

    def stop(self, uid: str) -> None:
        """The pod is ending: nobody wants to know whether it is alive. Whether it is ready still counts."""
        for container_id in self._pods.get(uid, ()):
            if (watched := self._containers.get(container_id)) is not None:
                watched.end((Kind.STARTUP, Kind.LIVENESS))

    def hold(self, container_id: str) -> None:
        """The container's postStart hook runs: until `release` it counts as not started, and nothing is
        asked of it."""
        self._held.add(container_id)

    def release(self, container_id: str) -> None:
        """The hook is over, or the container never started."""
        self._held.discard(container_id)

    def forget(self, uid: str) -> None:
        """Nothing of the pod runs any more."""
        for container_id in self._pods.pop(uid, ()):
            self._drop(container_id)

    def _drop(self, container_id: str) -> None:
        if (watched := self._containers.pop(container_id, None)) is not None:
            watched.end()

    # What was found

    def ready(self, container: Container) -> bool:
        """Whether a running container passes its readiness probe; true where it has none."""
        watched = self._find(container)
        return container.id not in self._held and (watched is None or watched.passed(Kind.READINESS))

    def started(self, container: Container) -> bool:
        """Whether a running container has passed its startup probe; true where it has none."""
        watched = self._find(container)
        return container.id not in self._held and (watched is None or watched.passed(Kind.STARTUP))

    def failed(self, container: Container) -> tuple[str, int | None] | None:
        """Which probe (`liveness`, `startup`) says that this run of the container has to end, and within how
        many seconds if the probe sets that; None if none does."""
        watched = self._find(container)
        if watched is not None:
            for kind in (Kind.LIVENESS, Kind.STARTUP):
                probe = watched.probes.get(kind)
                if probe is not None and probe.passed is False and probe.over:
                    return kind.value, probe.spec.get("terminationGracePeriodSeconds")
        return None

    def _find(self, container: Container) -> _Watched | None:
        return self._containers.get(container.id)

    # Asking

    def _begin(self, target: Target, container: Container) -> _Watched:
        ran = self._clock.now().timestamp() - container.started_at / 1e9
        age = max(0.0, ran)
        now = self._clock.monotonic()
        adopted = age > now - self._began + _MARGIN
        known = _reported(target) if adopted else {}
        initial = {
            Kind.STARTUP: True if known.get("started") else None,
            Kind.LIVENESS: True,
            Kind.READINESS: bool(known.get("ready")),
        }
        watched = _Watched(target, now - age, adopted)
        for kind in Kind:
            if (spec := target.container.get(kind.field)) is not None:
                watched.probes[kind] = Probe(kind, spec, initial[kind])
        self._containers[container.id] = watched
        if watched.passed(Kind.STARTUP):
            self._begin_others(watched)
        else:
            self._put_first(watched, watched.probes[Kind.STARTUP])
        return watched

    def _begin_others(self, watched: _Watched) -> None:
        """The container has started: from now on it is asked whether it is alive and ready."""
        for kind in (Kind.LIVENESS, Kind.READINESS):
            if (probe := watched.probes.get(kind)) is not None:
                self._put_first(watched, probe)

    def _put_first(self, watched: _Watched, probe: Probe) -> None:
        now = self._clock.monotonic()
        delay = probe.first(now - watched.began, adopted=watched.adopted, spread=self._spread)
        self._put(now + delay, watched, probe)

    def _put(self, due: float, watched: _Watched, probe: Probe) -> None:
        heapq.heappush(self._heap, (due, next(self._numbers), probe, watched))
        if self._heap[0][2] is probe:
            self.wake()

    def _ask_due(self) -> float | None:
        """Start what is due; seconds until the next one is."""
        now = self._clock.monotonic()
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].over):
            due, _, probe, watched = heapq.heappop(self._heap)
            if not probe.over:
                task = self._tasks.spawn(probe.kind.value, self._ask(due, probe, watched))
                watched.tasks.add(task)
                task.add_done_callback(watched.tasks.discard)
        return self._heap[0][0] - now if self._heap else None

    async def _ask(self, due: float, probe: Probe, watched: _Watched) -> None:
        changed = False
        try:
            answer = await self._prober.probe(
                probe.kind, probe.spec, watched.target, probe.timeout, quiet=probe.quiet
            )
            if probe.over:
                return
            if answer is None:
                probe.errored()
            else:
                changed = probe.record(answer)
        finally:
            if not probe.over and not (probe.kind is Kind.STARTUP and probe.passed):
                self._put(probe.next(due, self._clock.monotonic()), watched, probe)
        if changed:
            if probe.kind is Kind.STARTUP and probe.passed:
                self._begin_others(watched)
            self._changed(watched.target.pod["metadata"]["uid"])


def _reported(target: Target) -> Object:
    """What the API was last told of this run of the container."""
    status = target.pod.get("status") or {}
    reported = (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ()))
    identity = f"containerd://{target.container_id}"
    return next((each for each in reported if each.get("containerID") == identity), {})


def _address(pod: Object, runtime: PodRuntime, host_ips: tuple[str, ...]) -> str:
    ips = runtime.sandbox.ips if runtime.sandbox is not None else ()
    if (pod.get("spec") or {}).get("hostNetwork"):
        ips = host_ips
    return next(iter(ips), "")
