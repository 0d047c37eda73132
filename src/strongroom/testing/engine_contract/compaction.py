"""History goes, live keys stay."""

import pytest

from strongroom.store import errors
from strongroom.store.engine import KeyValue
from strongroom.testing.engine_contract.base import Base, OpenEngine, running, take, watching


class Compaction(Base):
    """History goes, live keys stay."""

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
