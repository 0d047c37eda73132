"""What the parts of the contract share."""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar

from strongroom.store.engine import Engine, EngineEvent, KeyValue

OpenEngine = Callable[[], Engine]

SECONDS: float = 20.0
"""Longest wait for something that must come."""


def seeded() -> random.Random:
    """Chance from a new seed, or STRONGROOM_TEST_SEED to replay; printed, so that a failure shows it."""
    chosen = int(os.environ.get("STRONGROOM_TEST_SEED") or secrets.randbelow(2**32))
    print(f"STRONGROOM_TEST_SEED={chosen}")  # noqa: T201
    return random.Random(chosen)  # noqa: S311


@asynccontextmanager
async def running(open_engine: OpenEngine) -> AsyncIterator[Engine]:
    """A started engine, closed at the end."""
    engine = open_engine()
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def watching(engine: Engine, prefix: str, revision: int) -> AsyncIterator[AsyncIterator[EngineEvent]]:
    """A watch, event by event; its generator is closed at the end."""

    async def flat() -> AsyncGenerator[EngineEvent, None]:
        batches = engine.watch(prefix, revision)
        try:
            async for batch in batches:
                assert batch, "an empty batch"
                for event in batch:
                    yield event
        finally:
            if isinstance(batches, AsyncGenerator):
                await batches.aclose()

    async with aclosing(flat()) as events:
        yield events


async def take(events: AsyncIterator[EngineEvent], count: int) -> list[EngineEvent]:
    """The next `count` events."""
    async with asyncio.timeout(SECONDS):
        return [await anext(events) for _ in range(count)]


class Base:
    """How an engine under test may differ from the others."""

    durable: ClassVar[bool] = True
    """What was written is there when the storage is opened again."""
    versions: ClassVar[bool] = True
    """`KeyValue.version` is told."""
    drains: ClassVar[bool] = True
    """Watches are told all that was written before `close` ends them; else they are cut, and whoever watched
    lists anew."""
    operations: ClassVar[int] = 400
    """Length of the random run."""

    def kv(self, kv: KeyValue | None) -> KeyValue | None:
        """As this engine tells it."""
        return kv if kv is None or self.versions else kv._replace(version=1)

    def event(self, event: EngineEvent) -> EngineEvent:
        """As this engine tells it."""
        if event.deleted:
            return event._replace(kv=event.kv._replace(create_revision=0, version=0))
        return event._replace(kv=event.kv if self.versions else event.kv._replace(version=1))
