"""The contract of `store.engine.Engine`, as tests that every engine passes, bare and wrapped.

A test module subclasses `EngineContract` and gives it a fixture `open_engine`: a function that makes an engine,
not started, always over the same storage.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar, cast

import pytest

from strongroom.aio import tasks
from strongroom.store import errors
from strongroom.store.engine import Engine, EngineEvent, KeyValue
from strongroom.testing.engine_model import EngineModel

OpenEngine = Callable[[], Engine]

SECONDS: float = 20.0
"""Longest wait for something that must come."""


def seed() -> int:
    """A new seed, or STRONGROOM_TEST_SEED to replay; printed, so that a failure shows it."""
    chosen = int(os.environ.get("STRONGROOM_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"STRONGROOM_TEST_SEED={chosen}")  # noqa: T201
    return chosen


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

    async def flat() -> AsyncIterator[EngineEvent]:
        batches = cast("AsyncIterator[Sequence[EngineEvent]]", engine.watch(prefix, revision))
        try:
            async for batch in batches:
                assert batch, "an empty batch"
                for event in batch:
                    yield event
        finally:
            await batches.aclose()  # type: ignore[attr-defined]

    async with aclosing(flat()) as events:
        yield events


async def take(events: AsyncIterator[EngineEvent], count: int) -> list[EngineEvent]:
    """The next `count` events."""
    async with asyncio.timeout(SECONDS):
        return [await anext(events) for _ in range(count)]


class EngineContract:
    """The promises of `Engine`, one test each."""

    durable: ClassVar[bool] = True
    """What was written is there when the storage is opened again."""
    versions: ClassVar[bool] = True
    """`KeyValue.version` is told."""
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

    # Writes

    async def test_empty_store_is_at_revision_1(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            assert await engine.current_revision() == 1
            assert await engine.get("/registry/a") is None
            found = await engine.range("/registry/")
            assert (list(found.items), found.count, found.revision) == ([], 0, 1)

    async def test_each_write_takes_the_next_revision(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            first = await engine.create("/registry/a", b"1")
            second = await engine.update("/registry/a", b"2", first)
            third = await engine.create("/registry/b", b"3")
            fourth = await engine.delete("/registry/a", second)
            assert [first, second, third, fourth] == [2, 3, 4, 5]
            assert await engine.current_revision() == 5

    async def test_versions_count_writes_since_creation(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            revision = await engine.create("/registry/a", b"1")
            assert await engine.get("/registry/a") == self.kv(KeyValue("/registry/a", b"1", 2, 2, 1))
            revision = await engine.update("/registry/a", b"2", revision)
            assert await engine.get("/registry/a") == self.kv(KeyValue("/registry/a", b"2", 2, 3, 2))
            await engine.delete("/registry/a", revision)
            assert await engine.get("/registry/a") is None
            await engine.create("/registry/a", b"3")
            assert await engine.get("/registry/a") == self.kv(KeyValue("/registry/a", b"3", 5, 5, 1))

    async def test_create_of_a_present_key_is_refused(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            await engine.create("/registry/a", b"1")
            with pytest.raises(errors.KeyExists) as refused:
                await engine.create("/registry/a", b"2")
            assert refused.value.key == "/registry/a"
            found = await engine.get("/registry/a")
            assert found is not None and found.value == b"1"
            assert await engine.current_revision() == 2

    @pytest.mark.parametrize("operation", ["update", "delete"])
    async def test_write_on_another_revision_is_refused(
        self, open_engine: OpenEngine, operation: str
    ) -> None:
        async with running(open_engine) as engine:

            async def attempt(key: str, expected: int) -> errors.RevisionConflict:
                with pytest.raises(errors.RevisionConflict) as refused:
                    if operation == "update":
                        await engine.update(key, b"new", expected)
                    else:
                        await engine.delete(key, expected)
                return refused.value

            old = await engine.create("/registry/a", b"1")
            new = await engine.update("/registry/a", b"2", old)
            stale = await attempt("/registry/a", old)
            assert (stale.key, stale.expected, stale.actual) == ("/registry/a", old, new)
            assert (await attempt("/registry/b", 7)).actual == 0
            await engine.delete("/registry/a", new)
            assert (await attempt("/registry/a", new)).actual == 0
            assert await engine.current_revision() == 4

    @pytest.mark.parametrize("value", [b"", b"\0" * 10, bytes(range(256)), b"x" * 1_500_000], ids=len)
    async def test_values_are_opaque(self, open_engine: OpenEngine, value: bytes) -> None:
        async with running(open_engine) as engine:
            revision = await engine.create("/registry/a", value)
            found = await engine.get("/registry/a")
            assert found is not None and found.value == value
            async with watching(engine, "/registry/", revision - 1) as events:
                assert (await take(events, 1))[0].kv.value == value

    # Concurrency

    async def test_of_many_creates_of_one_key_one_wins(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            calls = [engine.create("/registry/a", b"%d" % n) for n in range(40)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            won = [n for n, result in enumerate(results) if result == 2]
            assert len(won) == 1
            assert sum(isinstance(result, errors.KeyExists) for result in results) == 39
            found = await engine.get("/registry/a")
            assert found is not None and found.value == b"%d" % won[0]
            assert await engine.current_revision() == 2

    async def test_of_many_updates_of_one_revision_one_wins(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            revision = await engine.create("/registry/a", b"")
            calls = [engine.update("/registry/a", b"%d" % n, revision) for n in range(40)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert sum(result == revision + 1 for result in results) == 1
            assert sum(isinstance(result, errors.RevisionConflict) for result in results) == 39

    async def test_a_conflict_fails_alone(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            await engine.create("/registry/taken", b"")
            keys = ["/registry/taken" if n % 5 == 0 else f"/registry/k{n}" for n in range(100)]
            results = await asyncio.gather(
                *[engine.create(key, key.encode()) for key in keys], return_exceptions=True
            )
            refused = {n for n, result in enumerate(results) if isinstance(result, errors.KeyExists)}
            assert refused == set(range(0, 100, 5))
            revisions = [result for result in results if isinstance(result, int)]
            assert sorted(revisions) == list(range(3, 83))
            for key, result in zip(keys, results, strict=True):
                if isinstance(result, int):
                    found = await engine.get(key)
                    assert found is not None
                    assert (found.mod_revision, found.value) == (result, key.encode())

    async def test_a_read_sees_the_writes_that_have_returned(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:

            async def write_and_read(name: str) -> None:
                for n in range(10):
                    revision = await engine.create(f"/registry/{name}/{n}", b"")
                    found, listed = await asyncio.gather(
                        engine.get(f"/registry/{name}/{n}"), engine.range(f"/registry/{name}/")
                    )
                    assert found is not None and found.mod_revision == revision
                    assert listed.count == n + 1
                    assert listed.revision >= revision
                    assert await engine.current_revision() >= listed.revision

            await asyncio.gather(*[write_and_read(f"w{n}") for n in range(8)])

    # Reads

    async def test_reads_of_old_revisions(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            first = await engine.create("/registry/a", b"1")
            second = await engine.update("/registry/a", b"2", first)
            third = await engine.delete("/registry/a", second)
            assert await engine.get("/registry/a", 1) is None
            assert await engine.get("/registry/a", first) == self.kv(KeyValue("/registry/a", b"1", 2, 2, 1))
            assert await engine.get("/registry/a", second) == self.kv(KeyValue("/registry/a", b"2", 2, 3, 2))
            assert await engine.get("/registry/a", third) is None
            counts = [(await engine.range("/registry/", revision=r)).count for r in range(1, 5)]
            assert counts == [0, 1, 1, 0]
            assert (await engine.range("/registry/", revision=first)).revision == first

    async def test_future_revisions_are_refused(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            await engine.create("/registry/a", b"1")
            with pytest.raises(errors.FutureRevision) as refused:
                await engine.get("/registry/a", 3)
            assert (refused.value.revision, refused.value.current) == (3, 2)
            with pytest.raises(errors.FutureRevision):
                await engine.range("/registry/", revision=9)

    async def test_range_is_by_prefix_in_key_order(self, open_engine: OpenEngine) -> None:
        names = [
            "/registry/a/z",
            "/registry/a/b",
            "/registry/ab/c",
            "/registry/a0",
            "/registry/a-/x",
            "/registry/b",
        ]
        async with running(open_engine) as engine:
            for name in names:
                await engine.create(name, name.encode())
            gone = await engine.create("/registry/a/gone", b"")
            await engine.delete("/registry/a/gone", gone)

            async def keys(prefix: str, **options: str) -> list[str]:
                return [kv.key for kv in (await engine.range(prefix, **options)).items]  # type: ignore[arg-type]

            assert await keys("/registry/") == sorted(names)
            assert await keys("/registry/a/") == ["/registry/a/b", "/registry/a/z"]
            assert await keys("/registry/a") == sorted(names)[:-1]
            assert await keys("/registry/a/", start="/registry/a/c") == ["/registry/a/z"]
            assert await keys("/registry/a/", start="/registry/a/b\0") == ["/registry/a/z"]
            assert await keys("/registry/a/", start="/registry/b") == []
            assert await keys("/registry/c") == []

    async def test_range_in_pages_is_the_whole(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            names = [f"/registry/s/n{n:03d}" for n in range(25)]
            for name in reversed(names):
                await engine.create(name, b"")
            at = await engine.current_revision()
            for name in ("/registry/s/n003", "/registry/s/n010"):
                found = await engine.get(name)
                assert found is not None
                await engine.delete(name, found.mod_revision)
            await engine.create("/registry/s/n005x", b"")
            seen: list[str] = []
            start = ""
            while True:
                page = await engine.range("/registry/s/", start=start, limit=10, revision=at)
                assert page.revision == at
                assert page.count == 25 - len(seen)
                seen += [kv.key for kv in page.items]
                if len(page.items) == page.count:
                    break
                start = page.items[-1].key + "\0"
            assert seen == names
            assert (await engine.range("/registry/s/", limit=3)).count == 24

    # Watches

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

            async def consume() -> None:
                async with watching(engine, "/registry/", 1) as events:
                    async for event in events:
                        seen.append(event.kv.mod_revision)

            async with tasks.TaskGroup("contract") as group:
                group.spawn("watch", consume())
                await engine.create("/registry/first", b"")
                async with asyncio.timeout(SECONDS):
                    while not seen:
                        await asyncio.sleep(0.001)
                for n in range(20):
                    revision = await engine.create(f"/registry/{n}", b"")
                    assert seen[-1] == revision

    async def test_watch_is_exact_under_concurrent_writes(self, open_engine: OpenEngine) -> None:
        chosen = random.Random(seed())
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

    # Compaction

    async def test_compaction_forgets_history_but_no_live_key(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            revision = await engine.create("/registry/a", b"1")
            for n in range(2, 6):
                revision = await engine.update("/registry/a", b"%d" % n, revision)
            await engine.create("/registry/b", b"b")
            gone = await engine.create("/registry/c", b"c")
            await engine.delete("/registry/c", gone)
            await engine.compact(revision)
            await engine.compact(revision)
            await engine.compact(2)
            with pytest.raises(errors.Compacted) as refused:
                await engine.get("/registry/a", revision - 1)
            assert (refused.value.revision, refused.value.oldest) == (revision - 1, revision)
            with pytest.raises(errors.Compacted):
                await engine.range("/registry/", revision=2)
            at = await engine.range("/registry/", revision=revision)
            assert [kv.value for kv in at.items] == [b"5"]
            assert [kv.key for kv in (await engine.range("/registry/")).items] == [
                "/registry/a",
                "/registry/b",
            ]
            assert await engine.get("/registry/a") == self.kv(KeyValue("/registry/a", b"5", 2, revision, 5))
            assert await engine.current_revision() == 9

    async def test_watch_from_before_compaction_is_told(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            revision = await engine.create("/registry/a", b"1")
            for n in range(2, 6):
                revision = await engine.update("/registry/a", b"%d" % n, revision)
            deleted = await engine.delete("/registry/a", revision)
            await engine.create("/registry/b", b"")
            await engine.compact(deleted)
            with pytest.raises(errors.Compacted) as refused:
                async with watching(engine, "/registry/", deleted - 2) as events:
                    await take(events, 1)
            assert refused.value.oldest == deleted - 1
            async with watching(engine, "/registry/", deleted - 1) as events:
                got = [(e.kv.key, e.deleted) for e in await take(events, 2)]
                assert got == [("/registry/a", True), ("/registry/b", False)]

    async def test_compaction_of_the_future_is_refused(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            with pytest.raises(errors.FutureRevision):
                await engine.compact(2)

    async def test_revisions_go_on_after_all_is_deleted_and_compacted(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            revision = await engine.create("/registry/a", b"")
            revision = await engine.delete("/registry/a", revision)
            await engine.compact(revision)
            assert await engine.create("/registry/a", b"") == 4
            await engine.delete("/registry/a", 4)
            await engine.compact(5)
            if not self.durable:
                return
        async with running(open_engine) as engine:
            assert await engine.current_revision() == 5
            with pytest.raises(errors.Compacted):
                await engine.get("/registry/a", 4)
            assert await engine.create("/registry/a", b"") == 6

    # Opening and closing

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
                assert await asyncio.gather(*writes) == list(range(3, 23))
                assert await watch == list(range(2, 23))

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

    # All of it at random

    async def test_random_operations_agree_with_a_model(self, open_engine: OpenEngine) -> None:
        chosen = random.Random(seed())
        model = EngineModel()
        engine = open_engine()
        await engine.start()
        try:
            for step in range(self.operations):
                if self.durable and chosen.random() < 0.01:
                    await engine.close()
                    engine = open_engine()
                    await engine.start()
                await self._random_step(chosen, model, engine, step)
            assert await engine.current_revision() == model.revision
            since = chosen.randint(model.compacted - 1, model.revision)
            expected = [self.event(e) for e in model.events("/registry/", since)]
            async with watching(engine, "/registry/", since) as events:
                assert [self.event(e) for e in await take(events, len(expected))] == expected
        finally:
            await engine.close()

    async def _random_step(
        self, chosen: random.Random, model: EngineModel, engine: Engine, step: int
    ) -> None:
        key = f"/registry/{chosen.choice(['a', 'a/b', 'b'])}/{chosen.randrange(6)}"
        live = model.state().get(key)
        expected = (
            live.mod_revision if live and chosen.random() < 0.8 else chosen.randint(0, model.revision + 1)
        )
        value = b"%d" % step
        revision = chosen.choice([0, 0, chosen.randint(max(1, model.compacted - 2), model.revision + 1)])
        match chosen.choices(["create", "update", "delete", "get", "range", "compact"], [4, 5, 3, 3, 3, 0.4])[
            0
        ]:
            case "create":
                await _same(lambda m: m.create(key, value), model, engine)
            case "update":
                await _same(lambda m: m.update(key, value, expected), model, engine)
            case "delete":
                await _same(lambda m: m.delete(key, expected), model, engine)
            case "compact":
                to = chosen.randint(1, model.revision)
                await _same(lambda m: m.compact(to), model, engine)
            case "get":
                wanted = await _outcome(lambda: self.kv(model.state(revision).get(key)))
                assert await _outcome(lambda: engine.get(key, revision)) == wanted
            case "range":
                prefix = chosen.choice(["/registry/", "/registry/a/", "/registry/b/", "/registry/a/b/"])
                start = chosen.choice(["", key])
                limit = chosen.choice([0, 1, 3])
                wanted = await _outcome(
                    lambda: (
                        [self.kv(kv) for kv in model.range(prefix, start, limit, revision)[0]],
                        model.range(prefix, start, limit, revision)[1],
                    )
                )

                async def read() -> object:
                    found = await engine.range(prefix, start=start, limit=limit, revision=revision)
                    return list(found.items), found.count

                assert await _outcome(read) == wanted


async def _until(events: AsyncIterator[EngineEvent], ending: str) -> AsyncIterator[EngineEvent]:
    async for event in events:
        if event.kv.key.endswith(ending):
            return
        yield event


async def _outcome(call: Callable[[], object]) -> object:
    """The result, or the error's type and text."""
    try:
        result = call()
        return await result if asyncio.iscoroutine(result) else result
    except errors.StoreError as error:
        return type(error), str(error)


async def _same(call: Callable[..., object], model: EngineModel, engine: Engine) -> None:
    wanted = await _outcome(lambda: call(model))
    assert await _outcome(lambda: call(engine)) == wanted
