"""Keys and ranges, now and as of an old revision."""

import pytest

from strongroom.store import errors
from strongroom.store.engine import KeyValue
from strongroom.testing.engine_contract.base import Base, OpenEngine, running, take, watching


class Reads(Base):
    """Keys and ranges, now and as of an old revision."""

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

    async def test_keys_hold_any_character(self, open_engine: OpenEngine) -> None:
        """As names of roles may: a key that a range leaves out is lost with the next start."""
        names = [f"/registry/a/{name}" for name in ("~", "~x", "\x7f", "é", "\uffffx", "😀", "\U0010ffffz")]
        async with running(open_engine) as engine:
            for name in reversed(names):
                await engine.create(name, name.encode())
            await engine.create("/registry/a0", b"")
            for revision in (0, await engine.current_revision()):
                found = await engine.range("/registry/a/", revision=revision)
                assert ([kv.key for kv in found.items], found.count) == (names, len(names))
                page = await engine.range("/registry/a/", start=names[2], limit=2, revision=revision)
                assert ([kv.key for kv in page.items], page.count) == (names[2:4], 5)
            async with watching(engine, "/registry/a/", 1) as events:
                assert [event.kv.key for event in await take(events, len(names))] == names[::-1]
            assert await engine.get(names[-1]) is not None

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

    async def test_count_can_be_left_out(self, open_engine: OpenEngine) -> None:
        async with running(open_engine) as engine:
            for n in range(5):
                await engine.create(f"/registry/{n}", b"")

            async def more(limit: int) -> tuple[int, bool]:
                found = await engine.range("/registry/", limit=limit, exact_count=False)
                return len(found.items), found.count > len(found.items)

            assert [await more(limit) for limit in (0, 2, 4, 5, 6)] == [
                (5, False),
                (2, True),
                (4, True),
                (5, False),
                (5, False),
            ]
