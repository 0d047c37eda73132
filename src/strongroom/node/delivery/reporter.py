"""Writes delivery receipts to the API: after the files, a moment late so that changes come together.

What a pod's receipt says is made anew by each agent from the runtime and the volumes; what an agent cannot
know (the version of files that it has not written yet) it takes from the receipt that is there.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from strongroom.aio.backoff import Backoff
from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError
from strongroom.node.delivery import receipt
from strongroom.node.delivery.receipt import Delivery

_log = logging.getLogger(__name__)
SETTLE = 0.05
"""Seconds between a delivery and the telling of it."""
AT_ONCE = 4
"""Receipts that are written at the same time: the API has other things to do."""


@dataclass(slots=True)
class _Entry:
    pod: Object
    wanted: Sequence[Delivery]
    written: list[Object] | None = None
    """The deliveries that the API has; None: not looked yet."""
    busy: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Reporter:
    """Receipts upward. Writes that fail are tried again until they succeed or the pod is gone."""

    def __init__(
        self,
        client: Client,
        tasks: TaskGroup,
        clock: Clock,
        node_name: str,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._clock = clock
        self._node_name = node_name
        self._sleep = sleep
        self._entries: dict[str, _Entry] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._free = asyncio.Event()
        self._free.set()

    def set(self, pod: Object, deliveries: Sequence[Delivery]) -> None:
        """The containers of `pod` hold this now. What has been told is not told again. Never waits."""
        uid = pod["metadata"]["uid"]
        entry = self._entries.get(uid)
        if entry is None:
            if not deliveries:
                return
            entry = self._entries[uid] = _Entry(pod, ())
        if deliveries == entry.wanted:
            return
        entry.pod, entry.wanted = pod, deliveries
        if not entry.busy:
            entry.busy = True
            entry.done.clear()
            metadata = pod["metadata"]
            name = f"delivery-{metadata['namespace']}-{metadata['name']}"
            self._tasks.spawn(name, self._report(uid, entry))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """No receipt is begun meanwhile: files are being written, and are not to wait for it."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    async def flush(self, uid: str) -> None:
        """Wait until the newest receipt of the pod is written, or can't be."""
        if (entry := self._entries.get(uid)) is not None and entry.busy:
            await entry.done.wait()

    def forget(self, uid: str) -> None:
        """The pod is gone, and its receipt goes with it."""
        self._entries.pop(uid, None)

    async def _report(self, uid: str, entry: _Entry) -> None:
        backoff = Backoff(0.1, 30.0)
        try:
            await self._sleep(SETTLE)
            told: Sequence[Delivery] | None = None
            while self._entries.get(uid) is entry and told is not entry.wanted:
                attempted = entry.wanted
                async with self._slots:
                    await self._free.wait()
                    written = await self._attempt(entry)
                if written:
                    told = attempted
                    backoff.reset()
                else:
                    await self._sleep(backoff.next())
        finally:
            entry.busy = False
            entry.done.set()

    async def _attempt(self, entry: _Entry) -> bool:
        """One write; whether there is nothing to be tried again."""
        metadata = entry.pod["metadata"]
        where = f"delivery receipt of pod {metadata['namespace']}/{metadata['name']}"
        try:
            if entry.written is None:
                entry.written = await self._there(metadata)
            now = duration.timestamp(self._clock.now())
            deliveries = receipt.merged(entry.written, entry.wanted, now)
            if deliveries != entry.written:
                body = self._body(metadata, deliveries)
                await self._client.update(resources.SECRET_DELIVERIES, body, metadata["namespace"])
                entry.written = deliveries
        except ConnectionFailed as error:
            _log.debug("%s: %s", where, error)
            return False
        except StatusError as error:
            again = error.code == 429 or error.code >= 500
            # Any other refusal stays one: the pod or its namespace is going, or this API has no receipts.
            _log.log(logging.WARNING if again else logging.DEBUG, "%s: %s", where, error.message)
            return not again
        return True

    async def _there(self, metadata: Object) -> list[Object]:
        """The deliveries of the receipt that an agent before this one wrote."""
        try:
            found = await self._client.get(
                resources.SECRET_DELIVERIES, metadata["name"], metadata["namespace"]
            )
        except StatusError as error:
            if error.code != 404:
                raise
            return []
        if found.get("podUID") != metadata["uid"]:
            return []  # of an earlier pod of that name
        return list(found.get("deliveries") or ())

    def _body(self, metadata: Object, deliveries: Sequence[Object]) -> Object:
        owner = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        return {
            "kind": resources.SECRET_DELIVERIES.kind,
            "apiVersion": resources.SECRET_DELIVERIES.api_version,
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "ownerReferences": [owner],
            },
            "podUID": metadata["uid"],
            "nodeName": self._node_name,
            "deliveries": list(deliveries),
        }
