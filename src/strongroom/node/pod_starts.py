"""The starts of one pod: its sandbox, and its containers, each once image, sandbox and back-off allow it.

Rules: the kubelet's `SyncPod` and its back-off of containers that crash. What fails is told in an Event and
in `waiting`, and put off; nothing here decides what is to be started (`runtime.plan` does).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from strongroom.api.core.v1.pod import references
from strongroom.machinery.gvk import Object
from strongroom.node import admission, container_start, events
from strongroom.node.cri.errors import CRIError
from strongroom.node.images import puller
from strongroom.node.lookup import NotSyncedError
from strongroom.node.operations import Operations
from strongroom.node.pod_status import Waiting
from strongroom.node.pod_volumes import PodVolumes
from strongroom.node.runtime import labels
from strongroom.node.runtime.observed import Container, PodRuntime, Sandbox
from strongroom.node.runtime.plan import Start
from strongroom.node.services import Services

_RETRY: Final = 10.0
_OBSTACLE_RETRY: Final = 60.0
"""Seconds between two Events about what a pod asks for and this node cannot do."""


class PodStarts:
    """`runtime` gives the pod as last seen in the runtime; a start ends early where `wanted` is no more;
    `started` is told of the pod and the container that has been started."""

    def __init__(
        self,
        services: Services,
        operations: Operations,
        volumes: PodVolumes,
        *,
        runtime: Callable[[], PodRuntime],
        wanted: Callable[[], bool],
        started: Callable[[Object, str], Awaitable[None]],
    ) -> None:
        self.waiting: dict[str, Waiting] = {}
        """By container: why its next start has not come to pass."""
        self._services = services
        self._operations = operations
        self._volumes = volumes
        self._runtime = runtime
        self._wanted = wanted
        self._started = started
        self._told: set[str] = set()
        """Ids of the containers whose back-off has been told."""

    # Containers

    def consider(self, pod: Object, start: Start) -> float | None:
        """Start a container now, unless it crashed too often; then the seconds it has to wait."""
        name = str(start.container["name"])
        operation = f"start:{name}"
        if not self._operations.may(operation):
            return None
        if start.previous is not None:
            key = (pod["metadata"]["uid"], name, labels.container_hash(start.container))
            ended = start.previous.finished_at / 1e9
            back_offs = self._services.crash_back_offs
            if remaining := back_offs.remaining(key, ended):
                self._crash_loop(pod, start, start.previous, back_offs.delay(key))
                return remaining
            back_offs.next(key, ended)
        self._operations.start(operation, self._start(pod, start, operation))
        return None

    def _crash_loop(self, pod: Object, start: Start, previous: Container, delay: float) -> None:
        name, full_name = previous.name, labels.full_name(pod)
        text = f"back-off {puller.go_duration(delay)} restarting failed container={name} pod={full_name}"
        self.waiting[name] = Waiting("CrashLoopBackOff", text)
        if previous.id not in self._told:
            self._told.add(previous.id)
            message = f"Back-off restarting failed container {name} in pod {full_name}"
            path = events.field_path(start.container, is_init=start.is_init)
            self._services.recorder.event(pod, events.WARNING, "BackOff", message, path)

    async def _start(self, pod: Object, start: Start, operation: str) -> None:
        """Image and sandbox side by side, then the container."""
        name = str(start.container["name"])
        try:
            image = await self._services.puller.ensure(
                pod,
                start.container,
                self._pull_secrets(pod),
                container_start.sandbox_config(self._services, pod, 0),
                is_init=start.is_init,
                is_ephemeral=start.is_ephemeral,
            )
            home = await self._home()
            if home is None or not self._wanted():
                return
            self._operations.critical(operation)
            await container_start.start_container(
                self._services,
                pod,
                start,
                image,
                home,
                self._volumes.held,
                self._runtime(),
                wanted=self._wanted,
                started=lambda: self._operations.optional(operation),
            )
        except NotSyncedError:
            self._operations.block(operation)  # until the object has been read
        except puller.ImageError as error:
            self.waiting[name] = Waiting(error.reason, error.message)
            remaining = self._services.puller.remaining(pod, start.container)
            # Soon after a failure the status says that the node waits before it tries again.
            self._operations.block(operation, 1.0 if error.reason == "ErrImagePull" else remaining or _RETRY)
        except container_start.StartError as error:
            self.waiting[name] = Waiting(error.reason, error.message)
            path = events.field_path(start.container, is_init=start.is_init, is_ephemeral=start.is_ephemeral)
            if error.event:
                self._services.recorder.event(pod, events.WARNING, "Failed", f"Error: {error.event}", path)
            self._operations.block(operation, _RETRY if error.reason.startswith("Create") else 1.0)
        else:
            self.waiting.pop(name, None)
            await self._started(pod, name)

    def _pull_secrets(self, pod: Object) -> list[Object]:
        names = references.pull_secret_names(pod)
        namespace = pod["metadata"]["namespace"]
        found = [(name, self._services.objects.secret(namespace, name)) for name in names]
        if missing := [name for name, secret in found if secret is None]:
            self._services.recorder.event(
                pod,
                events.WARNING,
                "FailedToRetrieveImagePullSecret",
                f"Unable to retrieve some image pull secrets ({', '.join(missing)});"
                " attempting to pull the image may not succeed.",
            )
        return [secret for _, secret in found if secret is not None]

    # The sandbox

    async def _home(self) -> Sandbox | None:
        """The sandbox to start in, waited for while it is being made; None if that failed."""
        if (making := self._operations.get("sandbox")) is not None:
            made: Sandbox | None = await asyncio.shield(making)
            return made
        sandbox = self._runtime().sandbox
        return sandbox if sandbox is not None and sandbox.ready else None

    async def make_sandbox(self, pod: Object, attempt: int, dead: Sandbox | None) -> Sandbox | None:
        """Make sandbox number `attempt`, in the place of one that is `dead`; None if that failed."""
        services = self._services
        if (obstacle := admission.obstacle(pod)) is not None:
            services.recorder.event(pod, events.WARNING, *obstacle)
            self._operations.block("sandbox", _OBSTACLE_RETRY)
            return None
        self._operations.critical("sandbox")
        try:
            if dead is not None:
                services.recorder.event(
                    pod,
                    events.NORMAL,
                    "SandboxChanged",
                    "Pod sandbox changed, it will be killed and re-created.",
                )
                await services.cri.stop_pod_sandbox(dead.id)
            return await container_start.make_sandbox(services, pod, attempt)
        except CRIError as error:
            message = f"Failed to create pod sandbox: {error.rpc}"
            services.recorder.event(pod, events.WARNING, "FailedCreatePodSandBox", message)
            self._operations.block("sandbox", 2.0)
            return None
