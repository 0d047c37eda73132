"""Keeps this node's rules for cluster IPs equal to the Services and their endpoints."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from strongroom.aio.backoff import Backoff
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.informer import Informer
from strongroom.client.rest import Client
from strongroom.node.service_proxy import rules
from strongroom.node.service_proxy.rules import Backend, Place

GATHER_SECONDS: Final = 0.02
"""Changes of a rollout come in bursts; one table is made of those that come within this time."""
_log = logging.getLogger(__name__)

Apply = Callable[[str], Awaitable[None]]
"""Puts a ruleset into force. Raises OSError."""


class ServiceProxy:
    """`run` until cancelled; the rules stay, as the pods do. `api`: see `rules.service_ports`."""

    def __init__(
        self,
        client: Client,
        services: Informer,
        place: Place,
        apply: Apply,
        *,
        api: Backend | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._services = services
        self._slices = Informer(client, resources.ENDPOINT_SLICES)
        self._place = place
        self._apply = apply
        self._api = api
        self._sleep = sleep
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """`services` is run by its owner."""
        for informer in (self._services, self._slices):
            informer.subscribe(lambda _, __: self._changed.set())
        async with TaskGroup("service-proxy") as group:
            group.spawn("endpoint-slices", self._slices.run())
            await self._services.has_synced.wait()
            await self._slices.has_synced.wait()
            await self._follow()

    async def _follow(self) -> None:
        applied, backoff = "", Backoff(0.5, 60.0)
        while True:
            self._changed.clear()
            ports = rules.service_ports(self._services.values(), self._slices.values(), api=self._api)
            text = rules.ruleset(ports, self._place)
            if text != applied:
                try:
                    await self._apply(text)
                    applied = text
                    backoff.reset()
                except OSError as error:
                    _log.warning("rules for cluster IPs: %s", error)
                    await self._sleep(backoff.next())
                    continue
            await self._changed.wait()
            await self._sleep(GATHER_SECONDS)
