"""Conditional writes, one at a time and many at once."""

import asyncio

import pytest

from strongroom.store import errors
from strongroom.store.engine import KeyValue
from strongroom.testing.engine_contract.base import Base, OpenEngine, running, take, watching


class Writes(Base):
    """Conditional writes, one at a time and many at once."""

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
