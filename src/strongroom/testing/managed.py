"""The real server in the test's event loop with all controllers and the scheduler, each with its rights."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from strongroom.aio import tasks
from strongroom.aio.clock import Clock, SystemClock
from strongroom.api import resources, scheme
from strongroom.client import rest
from strongroom.controllers import manager
from strongroom.controllers.restart.seal import SealingKey
from strongroom.machinery import status
from strongroom.machinery.gvk import Object, Resource
from strongroom.server.service_accounts import keys, legacy
from strongroom.testing import api_server

TOKENS = {
    manager.CONTROLLER_MANAGER: "controllers",
    manager.SCHEDULER: "scheduler",
    **{name: name for name in manager.SEPARATE},
}
"""The token of each component at the test's server."""


class World:
    """`client` is the administrator's."""

    def __init__(self, server: api_server.APIServer, spawn: Callable[[], "asyncio.Task[None]"]) -> None:
        self.server = server
        self.client = rest.Client(server.transport(), "test")
        self._spawn = spawn
        self._controllers: asyncio.Task[None] | None = None

    async def start_controllers(self) -> None:
        """New ones, that know nothing but what the API tells."""
        self._controllers = self._spawn()

    async def stop_controllers(self) -> None:
        """End them wherever they are."""
        assert self._controllers is not None
        self._controllers.cancel()
        await asyncio.wait((self._controllers,))

    async def create(
        self, resource: Resource, name: str, namespace: str = "default", **fields: object
    ) -> Object:
        """An object as it was stored. `metadata` among the fields is added to its name."""
        more = fields.pop("metadata", {})
        metadata = {"name": name, **(more if isinstance(more, dict) else {})}
        obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata, **fields}
        return await self.client.create(resource, obj, namespace if resource.namespaced else None)

    async def namespace(self, name: str) -> None:
        """A new namespace with its ServiceAccount."""
        await self.create(resources.NAMESPACES, name)
        await until(lambda: self.client.get(resources.SERVICE_ACCOUNTS, "default", name))

    async def names(self, resource: Resource, namespace: str = "default") -> list[str]:
        found = await self.client.list(resource, namespace if resource.namespaced else None)
        return [item["metadata"]["name"] for item in found.items]

    async def events(self, reason: str, namespace: str = "default") -> list[Object]:
        found = await self.client.list(resources.EVENTS, namespace, field_selector=f"reason={reason}")
        return found.items

    async def gone(self, resource: Resource, name: str, namespace: str = "default") -> None:
        """Wait until there is no such object."""

        async def absent() -> bool:
            return name not in await self.names(resource, namespace)

        await until(absent)


async def until(attempt: Callable[[], Awaitable[object]], seconds: float = 20) -> None:
    """Wait until `attempt` gives something true, and no 404."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                if await attempt():
                    return
            except status.StatusError as error:
                if error.code != 404:
                    raise
            await asyncio.sleep(0.002)


@asynccontextmanager
async def running(clock: Clock | None = None) -> AsyncIterator[World]:
    """Everything up: the namespace `default` has its ServiceAccount. Fails when a controller does."""
    signing = keys.generate()
    async with api_server.running(service_account_keys=signing) as server, tasks.TaskGroup("test") as group:

        def controllers() -> manager.Manager:
            return manager.Manager(
                lambda component: rest.Client(server.transport(TOKENS[component]), component),
                tuple(scheme.STRATEGIES),
                "PEM",
                legacy.issuer(signing),
                SealingKey(signing.derived("test")),
                clock or SystemClock(),
            )

        world = World(server, lambda: group.spawn("manager", controllers().run()))
        await world.start_controllers()
        await until(lambda: world.client.get(resources.SERVICE_ACCOUNTS, "default", "default"))
        yield world
        assert not group.failed.is_set()
