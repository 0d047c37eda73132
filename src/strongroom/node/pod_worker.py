"""One pod on this node, from its first sight to its last trace.

A worker is woken when something happened (the pod's object or one that it uses changed, the runtime reported,
an operation ended, a delay is over). Then it takes one look at all facts and does what follows from them:

    RUNNING      volumes, sandbox, images and containers are brought to what the pod asks for; what takes time
                 runs as an operation of its own, so that nothing waits for what it does not need
    ENDING       the pod was deleted, is past its deadline, or has ended by itself: operations are finished,
                 containers are stopped, the sandbox and the volumes are taken down
    ENDED        nothing of it is left running; its object is still there (a Job's pod, say)
    GONE         object and traces are gone; the worker's task ends

State is never remembered where it can be looked up: containers and sandboxes are read from the runtime again
after each event, so a worker that starts anew beside running containers adopts them without a difference.
"""

import asyncio
import logging
from datetime import datetime
from enum import Enum

from strongroom.aio.backoff import Backoff
from strongroom.machinery.gvk import Object
from strongroom.node import (
    admission,
    events,
    log_rotation,
    pod_status,
    pod_termination,
    resizing,
)
from strongroom.node.cri.errors import CRIError
from strongroom.node.delivery import receipt
from strongroom.node.object_cache import Reference, references_of
from strongroom.node.operations import Operations
from strongroom.node.pod_starts import PodStarts
from strongroom.node.pod_volumes import PodVolumes
from strongroom.node.runtime import container as containers
from strongroom.node.runtime import labels, observed, plan, termination_message
from strongroom.node.runtime.observed import Container, Sandbox, State
from strongroom.node.services import Services
from strongroom.node.volumes.payload import VolumeError

_log = logging.getLogger(__name__)
_MOST_UNKNOWN = 64
"""Ends of containers that nobody knows, before it is looked which of them are the pod's."""
_NODE_RETRY = 1.0
EVICTED = "Evicted"
_DEADLINE_TEXT = "Pod was active on the node longer than the specified deadline"


class Stage(Enum):
    RUNNING = "running"
    ENDING = "ending"
    ENDED = "ended"
    GONE = "gone"


