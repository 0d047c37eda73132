"""Of several servers on one store, one runs the controllers: who holds the Lease.

Rules: `client-go/tools/leaderelection`. The holder renews its Lease; another takes it when it has seen no
renewal for the Lease's duration by its own clock. Who can't renew in time stops before that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from strongroom.aio.clock import Clock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.rest import Client
from strongroom.client.transport import ConnectionFailed
from strongroom.machinery.gvk import Object
from strongroom.machinery.status import StatusError

NAMESPACE: Final = "kube-system"
LEASE_SECONDS: Final = 15
RENEW_DEADLINE: Final = 10.0
"""Seconds without a renewal after which the holder stops."""
RETRY_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[object]]


class LeaderElection:
    """`identity` must be distinct for each candidate."""

    def __init__(
        self, client: Client, name: str, identity: str, clock: Clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._client = client
        self._name = name
        self._identity = identity
        self._clock = clock
        self._sleep = sleep
        self._seen: tuple[object, float] = (None, 0.0)
        """The Lease's spec as last seen to change, and when."""

    async def lead(self, run: Callable[[], Awaitable[None]]) -> None:
        """Whenever the Lease is held here `run` runs; it is cancelled when the Lease is lost."""
        while True:
            while not await self._acquire():
                await self._sleep(RETRY_SECONDS)
            _log.info("this server runs the controllers")
            async with TaskGroup("leader") as group:
                work = group.spawn("run", _awaited(run))
                await self._hold(work)
            _log.warning("this server runs the controllers no more")

    async def _hold(self, work: "asyncio.Task[None]") -> None:
        """Renew until that has failed for too long, or the work has ended."""
        renewed = self._clock.monotonic()
        while not work.done():
            await self._sleep(RETRY_SECONDS)
            if await self._acquire():
                renewed = self._clock.monotonic()
            elif self._clock.monotonic() - renewed > RENEW_DEADLINE or self._is_anothers():
                return

    def _is_anothers(self) -> bool:
        spec = self._seen[0]
        return isinstance(spec, dict) and spec.get("holderIdentity") not in (self._identity, "", None)

    async def release(self) -> None:
        """Give the Lease up, if it is held here, so that another need not wait for it."""
        try:
            lease = await self._client.get(resources.LEASES, self._name, NAMESPACE)
            if lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                await self._client.update(resources.LEASES, lease, NAMESPACE)
        except (StatusError, ConnectionFailed):
            return  # it runs out by itself

    async def _acquire(self) -> bool:
        """Take or renew the Lease; whether it is held here now."""
        try:
            try:
                lease = await self._client.get(resources.LEASES, self._name, NAMESPACE)
            except StatusError as error:
                if error.code != 404:
                    raise
                await self._client.create(resources.LEASES, self._lease(), NAMESPACE)
                return True
            spec = lease.get("spec") or {}
            if self._is_held(spec):
                return False
            taken = spec.get("holderIdentity") != self._identity
            lease["spec"] = self._spec(spec, taken=taken)
            await self._client.update(resources.LEASES, lease, NAMESPACE)
        except (StatusError, ConnectionFailed):
            return False
        self._seen = (lease["spec"], self._clock.monotonic())
        return True

    def _is_held(self, spec: Object) -> bool:
        """Whether another has it, by what was seen of it: other servers' clocks may go wrong."""
        now = self._clock.monotonic()
        if spec != self._seen[0]:
            self._seen = (spec, now)
        holder = spec.get("holderIdentity")
        if not holder or holder == self._identity:
            return False
        return now - self._seen[1] < float(spec.get("leaseDurationSeconds") or LEASE_SECONDS)

    def _lease(self) -> Object:
        metadata = {"name": self._name, "namespace": NAMESPACE}
        return {
            "kind": "Lease",
            "apiVersion": resources.LEASES.api_version,
            "metadata": metadata,
            "spec": self._spec({}, taken=True),
        }

    def _spec(self, before: Object, *, taken: bool) -> Object:
        now = _micro_time(self._clock.now())
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": LEASE_SECONDS,
            "acquireTime": now if taken else before.get("acquireTime") or now,
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (1 if taken and before else 0),
        }


async def _awaited(run: Callable[[], Awaitable[None]]) -> None:
    await run()


def _micro_time(now: datetime) -> str:
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")
