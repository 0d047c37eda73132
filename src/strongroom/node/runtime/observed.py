"""What the runtime says of a pod: facts, read from it whenever something happened.

A container's state is never remembered apart from these facts; what to do next follows from them.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri import errors
from strongroom.node.cri.protocol import CRI
from strongroom.node.runtime import labels

OOM_KILLED = "OOMKilled"
_CUT_SHORT = "context canceled"
"""How containerd words it that whoever asked for a start went away before it was done."""


class State(Enum):
    """A container's life: created, running, exited. Unknown: the runtime lost it."""

    CREATED = 0
    RUNNING = 1
    EXITED = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A pod sandbox. Times are nanoseconds since 1970."""

    id: str
    attempt: int = 0
    ready: bool = True
    created_at: int = 0
    ips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Container:
    """A container. `attempt` is its restart count; times are nanoseconds since 1970, 0 for not yet."""

    id: str
    name: str
    attempt: int = 0
    state: State = State.RUNNING
    sandbox_id: str = ""
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    image: str = ""
    image_ref: str = ""
    hash: str = ""
    termination_message: str = ""
    """Host path of the file that the container may leave a message in."""
    log_path: str = ""
    message_policy: str = "File"
    resources: str = ""
    """What it was given when it was made: `resources.note`; "" if nobody noted it."""
    started_with: str = ""
    """The versions of the Secrets that are fixed in it: `delivery.receipt.note`."""


@dataclass(frozen=True, slots=True)
class PodRuntime:
    """All of one pod: the newest sandbox, older ones, and containers by name, newest first."""

    name: str = ""
    namespace: str = ""
    sandbox: Sandbox | None = None
    old_sandboxes: tuple[Sandbox, ...] = ()
    containers: Mapping[str, Sequence[Container]] = field(default_factory=dict)
    grace_period: int | None = None
    """`terminationGracePeriodSeconds` as noted with the sandbox, for pods whose object is gone."""

    def latest(self, name: str) -> Container | None:
        """The newest container of that name."""
        found = self.containers.get(name)
        return found[0] if found else None

    def all_containers(self) -> Iterable[Container]:
        for containers in self.containers.values():
            yield from containers

    @property
    def empty(self) -> bool:
        return self.sandbox is None and not self.containers

    @property
    def running(self) -> list[Container]:
        return [container for container in self.all_containers() if container.state is State.RUNNING]


EMPTY = PodRuntime()


async def observe(cri: CRI, uid: str) -> PodRuntime:
    """Read all of one pod from the runtime."""
    found = await _observe(cri, {labels.POD_UID: uid})
    return found.get(uid, EMPTY)


def with_oom_kills(runtime: PodRuntime, happened: Callable[[str], bool]) -> PodRuntime:
    """The same with `OOMKilled` as the reason of each container of which `happened` knows it."""

    def corrected(container: Container) -> Container:
        if container.state is not State.EXITED or not happened(container.id):
            return container
        return replace(container, reason=OOM_KILLED)

    containers = {name: tuple(map(corrected, items)) for name, items in runtime.containers.items()}
    return replace(runtime, containers=containers)


@dataclass(frozen=True, slots=True)
class Survey:
    """Who is there: uids of pods, ids of containers, and those of containers that have not ended."""

    pods: frozenset[str]
    containers: Sequence[str]
    alive: Sequence[str]


async def survey(cri: CRI) -> Survey:
    """All that the runtime lists, in two calls however many there are."""
    sandboxes, containers = await asyncio.gather(cri.list_pod_sandboxes({}), cri.list_containers({}))
    uids = {sandbox.labels.get(labels.POD_UID, "") for sandbox in sandboxes}
    uids |= {container.labels.get(labels.POD_UID, "") for container in containers}
    return Survey(
        frozenset(uids - {""}),
        [container.id for container in containers],
        [container.id for container in containers if container.state != pb.CONTAINER_EXITED],
    )


async def observe_container(cri: CRI, container_id: str) -> Container:
    """Read one container."""
    return container_of(await cri.container_status(container_id), "")


async def _observe(cri: CRI, selector: Mapping[str, str]) -> dict[str, PodRuntime]:
    sandboxes, containers = await asyncio.gather(
        cri.list_pod_sandboxes(selector), cri.list_containers(selector)
    )
    details = dict(
        zip(
            (container.id for container in containers),
            await asyncio.gather(*(_status(cri, container) for container in containers)),
            strict=True,
        )
    )
    uids = {sandbox.labels.get(labels.POD_UID, "") for sandbox in sandboxes}
    uids |= {container.labels.get(labels.POD_UID, "") for container in containers}
    result = {}
    for uid in uids - {""}:
        own = [sandbox for sandbox in sandboxes if sandbox.labels.get(labels.POD_UID) == uid]
        own_containers = [
            status
            for container in containers
            if container.labels.get(labels.POD_UID) == uid and (status := details[container.id]) is not None
        ]
        result[uid] = await _assemble(cri, own, own_containers)
    return result


async def _status(cri: CRI, container: pb.Container) -> Container | None:
    """One container in detail; None if it is gone since it was listed."""
    try:
        return container_of(await cri.container_status(container.id), container.pod_sandbox_id)
    except errors.NotFoundError:
        return None


async def _assemble(
    cri: CRI, sandboxes: Sequence[pb.PodSandbox], containers: Sequence[Container]
) -> PodRuntime:
    newest_first = sorted(sandboxes, key=lambda item: (item.metadata.attempt, item.created_at), reverse=True)
    by_name: dict[str, list[Container]] = {}
    for container in sorted(containers, key=lambda item: (item.attempt, item.created_at), reverse=True):
        by_name.setdefault(container.name, []).append(container)
    current = None
    if newest_first:
        try:
            current = sandbox_of(await cri.pod_sandbox_status(newest_first[0].id))
        except errors.NotFoundError:
            current = None
    first = newest_first[0] if newest_first else None
    return PodRuntime(
        name=first.metadata.name if first else "",
        namespace=first.metadata.namespace if first else "",
        sandbox=current,
        old_sandboxes=tuple(_listed(item) for item in newest_first[1:]),
        containers=by_name,
        grace_period=_grace(first.annotations) if first else None,
    )


def _grace(annotations: Mapping[str, str]) -> int | None:
    noted = annotations.get(labels.GRACE_PERIOD, "")
    return int(noted) if noted.isdigit() else None


def _listed(item: pb.PodSandbox) -> Sandbox:
    ready = item.state == pb.SANDBOX_READY
    return Sandbox(item.id, item.metadata.attempt, ready, item.created_at)


def sandbox_of(status: pb.PodSandboxStatus) -> Sandbox:
    """The facts of a sandbox from the runtime's answer."""
    addresses = (status.network.ip, *(extra.ip for extra in status.network.additional_ips))
    return Sandbox(
        id=status.id,
        attempt=status.metadata.attempt,
        ready=status.state == pb.SANDBOX_READY,
        created_at=status.created_at,
        ips=tuple(address for address in addresses if address),
    )


