"""The workers of a node: one for each pod that is bound to it, and for each that has left traces on it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from strongroom.aio.tasks import TaskGroup
from strongroom.api.core.v1.pod import node_affinity
from strongroom.machinery.gvk import Object
from strongroom.node import admission, pod_status
from strongroom.node.object_cache import Reference
from strongroom.node.pod_worker import PodWorker
from strongroom.node.runtime.observed import Container
from strongroom.node.services import Services

_log = logging.getLogger(__name__)
AT_A_STRETCH = 0.005
"""Seconds for which files are written before others have a turn, which may last longer than this."""


class PodWorkers:
    """Notes what happened with the right worker, and starts and forgets workers. Nothing here waits."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._workers: dict[str, PodWorker] = {}
        self._undelivered: list[PodWorker] = []
        self._delivered: dict[str, PodWorker] = {}
        """Those that are still to be told of what followed for their files, by uid, first come first."""
        self._delivering = False
        self._tasks = TaskGroup("pod-workers", describe_errors=False)

    def pod_changed(self, kind: str, pod: Object) -> None:
        """An event of the pod's object: ADDED, MODIFIED or DELETED. A callback for an informer."""
        uid = pod["metadata"]["uid"]
        if kind == "DELETED":
            if (worker := self._workers.get(uid)) is not None:
                worker.object_gone()
            return
        worker = self._worker(uid)
        if worker.pod is None and not _was_taken(pod):
            others = self.active()
            machine = self._services.machine
            worker.refused = admission.refuse(pod, others, machine.capacity(), app_armor=machine.app_armor)
            worker.chooses = node_affinity.chooses(pod.get("spec") or {})
        worker.update(pod)

    def object_changed(self, uid: str, reference: Reference | None = None) -> None:
        """A Secret or ConfigMap that the pod uses changed; without one it was a token.

        The files of all pods come first, then whatever else follows from the change: one Secret may be in
        every pod of the node, and none of them is to wait for the others' status.
        """
        if (worker := self._workers.get(uid)) is not None:
            worker.volumes_changed(reference)
            self._undelivered.append(worker)
            if not self._delivering:
                self._delivering = True
                self._tasks.spawn("deliver", self._deliver())

    async def _deliver(self) -> None:
        """Files before all else, those of a change that comes meanwhile too."""
        clock = self._services.clock
        try:
            while self._undelivered or self._delivered:
                batch, self._undelivered = self._undelivered, []
                began = clock.monotonic()
                with self._services.deliveries.held():
                    for worker in batch:
                        worker.deliver()
                        self._delivered[worker.uid] = worker
                        if clock.monotonic() - began >= AT_A_STRETCH:
                            await asyncio.sleep(0)
                            began = clock.monotonic()
                # One at a time: the next change would have to wait for what all of them do.
                self._delivered.pop(next(iter(self._delivered))).object_changed()
                await asyncio.sleep(0)
        finally:
            self._delivering = False

    def active(self) -> list[Object]:
        """The pods that run here, or are to."""
        return [each.pod for each in self._workers.values() if each.active and each.pod is not None]

    def evict(self, uid: str, message: str) -> None:
        """End a pod that uses more than it may."""
        if (worker := self._workers.get(uid)) is not None:
            worker.evict(message)

    def probes_changed(self, uid: str) -> None:
        """A probe of one of the pod's containers found something else than before."""
        if (worker := self._workers.get(uid)) is not None:
            worker.probes_changed()

    def container_ended(self, container_id: str) -> None:
        """A container or a sandbox ended, as the runtime reports."""
        for worker in self._workers.values():
            if container_id in worker.ids:
                worker.runtime_changed(container_id)
                return
        # One that ends as soon as it starts does so before its worker has seen it.
        for worker in self._workers.values():
            worker.unknown_ended(container_id)

    def out_of_memory(self, container_id: str) -> None:
        """A container had no memory left, as the runtime reports: it gives that as the reason of its end."""
        for worker in self._workers.values():
            if container_id in worker.ids:
                worker.out_of_memory()
                return

    def runtime_changed(self) -> None:
        """Anything may have happened in the runtime."""
        for worker in self._workers.values():
            worker.runtime_changed()

    async def look_again(
        self, seconds: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Let each worker look at the runtime once within so many seconds, which is how long this takes.

        One after the other: all of them at once would hold up what is urgent meanwhile."""
        workers = list(self._workers.values())
        for worker in workers:
            await sleep(seconds / len(workers))
            worker.runtime_changed()
        if not workers:
            await sleep(seconds)

    def clean_up(self, uids: Iterable[str]) -> None:
        """Remove what pods have left whose objects are gone. Those that have a worker are left to it."""
        for uid in uids:
            if uid not in self._workers:
                _log.info("cleaning up after pod %s, which is gone", uid)
                self._worker(uid).object_gone()

    def running(self) -> list[Container]:
        """The containers of all pods that run, as last seen."""
        return [container for worker in self._workers.values() for container in worker.running]

    def known(self) -> set[str]:
        """Uids of the pods that have a worker."""
        return set(self._workers)

    def _worker(self, uid: str) -> PodWorker:
        worker = self._workers.get(uid)
        if worker is None:
            worker = self._workers[uid] = PodWorker(uid, self._services)
            self._tasks.spawn(uid, self._run(worker))
        return worker

    async def _run(self, worker: PodWorker) -> None:
        await worker.run()
        if self._workers.get(worker.uid) is worker:
            del self._workers[worker.uid]

    async def aclose(self) -> None:
        """End the workers; containers go on running."""
        await self._tasks.aclose()
        for worker in self._workers.values():
            await worker.aclose()


def _was_taken(pod: Object) -> bool:
    """Whether the pod has run here before: whoever took it then does not refuse it now."""
    status = pod.get("status") or {}
    return bool(status.get("startTime")) or status.get("phase") in pod_status.TERMINAL
