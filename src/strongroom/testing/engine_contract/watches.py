"""Every write once and in order, whenever the watch began."""

import asyncio
from collections.abc import AsyncIterator

from strongroom.aio import tasks
from strongroom.store.engine import EngineEvent, KeyValue
from strongroom.testing.engine_contract.base import SECONDS, Base, OpenEngine, running, seeded, take, watching


class Watches(Base):
    """Every write once and in order, whenever the watch began."""

    async def test_watch_yields_what_was_and_what_comes(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            first = await engine.create("/registry/a", b"1")
            async with watching(engine, "/registry/", 1) as events:
                created = EngineEvent(KeyValue("/registry/a", b"1", 2, 2, 1), False)
                assert [self.event(e) for e in await take(events, 1)] == [self.event(created)]
                second = await engine.update("/registry/a", b"2", first)
                third = await engine.delete("/registry/a", second)
                updated = EngineEvent(KeyValue("/registry/a", b"2", 2, second, 2), False)
                deleted = EngineEvent(KeyValue("/registry/a", b"", 0, third, 0), True)
                got = [self.event(e) for e in await take(events, 2)]
                assert got == [self.event(updated), self.event(deleted)]

    async def test_watch_starts_behind_its_revision(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            for n in range(5):
                await engine.create(f"/registry/{n}", b"")
            async with watching(engine, "/registry/", 4) as events:
                assert [e.kv.mod_revision for e in await take(events, 2)] == [5, 6]
            async with watching(engine, "/registry/", 8) as events:
                waiting = asyncio.gather(take(events, 1))
                for n in range(5, 9):
                    await engine.create(f"/registry/{n}", b"")
                assert (await waiting)[0][0].kv.mod_revision == 9

    async def test_watch_is_by_prefix(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            await engine.create("/registry/a/x", b"")
            await engine.create("/registry/ab", b"")
            async with watching(engine, "/registry/a/", 1) as events:
                await engine.create("/registry/b/x", b"")
                await engine.create("/registry/a/y", b"")
                assert [e.kv.key for e in await take(events, 2)] == ["/registry/a/x", "/registry/a/y"]

    async def test_watchers_that_wait_have_an_event_before_its_write_returns(
        self, open_engine: OpenEngine
    ) -> None:
        async with running(open_engine) as engine:
            seen: list[int] = []
            started = asyncio.Event()

            async def consume() -> None:
                async with watching(engine, "/registry/", 1) as events:
                    async for event in events:
                        seen.append(event.kv.mod_revision)
                        started.set()

            async with tasks.TaskGroup("contract") as group:
                group.spawn("watch", consume())
                await engine.create("/registry/first", b"")
                async with asyncio.timeout(SECONDS):
                    await started.wait()
                for n in range(20):
                    revision = await engine.create(f"/registry/{n}", b"")
                    assert seen[-1] == revision

    async def test_watch_is_exact_under_concurrent_writes(self, open_engine: OpenEngine) -> None:
        chosen = seeded()
        async with running(open_engine) as engine:
            written: list[tuple[str, int, bool]] = []

            async def write(worker: int) -> None:
                for n in range(40):
                    key = f"/registry/{chosen.choice('ab')}/{worker}-{n}"
                    revision = await engine.create(key, b"")
                    written.append((key, revision, False))
                    if chosen.random() < 0.3:
                        written.append((key, await engine.delete(key, revision), True))

            async def follow(prefix: str, since: int) -> list[tuple[str, int, bool]]:
                async with watching(engine, prefix, since) as events:
                    return [
                        (event.kv.key, event.kv.mod_revision, event.deleted)
                        async for event in _until(events, "/registry/end")
                    ]

            async with asyncio.timeout(SECONDS), tasks.TaskGroup("contract") as group:
                writers = [group.spawn(f"w{n}", write(n)) for n in range(8)]
                watches = []
                for n in range(12):
                    await asyncio.sleep(0.001 * n)
                    since = chosen.randint(1, await engine.current_revision())
                    prefix = chosen.choice(["/registry/", "/registry/a/", "/registry/b/"])
                    watches.append((prefix, since, group.spawn(f"f{n}", follow(prefix, since))))
                await asyncio.gather(*writers)
                for folder in ("a", "b", "end"):
                    await engine.create(f"/registry/{folder}/registry/end", b"")
                written.sort(key=lambda write: write[1])
                assert [revision for _, revision, _ in written] == list(range(2, 2 + len(written)))
                for prefix, since, task in watches:
                    assert await task == [w for w in written if w[0].startswith(prefix) and w[1] > since]

    async def test_cancelled_watch_leaves_others_alone(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine, watching(engine, "/registry/", 1) as events:

            async def consume() -> None:
                async with watching(engine, "/registry/", 1) as own:
                    await take(own, 5)

            async with tasks.TaskGroup("contract") as group:
                task = group.spawn("watch", consume())
                await engine.create("/registry/a", b"")
                task.cancel()
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await engine.create("/registry/b", b"")
                assert [e.kv.key for e in await take(events, 2)] == ["/registry/a", "/registry/b"]


async def _until(events: AsyncIterator[EngineEvent], ending: str) -> AsyncIterator[EngineEvent]:
    async for event in events:
        if event.kv.key.endswith(ending):
            return
        yield event