class PodWorker:
    """`run` is the worker's task; the other public methods only leave a note for it and never wait."""

    def __init__(self, uid: str, services: Services) -> None:
        self.uid = uid
        self.stage = Stage.RUNNING
        self.ids: set[str] = set()
        """Ids of the pod's sandboxes and containers."""
        self.pod: Object | None = None
        self.refused: admission.Refusal | None = None
        """Why this node does not run the pod; set before the first `update`, if at all."""
        self.chooses = False
        """Whether it is still to be seen if the pod wants this node; set before the first `update`."""
        self._services = services
        self._object_gone = False
        self._runtime = observed.EMPTY
        self._stale = True
        self._exited: set[str] = set()
        self._retell = False
        self._volumes = PodVolumes(services)
        self._resizing = resizing.Resizing(services)
        self._messages: dict[str, str] = {}
        self._failure: tuple[str, str] | None = None
        self._status: Object | None = None
        self._operations = Operations(f"pod-{uid}", services.clock, self.runtime_changed)
        self._starts = PodStarts(
            services,
            self._operations,
            self._volumes,
            runtime=lambda: self._runtime,
            wanted=self._wanted,
            started=self._remove_old_attempts,
        )
        self._grace_in_use = pod_termination.DEFAULT_GRACE
        self._observe_backoff = Backoff(0.02, 2.0)
        self._wake = asyncio.Event()

    @property
    def finished(self) -> bool:
        """Whether nothing of the pod is left."""
        return self.stage is Stage.GONE

    @property
    def active(self) -> bool:
        """Whether the pod is one that runs here, or is to."""
        return self.stage is Stage.RUNNING and self.pod is not None and self.refused is None

    @property
    def running(self) -> list[Container]:
        """The containers that run, as last seen."""
        return self._runtime.running

    # Notes

    def update(self, pod: Object) -> None:
        """The pod's object is new, or has changed."""
        before = self.pod
        self.pod = pod
        if before is None and self.refused is None:
            for text in admission.ignored(pod):
                self._services.recorder.event(pod, events.WARNING, "IgnoredField", text)
        if before is None or _differs(before, pod):
            self._volumes.dirty = True
            self._services.objects.use(self.uid, references_of(pod))
            self._operations.unblock()
        self._wake.set()

    def object_gone(self) -> None:
        """The pod's object is not in the API any more."""
        self._object_gone = True
        self._wake.set()

    def object_changed(self) -> None:
        """A Secret or ConfigMap that the pod uses changed: what could not be done before may be done now."""
        self._operations.unblock()
        self._wake.set()

    def volumes_changed(self, reference: Reference | None) -> None:
        """The volumes that are made of this object (None: all) have to be brought up to date."""
        self._volumes.changed(reference)

    def deliver(self) -> None:
        """Bring the volumes up to date, at once. What fails is told, and tried again by `run`."""
        pod = self.pod
        try:
            if pod is not None and self.stage is Stage.RUNNING and not self._must_end(pod):
                self._volumes.refresh(pod)
        except Exception as error:
            # The message may carry a value that was being handled.
            _log.error("volumes of pod %s: %s", self.uid, type(error).__name__)

    def runtime_changed(self, exited: str = "") -> None:
        """Something happened to the pod in the runtime; the container `exited` ended."""
        self._stale = True
        if exited:
            self._exited.add(exited)
        self._wake.set()

    def unknown_ended(self, container_id: str) -> None:
        """A container ended that no worker has seen yet: if it is the pod's, what the runtime says of it when
        it is first seen may be out of date."""
        self._exited.add(container_id)
        if len(self._exited) > _MOST_UNKNOWN:  # A look at the runtime drops those that are others'.
            self._stale = True
            self._wake.set()

    def out_of_memory(self) -> None:
        """A container of the pod had no memory left. That may be told after its end, even the pod's."""
        self._retell = True
        self.runtime_changed()

    def evict(self, message: str) -> None:
        """End the pod, with as little grace as there is: it uses more than it may."""
        if self.pod is not None and self.active and self._failure is None:
            self._failure = (EVICTED, message)
            self._services.recorder.event(self.pod, events.WARNING, EVICTED, message)
            self._wake.set()

    def probes_changed(self) -> None:
        """A probe found something else than before."""
        self._wake.set()

    async def aclose(self) -> None:
        """Leave the pod alone: end all operations, touch no container."""
        await self._operations.aclose()

    # The loop

    async def run(self) -> None:
        """Work until the pod is gone."""
        while not self.finished:
            self._wake.clear()
            delay: float | None
            try:
                delay = await self._step()
            except CRIError as error:
                _log.debug("pod %s: %s", self.uid, error)
                delay = 1.0
            except Exception as error:
                # The message may carry a value that was being handled.
                _log.error("worker of pod %s: %s", self.uid, type(error).__name__)
                delay = 5.0
            if not self.finished:
                await self._sleep(delay)
        await self._operations.aclose()

    async def _sleep(self, delay: float | None) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _step(self) -> float | None:
        """One look at everything; seconds until the next one is due without an event."""
        pod = self.pod
        if pod is not None and self.chooses and self.refused is None and not self._must_end(pod):
            # Asked now: the node may have been given the label a moment ago for which the pod is here.
            node = await self._services.own_node()
            if node is None:
                return _NODE_RETRY
            self.refused = admission.misplaced(pod, node)
            self.chooses = False
            pod = self.pod
        if pod is not None and self.refused is not None and self._failure is None:
            self._refuse(pod, self.refused)
        if pod is not None and self.stage is Stage.RUNNING and not self._must_end(pod):
            # Volumes first: a changed Secret reaches its files before anything else is done.
            self._volumes.refresh(pod)
        delays = [await self._observe()]
        if self.stage is Stage.RUNNING and (pod is None or self._must_end(pod)):
            self.stage = Stage.ENDING
        if self.stage is Stage.RUNNING and pod is not None:
            delays += self._run_steps(pod)
        elif self.stage is Stage.ENDING or (self.stage is Stage.ENDED and self._wants_removal(pod)):
            delays.append(await self._end(pod))
        elif self._retell and pod is not None and not self._runtime.empty:
            self._retell = False
            self._publish(pod, ended=True)
        return min((delay for delay in delays if delay is not None), default=None)

    def _wants_removal(self, pod: Object | None) -> bool:
        return self._object_gone or pod is None or bool(pod["metadata"].get("deletionTimestamp"))

    def _must_end(self, pod: Object) -> bool:
        if self._wants_removal(pod) or self._failure:
            return True
        if (pod.get("status") or {}).get("phase") in pod_status.TERMINAL:
            return True
        return self._deadline_in(pod) == 0.0

    # Facts

    async def _observe(self) -> float | None:
        """Read the runtime if something happened. Where it lags behind its own events: again soon."""
        if not self._stale:
            return None
        self._stale = False
        try:
            self._runtime = await self._services.observe(self.uid)
        except CRIError:
            self._stale = True
            raise
        self.ids = {container.id for container in self._runtime.all_containers()}
        if self._runtime.sandbox:
            self.ids.add(self._runtime.sandbox.id)
        self._read_messages()
        running = {container.id for container in self._runtime.running}
        if self._runtime.sandbox and self._runtime.sandbox.ready:
            running.add(self._runtime.sandbox.id)
        self._exited &= running
        if self._exited:
            self._stale = True
            return self._observe_backoff.next()
        self._observe_backoff.reset()
        return None

    def _read_messages(self) -> None:
        for container in self._runtime.all_containers():
            if container.state is State.EXITED and container.id not in self._messages:
                self._messages[container.id] = termination_message.read(container)
                self._services.forget_env(container.id)

    def _refuse(self, pod: Object, refused: admission.Refusal) -> None:
        """The pod ends before it began."""
        self._failure = (refused.reason, f"Pod was rejected: {refused.message}")
        self._services.recorder.event(pod, events.WARNING, refused.reason, refused.message)
        self._services.statuses.set(pod, pod_status.rejected(pod, *self._failure, self._services.now()))

    def _publish(self, pod: Object, *, ended: bool = False) -> None:
        """Tell the API what is; `ended`: all of the pod has been stopped."""
        facts = pod_status.Facts(
            runtime=self._runtime,
            now=self._services.now(),
            host_ips=self._services.machine.ips,
            waiting=self._starts.waiting,
            messages=self._messages,
            ready=self._services.probes.ready,
            started=self._services.probes.started,
            condemned=lambda container: self._services.probes.failed(container) is not None,
            given=self._resizing.given,
            terminating=self.stage is not Stage.RUNNING,
            ended=ended,
            # Not while some of it runs: others take a pod that has failed for one that has stopped.
            reason=self._failure[0] if self._failure and ended else "",
            message=self._failure[1] if self._failure and ended else "",
        )
        self._status = pod_status.generate(pod, facts, self._status)
        self._services.statuses.set(pod, self._status)
        held = receipt.deliveries(pod, self._runtime, self._volumes.held)
        self._services.deliveries.set(pod, held)

    # Running

    def _run_steps(self, pod: Object) -> list[float | None]:
        """Start what is missing; delays after which there is more to do."""
        ready = self._volumes.refresh(pod)
        self._services.probes.follow(pod, self._runtime, self._services.machine.ips)
        steps = plan.decide(pod, self._runtime, self._services.probes)
        delays = [self._volumes.retry_in(), self._deadline_in(pod)]
        if steps.done and not self._operations:
            self._publish(pod)
            self.stage = Stage.ENDING
            return [0.0]
        for kill in steps.kills:
            self._operations.start(f"kill:{kill.container.id}", self._kill(pod, kill))
        for resize in self._resizing.due(pod, self._runtime):
            self._resize(pod, resize)
        if ready:
            home_due = steps.sandbox_attempt is None
            if steps.sandbox_attempt is not None and self._operations.may("sandbox"):
                dead = self._runtime.sandbox if steps.replaces_sandbox else None
                self._operations.start("sandbox", self._make_sandbox(pod, steps.sandbox_attempt, dead))
            if home_due or self._operations.get("sandbox") is not None:
                delays += [self._starts.consider(pod, start) for start in steps.starts]
        self._publish(pod)
        return [*delays, self._operations.next_due()]

    def _resize(self, pod: Object, resize: resizing.Resize) -> None:
        """Give a container what it is to have now, unless that was refused a moment ago."""
        container = resize.container
        if resize.restarts:
            kill = plan.Kill(container, f"Container {container.name} resize requires restart")
            self._operations.start(f"kill:{container.id}", self._kill(pod, kill))
        elif self._operations.may(f"resize:{container.id}"):
            self._operations.start(f"resize:{container.id}", self._resizing.apply(pod, resize))

    def _wanted(self) -> bool:
        return self.stage is Stage.RUNNING and (self.pod is None or not self._must_end(self.pod))

    async def _make_sandbox(self, pod: Object, attempt: int, dead: Sandbox | None) -> Sandbox | None:
        made = await self._starts.make_sandbox(pod, attempt, dead)
        if made is not None:
            self.ids.add(made.id)
        return made

    async def _kill(self, pod: Object, kill: plan.Kill) -> None:
        self._operations.critical(f"kill:{kill.container.id}")
        await pod_termination.stop_container(
            self._services, pod, kill.container, self._runtime, lambda: self._kill_grace(kill), kill.message
        )
        if kill.container.state is State.UNKNOWN:
            await self._services.cri.remove_container(kill.container.id)

    def _kill_grace(self, kill: plan.Kill) -> int:
        """What the probe says that ends the container; unless the pod is being deleted."""
        if kill.grace is None or self.pod is None or self._wants_removal(self.pod):
            return self._grace(self.pod)
        return kill.grace

    async def _remove_old_attempts(self, pod: Object, name: str) -> None:
        """Keep one ended container beside the one that runs, with its log; and no sandbox that is empty."""
        logs = self._services.logs_dir / labels.log_directory(pod)
        removed = set()
        for container in (self._runtime.containers.get(name) or ())[1:]:
            if container.state is State.EXITED:
                await self._services.cri.remove_container(container.id)
                log_rotation.remove(logs / containers.log_path(name, container.attempt))
                self._messages.pop(container.id, None)
                removed.add(container.id)
        left = (item for item in self._runtime.all_containers() if item.id not in removed)
        in_use = {container.sandbox_id for container in left}
        for sandbox in self._runtime.old_sandboxes:
            if not sandbox.ready and sandbox.id not in in_use:
                await self._services.cri.remove_pod_sandbox(sandbox.id)

    # Ending

    def _deadline_in(self, pod: Object) -> float | None:
        """Seconds until `activeDeadlineSeconds` are over; None: there is no deadline."""
        limit = (pod.get("spec") or {}).get("activeDeadlineSeconds")
        started = (pod.get("status") or {}).get("startTime")
        if limit is None or not started:
            return None
        begin = datetime.fromisoformat(started)
        left = int(limit) - (self._services.now() - begin).total_seconds()
        if left <= 0 and self._failure is None:
            self._failure = ("DeadlineExceeded", _DEADLINE_TEXT)
            self._services.recorder.event(pod, events.NORMAL, "DeadlineExceeded", _DEADLINE_TEXT)
        return max(0.0, left)

    def _grace(self, pod: Object | None) -> int:
        if self._failure is not None and self._failure[0] == EVICTED:
            return pod_termination.LEAST_GRACE
        return pod_termination.grace_period(pod, self._runtime, gone=self._object_gone)

    async def _end(self, pod: Object | None) -> float | None:
        """Begin or go on ending; the work is one operation, so that the worker still hears of changes."""
        if self._operations.may("end"):
            self._operations.start("end", self._end_pod())
        elif pod is not None and self.stage is Stage.ENDING and self._runtime.running:
            self._hurry()
            if self._wants_removal(pod) and not self._object_gone and not self._failure:
                self._services.probes.follow(pod, self._runtime, self._services.machine.ips)
                self._publish(pod)  # what still runs may not be ready any more
        return self._operations.next_due()

    def _hurry(self) -> None:
        """A second deletion may have shortened the grace: containers that have not stopped are told."""
        grace = self._grace(self.pod)
        if grace >= self._grace_in_use:
            return
        self._grace_in_use = grace
        for container in self._runtime.running:
            stop = self._services.cri.stop_container(container.id, max(pod_termination.MIN_GRACE, grace))
            self._operations.start(f"hurry:{container.id}:{grace}", stop)

    async def _end_pod(self) -> None:
        services = self._services
        services.probes.stop(self.uid)
        await self._operations.finish(beside="end")
        self._runtime = await services.observe(self.uid)
        self.ids |= {container.id for container in self._runtime.all_containers()}
        self._grace_in_use = self._grace(self.pod)
        if self._runtime.running:
            await pod_termination.stop_containers(
                services, self.pod, self._runtime, lambda: self._grace(self.pod)
            )
        self._runtime = await services.observe(self.uid)
        self._read_messages()
        services.probes.forget(self.uid)
        told = self.refused is not None or (self._failure is None and self._runtime.empty)
        if self.pod is not None and not self._object_gone and not told:
            self._publish(self.pod, ended=True)
        await pod_termination.stop_sandboxes(services, self._runtime)
        try:
            await pod_termination.take_down_volumes(services, self.uid)
        except VolumeError as error:
            _log.warning("volumes of pod %s: %s", self.uid, error)
            self._operations.block("end", 1.0)
            return
        self.stage = Stage.ENDED
        if self._wants_removal(self.pod):
            await self._remove()

    async def _remove(self) -> None:
        """Remove the last traces, then the object."""
        services, pod = self._services, self.pod
        await pod_termination.remove(services, self.uid, pod, self._runtime)
        if pod is not None and not self._object_gone:
            await services.statuses.flush(self.uid)
            await pod_termination.delete_object(services.client, pod, lambda: self._object_gone)
        services.objects.release(self.uid)
        services.statuses.forget(self.uid)
        services.deliveries.forget(self.uid)
        if pod is not None:
            services.puller.forget(pod)
        self.stage = Stage.GONE


def _differs(before: Object, after: Object) -> bool:
    """Whether a change of the object is one to its volumes, environment or containers."""
    parts = ("labels", "annotations")
    return before.get("spec") != after.get("spec") or any(
        before["metadata"].get(part) != after["metadata"].get(part) for part in parts
    )