def container_of(status: pb.ContainerStatus, sandbox_id: str) -> Container:
    """The facts of a container from the runtime's answer."""
    message_path = status.annotations.get(labels.TERMINATION_MESSAGE_PATH, "")
    files = [mount.host_path for mount in status.mounts if mount.container_path == message_path]
    return Container(
        id=status.id,
        name=status.labels.get(labels.CONTAINER_NAME) or status.metadata.name,
        attempt=status.metadata.attempt,
        state=_state_of(status),
        sandbox_id=sandbox_id,
        created_at=status.created_at,
        started_at=status.started_at,
        finished_at=status.finished_at,
        exit_code=status.exit_code,
        reason=status.reason,
        message=status.message,
        image=status.image.image,
        image_ref=status.image_ref,
        hash=status.annotations.get(labels.HASH, ""),
        termination_message=files[0] if files else "",
        log_path=status.log_path,
        message_policy=status.annotations.get(labels.TERMINATION_MESSAGE_POLICY, "File"),
        resources=status.annotations.get(labels.RESOURCES, ""),
        started_with=status.annotations.get(labels.STARTED_WITH, ""),
    )


def _state_of(status: pb.ContainerStatus) -> State:
    """A container whose start was cut short, by the end of the agent that asked for it, has never run and has
    not failed: it is taken for one that was created and is still to be started."""
    if status.reason == "StartError" and not status.started_at and _CUT_SHORT in status.message:
        return State.CREATED
    return State(status.state)
