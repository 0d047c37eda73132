"""The end of a pod: its containers stopped with grace, its volumes, sandbox and object taken away."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Awaitable, Callable, Sequence

from strongroom.aio.backoff import Backoff
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError
from strongroom.node import events, hooks
from strongroom.node.cri.errors import CRIError, NotFoundError
from strongroom.node.runtime import labels, plan
from strongroom.node.runtime.observed import Container, PodRuntime, State
from strongroom.node.services import Services

MIN_GRACE = 2
"""Seconds between a container's stop signal and its end that it has at least, whatever was spent before."""
LEAST_GRACE = 1
"""Seconds that a pod has to end by itself at least: what a hook has of a pod that was deleted by force."""
DEFAULT_GRACE = 30
_log = logging.getLogger(__name__)


def grace_period(pod: Object | None, runtime: PodRuntime, *, gone: bool) -> int:
    """Seconds that containers have to end by themselves.

    A pod whose object is `gone` was deleted by force: it has the least there is.
    """
    if gone or pod is None:
        return LEAST_GRACE
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    asked = metadata.get("deletionGracePeriodSeconds") if metadata.get("deletionTimestamp") else None
    if asked is None:
        asked = spec.get("terminationGracePeriodSeconds", runtime.grace_period)
    return max(LEAST_GRACE, int(DEFAULT_GRACE if asked is None else asked))


class _Turns:
    """Whose ends a container waits for: a sidecar for all containers that are none, and later sidecars."""

    def __init__(self, pod: Object | None, running: Sequence[Container]) -> None:
        self._ended = {container.name: asyncio.Event() for container in running}
        self._sidecars = [init["name"] for init in plan.init_containers(pod or {}) if plan.is_sidecar(init)]
        self._regular = {spec["name"] for spec in plan.spec_containers(pod or {})}

    async def wait(self, name: str) -> None:
        if name not in self._sidecars:
            return
        later = self._sidecars[self._sidecars.index(name) + 1 :]
        for other, ended in self._ended.items():
            if other in self._regular or other in later:
                await ended.wait()

    def ended(self, name: str) -> None:
        self._ended[name].set()


async def stop_containers(
    services: Services, pod: Object | None, runtime: PodRuntime, grace: Callable[[], int]
) -> None:
    """Stop all containers: hooks at once, then signals; sidecars after the others, the last started first.

    All have one grace together. Raises `CRIError` where one does not stop.
    """
    running = [item for item in runtime.all_containers() if item.state in (State.RUNNING, State.UNKNOWN)]
    turns = _Turns(pod, running)

    async def stop(container: Container) -> None:
        await stop_container(
            services, pod, container, runtime, grace, turn=lambda: turns.wait(container.name)
        )
        turns.ended(container.name)

    outcomes = await asyncio.gather(*map(stop, running), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


async def stop_container(
    services: Services,
    pod: Object | None,
    container: Container,
    runtime: PodRuntime,
    grace: Callable[[], int],
    message: str = "",
    turn: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Stop one container: its preStop hook, its stop signal, and the kill when its grace is over. `turn` is
    waited for before the signal, for as long as there is grace left."""
    began = services.clock.monotonic()
    spec = _spec_of(pod, container.name)
    if pod is not None and spec is not None:
        is_init = spec in plan.init_containers(pod)
        is_ephemeral = spec in plan.ephemeral_containers(pod)
        path = events.field_path(spec, is_init=is_init, is_ephemeral=is_ephemeral)
        text = message or f"Stopping container {container.name}"
        services.recorder.event(pod, events.NORMAL, "Killing", text, path)
        if (handler := (spec.get("lifecycle") or {}).get("preStop")) is not None:
            await _pre_stop(services, pod, spec, container, runtime, handler, grace(), path)
    left = grace() - (services.clock.monotonic() - began)
    if turn is not None and left > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await turn()
    spent = int(services.clock.monotonic() - began)
    try:
        await services.cri.stop_container(container.id, max(MIN_GRACE, grace() - spent))
    except NotFoundError:
        return
    except CRIError as error:
        _log.warning("container %s of pod %s does not stop: %s", container.name, runtime.name, error)
        if pod is not None:
            services.recorder.event(pod, events.WARNING, "FailedKillPod", f"error killing pod: {error.rpc}")
        raise


def _spec_of(pod: Object | None, name: str) -> Object | None:
    if pod is None:
        return None
    found = [*plan.spec_containers(pod), *plan.init_containers(pod), *plan.ephemeral_containers(pod)]
    return next((spec for spec in found if spec["name"] == name), None)


async def _pre_stop(
    services: Services,
    pod: Object,
    spec: Object,
    container: Container,
    runtime: PodRuntime,
    handler: Object,
    grace: int,
    path: str,
) -> None:
    address = next(iter(runtime.sandbox.ips), "") if runtime.sandbox else ""
    try:
        async with asyncio.timeout(grace):
            await hooks.run(services.exec_sync, handler, spec, container.id, address, runtime.name)
    except (hooks.HookError, TimeoutError):
        services.recorder.event(pod, events.WARNING, "FailedPreStopHook", "PreStopHook failed", path)


async def stop_sandboxes(services: Services, runtime: PodRuntime) -> None:
    """End the pod's sandboxes and give back their network. Raises `CRIError`."""
    for sandbox_id in _sandbox_ids(runtime):
        await services.cri.stop_pod_sandbox(sandbox_id)


async def take_down_volumes(services: Services, uid: str) -> None:
    """Unmount and remove all that the pod had on this machine, logs apart. Raises `VolumeError`."""
    services.volumes.forget(uid)
    await asyncio.to_thread(services.volumes.tear_down, uid)


async def remove(services: Services, uid: str, pod: Object | None, runtime: PodRuntime) -> None:
    """Remove sandboxes with their containers, and the logs. Raises `CRIError`."""
    for sandbox_id in _sandbox_ids(runtime):
        await services.cri.remove_pod_sandbox(sandbox_id)
    for container in runtime.all_containers():
        await services.cri.remove_container(container.id)
        services.forget_env(container.id)
    if services.cgroups is not None:
        services.cgroups.remove(uid)
    metadata = pod["metadata"] if pod else {"name": runtime.name, "namespace": runtime.namespace, "uid": uid}
    if metadata["name"]:
        logs = services.logs_dir / labels.log_directory({"metadata": metadata})
        await asyncio.to_thread(shutil.rmtree, logs, ignore_errors=True)


async def delete_object(client: Client, pod: Object, gone: Callable[[], bool]) -> None:
    """Delete the object of a pod of which nothing is left, until it is `gone`."""
    metadata = pod["metadata"]
    backoff = Backoff(0.1, 10.0)
    while not gone():
        try:
            await client.delete(
                resources.PODS,
                metadata["name"],
                metadata["namespace"],
                grace_period_seconds=0,
                uid=metadata["uid"],
            )
            return
        except StatusError as error:
            if error.code in (404, 409):
                return
            _log.warning("pod %s/%s: %s", metadata["namespace"], metadata["name"], error.message)
        except ConnectionFailed as error:
            _log.warning("pod %s/%s: %s", metadata["namespace"], metadata["name"], error)
        await asyncio.sleep(backoff.next())


def _sandbox_ids(runtime: PodRuntime) -> Sequence[str]:
    current = [runtime.sandbox.id] if runtime.sandbox else []
    return current + [sandbox.id for sandbox in runtime.old_sandboxes]
