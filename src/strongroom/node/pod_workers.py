"""The workers of a node: one for each pod that is bound to it, and for each that has left traces on it."""

import asyncio
import logging
from collections.abc import Iterable

from strongroom.aio.tasks import TaskGroup
from strongroom.machinery.gvk import Object
from strongroom.node import admission, pod_status
from strongroom.node.object_cache import Reference
from strongroom.node.pod_worker import PodWorker
from strongroom.node.runtime.observed import Container
from strongroom.node.services import Services

_log = logging.getLogger(__name__)


class PodWorkers:
    """Notes what happened with the right worker, and starts and forgets workers. Nothing here waits."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._workers: dict[str, PodWorker] = {}
        self._undelivered: list[PodWorker] = []
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
            others = [each.pod for each in self._workers.values() if each.active and each.pod is not None]
            machine = self._services.machine
            worker.refused = admission.refuse(pod, others, machine.capacity(), app_armor=machine.app_armor)
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
        try:
            while self._undelivered:
                batch, self._undelivered = self._undelivered, []
                for worker in batch:
                    worker.deliver()
                    await asyncio.sleep(0)
                for worker in batch:
                    worker.object_changed()
        finally:
            self._delivering = False

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
