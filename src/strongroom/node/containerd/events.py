"""What happens to containers, as containerd tells it, so that the node looks at a pod at once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple

from strongroom.node.containerd import _generated_task_events_pb2 as pb
from strongroom.node.containerd import _generated_types_pb2 as types_pb
from strongroom.node.containerd import client as clients
from strongroom.node.containerd import errors

_log = logging.getLogger(__name__)

Kind = Literal["start", "exit", "oom", "delete", "resync"]

_FILTERS = [
    f'namespace=="{clients.NAMESPACE}",topic=="/tasks/{topic}"'
    for topic in ("start", "exit", "oom", "delete")
]
_RETRY_DELAY = 0.2


class ContainerEvent(NamedTuple):
    """One event.

    `start`, `exit`, `oom`, `delete`: of the container `container_id`, which may be a pod's sandbox, or of the
    exec `exec_id` in it (empty: of its first process). `resync`: the stream has begun, again perhaps; events
    before it may have been missed, so whoever follows looks at everything once.
    """

    kind: Kind
    container_id: str = ""
    exec_id: str = ""
    exit_status: int = 0


class ContainerEvents:
    """Async-iterable of `ContainerEvent`, without end: it connects again whenever containerd was away."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    async def __aiter__(self) -> AsyncIterator[ContainerEvent]:
        client = clients.ContainerdClient(self._endpoint)
        try:
            while True:
                try:
                    async for envelope in client.events(_FILTERS):
                        event = decode(envelope)
                        if event is not None:
                            yield event
                except errors.ContainerdError as error:
                    _log.debug("containerd's events: %s", error)
                await asyncio.sleep(_RETRY_DELAY)
        finally:
            await client.close()


def decode(envelope: types_pb.Envelope) -> ContainerEvent | None:
    """The event in an envelope; None for a kind that a node does not act on."""
    value = envelope.event.value
    match envelope.topic:
        case "":
            return ContainerEvent("resync")
        case "/tasks/start":
            return ContainerEvent("start", pb.TaskStart.FromString(value).container_id)
        case "/tasks/exit":
            exit_ = pb.TaskExit.FromString(value)
            exec_id = "" if exit_.id == exit_.container_id else exit_.id
            return ContainerEvent("exit", exit_.container_id, exec_id, exit_.exit_status)
        case "/tasks/oom":
            return ContainerEvent("oom", pb.TaskOOM.FromString(value).container_id)
        case "/tasks/delete":
            delete = pb.TaskDelete.FromString(value)
            exec_id = "" if delete.id == delete.container_id else delete.id
            return ContainerEvent("delete", delete.container_id, exec_id, delete.exit_status)
    return None
