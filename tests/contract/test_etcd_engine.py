"""The engine on a real etcd keeps the contract, and what several servers and failing members ask for."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import aclosing

import pytest

from strongroom.aio import tasks
from strongroom.encryption import envelope, keyring
from strongroom.store import errors
from strongroom.store.engine import Engine
from strongroom.store.engines.etcd import _generated_rpc_pb2 as pb
from strongroom.store.engines.etcd import engine as engines
from strongroom.store.engines.etcd.client import EtcdClient
from strongroom.store.engines.etcd.endpoint import parse
from strongroom.store.engines.etcd.engine import EtcdEngine
from strongroom.testing import etcd as etcds
from strongroom.testing.engine_contract import EngineContract, OpenEngine
from strongroom.testing.engine_contract.base import running, take, watching
from strongroom.testing.engine_over_cache import EngineOverCache
from strongroom.testing.engine_over_objects import EngineOverObjects
from strongroom.testing.etcd import Etcd

pytestmark = pytest.mark.skipif(bool(etcds.missing()), reason=etcds.missing())


@pytest.fixture
def etcd() -> Iterator[Etcd]:
    with Etcd() as running:
        yield running


class TestEtcd(EngineContract):
    @pytest.fixture
    def open_engine(self, etcd: Etcd) -> OpenEngine:
        return lambda: EtcdEngine(parse(etcd.url))


class TestEtcdEncrypted(EngineContract):
    versions = False

    @pytest.fixture
    def open_engine(self, etcd: Etcd) -> Callable[[], Engine]:
        sealed = {"/registry/": envelope.EnvelopeTransformer(keyring.Keyring({"k": bytes(range(32))}))}
        return lambda: EngineOverObjects(EtcdEngine(parse(etcd.url)), sealed)


class TestEtcdCached(EngineContract):
    versions = False
    drains = False

    @pytest.fixture
    def open_engine(self, etcd: Etcd) -> Callable[[], Engine]:
        return lambda: EngineOverCache(EtcdEngine(parse(etcd.url)), {})


@pytest.mark.parametrize("size", [1_600_000, 3_000_000])
async def test_a_value_that_is_too_large_for_etcd_is_told_from_an_etcd_that_is_away(
    etcd: Etcd, size: int
) -> None:
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        with pytest.raises(errors.TooLarge, match=r"^etcdserver: request is too large$"):
            await engine.create("/registry/secrets/default/a", bytes(size))
        assert await engine.get("/registry/secrets/default/a") is None
        revision = await engine.create("/registry/secrets/default/a", b"{}")
        with pytest.raises(errors.TooLarge):
            await engine.update("/registry/secrets/default/a", bytes(size), revision)


async def test_engines_on_one_etcd_see_one_anothers_writes(etcd: Etcd) -> None:
    async with (
        running(lambda: EtcdEngine(parse(etcd.url))) as one,
        running(lambda: EtcdEngine(parse(etcd.url))) as other,
        watching(other, "/registry/", 1) as events,
    ):
        revision = await one.create("/registry/a", b"1")
        assert await other.current_revision() == revision
        with pytest.raises(errors.KeyExists):
            await other.create("/registry/a", b"2")
        second = await other.update("/registry/a", b"2", revision)
        with pytest.raises(errors.RevisionConflict) as refused:
            await one.update("/registry/a", b"3", revision)
        assert refused.value.actual == second
        assert [event.kv.value for event in await take(events, 2)] == [b"1", b"2"]


async def test_keys_of_other_programs_are_nobodys_business(etcd: Etcd) -> None:
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        first = await engine.create("/registry/a", b"")
        client = EtcdClient(parse(etcd.url))
        await client.start()
        put = pb.RequestOp(request_put=pb.PutRequest(key=b"\xff other", value=b"x"))
        await client.txn(pb.TxnRequest(success=[put]))
        await client.close()
        assert await engine.current_revision() == first
        assert await engine.create("/registry/b", b"") == first + 2
        async with watching(engine, "/registry/", 1) as events:
            assert [event.kv.key for event in await take(events, 2)] == ["/registry/a", "/registry/b"]


async def test_a_restart_of_etcd_loses_and_doubles_nothing(etcd: Etcd) -> None:
    async with (
        running(lambda: EtcdEngine(parse(etcd.url))) as engine,
        running(lambda: EtcdEngine(parse(etcd.url))) as writer,
        watching(engine, "/registry/", 1) as events,
    ):
        acknowledged = [await writer.create(f"/registry/{n}", b"") for n in range(10)]
        etcd.members[0].kill()
        with pytest.raises((errors.Unavailable, TimeoutError)):
            async with asyncio.timeout(1):
                await writer.create("/registry/lost", b"")
        etcd.start(etcd.members[0])
        await asyncio.to_thread(etcd.wait_until_healthy)
        acknowledged += [await writer.create(f"/registry/{n}", b"") for n in range(10, 20)]
        seen = [event.kv.mod_revision for event in await take(events, acknowledged[-1] - 1)]
        assert seen == list(range(2, acknowledged[-1] + 1))


async def test_history_that_another_server_compacted_is_told(etcd: Etcd) -> None:
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        await engine.create("/registry/a", b"")
        async with running(lambda: EtcdEngine(parse(etcd.url))) as other:
            revision = 2
            for _ in range(4):
                revision = await other.update("/registry/a", b"", revision)
            await other.compact(revision)
        with pytest.raises(errors.Compacted):
            async with watching(engine, "/registry/", 1) as events:
                await take(events, 1)
        with pytest.raises(errors.Compacted):
            await engine.get("/registry/a", 3)


async def test_a_watch_that_missed_a_compaction_has_its_watchers_begin_anew(etcd: Etcd) -> None:
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        revision = await engine.create("/registry/a", b"")
        async with watching(engine, "/registry/", revision) as events:
            etcd.members[0].kill()
            etcd.start(etcd.members[0])
            await asyncio.to_thread(etcd.wait_until_healthy)
            # What happens before the watch is back is as if the connection had been away for long.
            async with running(lambda: EtcdEngine(parse(etcd.url))) as other:
                for n in range(5):
                    revision = await other.create(f"/registry/{n}", b"")
                await other.compact(revision)
            try:
                assert len(await take(events, 5)) == 5
            except errors.Compacted as error:
                assert error.oldest >= revision - 1


async def values(engine: EtcdEngine, prefix: str = "/registry/") -> list[tuple[str, bytes]]:
    return sorted([(kv.key, kv.value) async for page in engine.stored(prefix) for kv in page])


async def test_all_that_etcd_answers_with_is_told_until_it_is_settled(
    etcd: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "STORED_PAGE", 3)
    engine, other = EtcdEngine(parse(etcd.url)), EtcdEngine(parse(etcd.url))
    await engine.start()
    await other.start()
    try:
        assert await values(engine) == []
        for number in range(8):
            revision = await engine.create(f"/registry/a/{number}", b"old")
            await engine.update(f"/registry/a/{number}", b"new", revision)
        gone = await engine.create("/registry/a/gone", b"old")
        gone = await engine.delete("/registry/a/gone", gone)
        both = [(f"/registry/a/{number}", value) for number in range(8) for value in (b"new", b"old")]
        assert await values(engine) == sorted([*both, ("/registry/a/gone", b"old")])
        await engine.compact(await engine.current_revision() - 2)
        late = await engine.create("/registry/b", b"late")
        assert ("/registry/a/0", b"old") not in await values(engine)
        assert await values(engine, "/registry/a/0") == [("/registry/a/0", b"new")]
        seen: list[str] = []
        other.before = lambda event: seen.append(event.kv.key)
        await engine.settle()
        live = [(f"/registry/a/{number}", b"new") for number in range(8)] + [("/registry/b", b"late")]
        assert await values(engine) == await values(other) == live
        # What is newest can be read and watched from, here and elsewhere.
        for each in (engine, other):
            current = await each.current_revision()
            assert current > late
            assert len((await each.range("/registry/a/", revision=current)).items) == 8
            with pytest.raises(errors.Compacted):
                await each.range("/registry/", revision=gone)
            async with watching(each, "/registry/", current) as events:
                await engine.create(f"/registry/after/{current}", b"")
                assert [event.kv.key for event in await take(events, 1)] == [f"/registry/after/{current}"]
        assert seen == ["/strongroom/settled"] * 2
    finally:
        await engine.close()
        await other.close()


async def test_progress_is_told_on_a_quiet_watch_and_is_no_event_of_it() -> None:
    with Etcd(flags=["--experimental-watch-progress-notify-interval=100ms"]) as quiet:
        client = EtcdClient(parse(quiet.url))
        await client.start()
        async with (
            running(lambda: EtcdEngine(parse(quiet.url))) as engine,
            watching(engine, "/registry/", 1) as events,
        ):
            first = await engine.create("/registry/a", b"")
            told = 0
            async with asyncio.timeout(10), aclosing(client.watch(first + 1)) as answers:
                async for answer in answers:
                    assert not answer.events
                    told += not answer.created and answer.header.revision == first
                    if told == 3:
                        break
            second = await engine.create("/registry/b", b"")
            assert [event.kv.mod_revision for event in await take(events, 2)] == [first, second]
        await client.close()


async def test_an_etcd_that_is_full_refuses_writes_answers_reads_and_recovers() -> None:
    with Etcd(flags=("--quota-backend-bytes", str(4 * 1024 * 1024))) as etcd:
        async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
            written: list[int] = []
            with pytest.raises(errors.Unavailable, match="space exceeded"):
                for number in range(400):
                    written.append(await engine.create(f"/registry/{number}", bytes(200_000)))
                    if number > 12:  # etcd learns its size when it commits, ten times a second
                        await asyncio.sleep(0.12)
            assert 5 < len(written) < 40, "20 fit"
            # The write that first exceeds the quota is carried out by etcd, and yet answered with this
            # error, unless it was refused before it was proposed: of those refused it alone may be there.
            stored = [(kv.key, kv.mod_revision) for kv in (await engine.range("/registry/")).items]
            assert {(f"/registry/{number}", revision) for number, revision in enumerate(written)} <= set(
                stored
            )
            assert len(stored) - len(written) == await engine.current_revision() - written[-1] <= 1
            for key, revision in stored:
                last = await engine.delete(key, revision)
            await engine.compact(last)
            assert isinstance(engine, EtcdEngine)
            await engine._client.defragment()
            alarms = json.loads(etcd.ask("maintenance/alarm", action="GET"))["alarms"]
            for alarm in alarms:
                etcd.ask("maintenance/alarm", action="DEACTIVATE", **alarm)
            assert await engine.create("/registry/after", bytes(200_000)) == last + 1


async def test_members_killed_in_turn_lose_no_acknowledged_write() -> None:
    with Etcd(members=3) as cluster:
        async with (
            running(lambda: EtcdEngine(parse(cluster.url))) as engine,
            tasks.TaskGroup("test") as group,
        ):
            acknowledged: dict[str, int] = {}
            stop = asyncio.Event()

            async def write(worker: int) -> None:
                number = 0
                while not stop.is_set():
                    key, number = f"/registry/{worker}-{number}", number + 1
                    try:
                        acknowledged[key] = await engine.create(key, b"")
                    except (errors.Unavailable, errors.KeyExists):
                        await asyncio.sleep(0.05)

            writers = [group.spawn(f"w{n}", write(n)) for n in range(4)]
            for member in cluster.members:
                before = len(acknowledged)
                await _until(lambda before=before: len(acknowledged) > before + 20)  # type: ignore[misc]
                member.kill()
                others = [each for each in cluster.members if each is not member]
                await asyncio.to_thread(cluster.wait_until_healthy, others)
                before = len(acknowledged)
                await _until(lambda before=before: len(acknowledged) > before + 20)  # type: ignore[misc]
                cluster.start(member)
                await asyncio.to_thread(cluster.wait_until_healthy)
            stop.set()
            async with asyncio.timeout(30):
                await asyncio.gather(*writers)
            found = {kv.key: kv.mod_revision for kv in (await engine.range("/registry/")).items}
            assert {key: found.get(key) for key in acknowledged} == acknowledged
            async with watching(engine, "/registry/", 1) as events:
                told = [event.kv.key for event in await take(events, len(found))]
            assert len(set(told)) == len(told)
            assert set(told) == set(found)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_size_is_that_of_its_file_and_grows_with_what_is_stored(etcd: Etcd) -> None:
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        assert isinstance(engine, EtcdEngine)
        before = await engine.size()
        for number in range(4):
            await engine.create(f"/registry/secrets/a/{number}", bytes(1_000_000))
        async with asyncio.timeout(20):
            while await engine.size() < before + 3_000_000:  # noqa: ASYNC110 - its file follows its log
                await asyncio.sleep(0.05)
