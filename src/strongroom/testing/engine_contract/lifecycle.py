"""Opening, closing, and opening again."""

import asyncio
from collections.abc import Callable

import pytest

from strongroom.aio import tasks
from strongroom.store import errors
from strongroom.testing.engine_contract.base import SECONDS, Base, OpenEngine, running, take, watching
from strongroom.testing.engine_model import EngineModel


class Lifecycle(Base):
    """Opening, closing, and opening again."""

    async def test_closed_engine_is_unavailable(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        await engine.start()
        await engine.create("/registry/a", b"")
        await engine.close()
        await engine.close()
        calls: list[Callable[[], object]] = [
            engine.current_revision,
            lambda: engine.get("/registry/a"),
            lambda: engine.range("/registry/"),
            lambda: engine.create("/registry/b", b""),
            lambda: engine.update("/registry/a", b"", 2),
            lambda: engine.delete("/registry/a", 2),
            lambda: engine.compact(2),
            lambda: anext(engine.watch("/registry/", 1)),
        ]
        for call in calls:
            with pytest.raises(errors.Unavailable):
                await call()  # type: ignore[misc]

    async def test_close_finishes_writes_and_ends_watches(self, open_engine: OpenEngine) -> None:
        engine = open_engine()
        await engine.start()
        async with tasks.TaskGroup("contract") as group:

            async def consume() -> list[int]:
                async with watching(engine, "/registry/", 1) as events:
                    return [event.kv.mod_revision async for event in events]

            async with asyncio.timeout(SECONDS):
                watch = group.spawn("watch", consume())
                await engine.create("/registry/first", b"")
                writes = [group.spawn(f"w{n}", engine.create(f"/registry/{n}", b"")) for n in range(20)]
                await asyncio.sleep(0)
                await engine.close()
                assert sorted(await asyncio.gather(*writes)) == list(range(3, 23))
                told, whole = await watch, list(range(2, 23))
                assert told == (whole if self.drains else whole[: len(told)])

    async def test_all_is_there_when_opened_again(self, open_engine: OpenEngine) -> None:
        if not self.durable:
            pytest.skip("not durable")
        model = EngineModel()
        async with running(open_engine) as engine:
            for n in range(30):
                for target in (model, engine):
                    result = target.create(f"/registry/{n:02d}", b"%d" % n)
                    if not isinstance(result, int):
                        await result
            for n in range(0, 30, 3):
                model.delete(f"/registry/{n:02d}", n + 2)
                await engine.delete(f"/registry/{n:02d}", n + 2)
        async with running(open_engine) as engine:
            assert await engine.current_revision() == model.revision
            found = await engine.range("/registry/")
            assert list(found.items) == [self.kv(kv) for kv in model.range("/registry/")[0]]
            async with watching(engine, "/registry/", 1) as events:
                got = [self.event(e) for e in await take(events, 40)]
                assert got == [self.event(e) for e in model.events("/registry/", 1)]
            assert await engine.create("/registry/x", b"") == model.revision + 1
