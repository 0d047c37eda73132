"""A FakeAPI with running informers, for tests of what lives on them."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from strongroom.aio import clock, tasks
from strongroom.api import resources, scheme
from strongroom.client import informer, rest
from strongroom.machinery.gvk import Object, Resource
from strongroom.testing import fake_api

_FIRST = (
    resources.NAMESPACES,
    resources.SECRETS,
    resources.CONFIG_MAPS,
    resources.SERVICE_ACCOUNTS,
    resources.NODES,
    resources.PODS,
    resources.EVENTS,
    resources.CLUSTER_ROLES,
)
CORE = (*_FIRST, *(resource for resource in scheme.STRATEGIES if resource not in _FIRST))
"""All kinds."""


class World:
    """An API in memory, a client, a clock that stands still, and the tasks of a test.

    Within the context: `informer(resource)` gives a running informer, `spawn` runs a loop, `settle` lets all
    of them do what there is to do.
    """

    def __init__(self, served: Sequence[Resource] = CORE) -> None:
        self.api = fake_api.FakeAPI(served)
        self.client = rest.Client(self.api, "test")
        self.clock = clock.FakeClock()
        self.tasks = tasks.TaskGroup("test")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.tasks.aclose()

    def informer(self, resource: Resource) -> informer.Informer:
        made = informer.Informer(self.client, resource, clock=self.clock)
        self.tasks.spawn(resource.plural, made.run())
        return made

    def spawn(self, loop: Any) -> asyncio.Task[None]:
        """Run the `run` of a controller."""
        task: asyncio.Task[None] = self.tasks.spawn(type(loop).__name__, loop.run())
        return task

    async def settle(self) -> None:
        """Until nothing that is ready to run is left; timers do not count."""
        for _ in range(100):
            await asyncio.sleep(0)

    def namespace(self, name: str, *, phase: str = "Active") -> Object:
        return self.api.put(resources.NAMESPACES, {"metadata": {"name": name}, "status": {"phase": phase}})


async def cancel_twice(task: asyncio.Task[None]) -> None:
    """Cancel a running loop, and again before it had the time to end; it must end as cancelled."""
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
