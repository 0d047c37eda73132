"""The cache follows the engine: equal to it after every write, and again after its watch broke."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from strongroom.aio import tasks
from strongroom.aio.clock import FakeClock
from strongroom.encryption.envelope import EnvelopeTransformer
from strongroom.encryption.keyring import Keyring
from strongroom.store import errors, watch_cache
from strongroom.store.engine import EngineEvent
from strongroom.store.engines.memory import MemoryEngine
from strongroom.store.engines.watching import Watchers
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import DELETED, ResourceCache, WatchCache
from strongroom.testing.engine_contract.base import seeded

SECRETS = "/registry/secrets/"
PODS = "/registry/pods/"
SPECS = "/registry/services/specs/"
HEADS = {
    SECRETS: b'{"kind":"Secret","apiVersion":"v1",',
    PODS: b'{"kind":"Pod","apiVersion":"v1",',
    SPECS: b'{"kind":"Service","apiVersion":"v1",',
}


def document(prefix: str, value: str = "") -> bytes:
    return HEADS[prefix] + b'"metadata":{"name":"x"},"value":"%s"}' % value.encode()


class Broken(MemoryEngine):
    """An engine whose watches and reads fail on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self.watches = 0

    def break_watch(self) -> None:
        """End the watches, with `failure` if there is one."""
        self._watchers.close()
        self._watchers = Watchers(self._read_log)
        self._watchers.delivered = self._revision

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[EngineEvent]]:
        self.watches += 1
        async for batch in self._watchers.watch(prefix, revision):
            yield batch
        if self.failure is not None:
            raise self.failure

    async def current_revision(self) -> int:
        if self.failure is not None:
            raise self.failure
        return await super().current_revision()


class World:
    """An engine, the store on it, and a cache that has started."""

    def __init__(self, engine: MemoryEngine) -> None:
        self.engine = engine
        self.objects = ObjectStore(engine, {SECRETS: EnvelopeTransformer(Keyring({"k": bytes(32)}))})
        self.cache = WatchCache(self.objects, HEADS, clock=FakeClock())
        self.secrets = self.cache.resource(SECRETS)


@asynccontextmanager
async def world(engine: MemoryEngine | None = None) -> AsyncIterator[World]:
    engine = engine or MemoryEngine()
    await engine.start()
    made = World(engine)
    try:
        yield made
    finally:
        await made.cache.close()
        await engine.close()


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_cache, "RETRY_SECONDS", (0.0,))


async def settle(times: int = 50) -> None:
    """Let tasks run that have something to do."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_start_loads_what_is_there() -> None:
    async with world() as w:
        await w.objects.create(SECRETS + "a/1", document(SECRETS))
        await w.objects.create(PODS + "a/1", document(PODS))
        await w.objects.create("/registry/unknown/a/1", b"whatever")
        assert (w.cache.ready, w.cache.revision) == (False, 0)
        await w.cache.start()
        assert (w.cache.ready, w.cache.revision) == (True, 4)
        assert [entry.key for entry in w.secrets.entries()] == [SECRETS + "a/1"]
        assert [entry.key for entry in w.cache.resource(PODS).entries()] == [PODS + "a/1"]
        with pytest.raises(KeyError):
            w.cache.resource("/registry/unknown/")


async def test_write_is_in_the_cache_when_its_call_returns() -> None:
    async with world() as w:
        await w.cache.start()
        await asyncio.sleep(0)
        for n in range(20):
            revision = await w.objects.create(f"{SECRETS}a/{n}", document(SECRETS))
            await w.cache.wait_for(revision, 0)
            found = w.secrets.get(f"{SECRETS}a/{n}")
            assert found is not None and found.revision == revision


async def test_writes_of_unknown_resources_advance_the_revision() -> None:
    async with world() as w:
        await w.cache.start()
        await asyncio.sleep(0)
        revision = await w.objects.create("/registry/unknown/a", b"x")
        assert w.cache.revision == revision
        assert w.secrets.revision == 1


async def test_resources_with_two_folders_are_told_apart() -> None:
    async with world() as w:
        await w.cache.start()
        await asyncio.sleep(0)
        await w.objects.create(SPECS + "ns/web", document(SPECS))
        found = w.cache.resource(SPECS).get(SPECS + "ns/web")
        assert found is not None and (found.namespace, found.name) == ("ns", "web")


async def test_wait_for_a_revision_that_comes() -> None:
    async with world() as w:
        await w.cache.start()
        async with tasks.TaskGroup("test") as group:
            waiters = [group.spawn(f"w{n}", w.cache.wait_for(n, 5)) for n in (3, 2, 4)]
            await asyncio.sleep(0)
            for n in range(3):
                await w.objects.create(f"{PODS}a/{n}", document(PODS))
            await asyncio.gather(*waiters)


async def test_wait_for_a_revision_that_does_not_come() -> None:
    async with world() as w:
        await w.cache.start()
        with pytest.raises(errors.FutureRevision) as refused:
            await w.cache.wait_for(9, 0.001)
        assert (refused.value.revision, refused.value.current) == (9, 1)
        assert not w.cache._waiting


async def test_start_raises_what_the_engine_raises() -> None:
    engine = Broken()
    async with world(engine) as w:
        engine.failure = errors.Corrupt("file: restore a backup")
        with pytest.raises(errors.Corrupt):
            await w.cache.start()
        assert not w.cache.ready


@pytest.mark.parametrize(
    "failure", [None, errors.Unavailable("gone"), errors.Compacted(1, 2), RuntimeError("canary")]
)
async def test_broken_watch_is_recovered_from(
    failure: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Broken()
    async with world(engine) as w:
        await w.cache.start()
        await asyncio.sleep(0)
        await w.cache.wait_for(await w.objects.create(SECRETS + "a/1", document(SECRETS)))
        watcher = w.secrets.subscribe()
        engine.failure = failure
        engine.break_watch()
        async with asyncio.timeout(5):
            assert [batch async for batch in watcher] == []
        assert watcher.was_cut
        await w.objects.create(SECRETS + "a/2", document(SECRETS))
        engine.failure = None
        await settle()
        assert w.cache.ready
        assert [entry.name for entry in w.secrets.entries()] == ["1", "2"]
        assert w.cache.revision == 3
        with pytest.raises(errors.Compacted):
            w.secrets.subscribe(since=2)
        await asyncio.sleep(0)
        await w.cache.wait_for(await w.objects.create(SECRETS + "a/3", document(SECRETS)))
        assert w.secrets.get(SECRETS + "a/3") is not None
        assert engine.watches == 2
    assert "the store's watch broke" in caplog.text
    assert "canary" not in caplog.text


async def test_reads_go_on_from_the_old_state_while_the_engine_is_away() -> None:
    engine = Broken()
    async with world(engine) as w:
        await w.cache.start()
        await asyncio.sleep(0)
        await w.cache.wait_for(await w.objects.create(SECRETS + "a/1", document(SECRETS)))
        engine.failure = errors.Unavailable("gone")
        engine.break_watch()
        await settle()
        assert not w.cache.ready
        assert w.secrets.get(SECRETS + "a/1") is not None
        engine.failure = None
        await settle()
        assert w.cache.ready


async def test_value_that_does_not_open_is_an_entry_with_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as w:
        await w.engine.create(SECRETS + "a/bad", b"canary")
        await w.objects.create(SECRETS + "a/good", document(SECRETS))
        await w.cache.start()
        await asyncio.sleep(0)
        bad, good = w.secrets.get(SECRETS + "a/bad"), w.secrets.get(SECRETS + "a/good")
        assert bad is not None and good is not None
        assert "does not match any of the supported transformers" in bad.error
        assert good.decode()["metadata"]["name"] == "x"
        later = await w.engine.create(SECRETS + "a/later", b"canary")
        assert set(w.secrets.unreadable) == {SECRETS + "a/bad", SECRETS + "a/later"}
        await w.objects.update(SECRETS + "a/bad", document(SECRETS), bad.revision)
        await w.objects.delete(SECRETS + "a/later", later)
        assert not w.secrets.unreadable
        assert len([entry.item for entry in w.secrets.entries()]) == 2
    assert caplog.text.count("stored value can't be read: /registry/secrets/a/") == 2
    assert "canary" not in caplog.text


async def test_close_cuts_watchers_and_may_come_twice() -> None:
    async with world() as w:
        await w.cache.start()
        watcher = w.secrets.subscribe()
        await w.cache.close()
        await w.cache.close()
        assert watcher.was_cut and not w.cache.ready


async def test_cache_may_be_closed_before_and_during_recovery() -> None:
    engine = Broken()
    async with world(engine) as w:
        await w.cache.close()
    engine = Broken()
    async with world(engine) as w:
        await w.cache.start()
        await asyncio.sleep(0)
        engine.failure = errors.Unavailable("gone")
        engine.break_watch()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await w.cache.close()


class Follower:
    """A client: lists, then watches, and lists or resumes when it is cut. Knows the objects by key."""

    def __init__(self, cache: ResourceCache, chosen: random.Random, scope: str) -> None:
        self.cache = cache
        self.chosen = chosen
        self.scope = scope
        self.state: dict[str, bytes] = {}
        self.cuts = 0

    async def follow(self, until: int) -> None:
        since: int | None = None
        while True:
            if since is None or self.chosen.random() < 0.5:
                self.state = {entry.key: entry.item for entry in self.cache.entries(self.scope)}
                since = self.cache.revision
                subscription = self.cache.subscribe(prefix=self.scope, maxsize=20)
            else:
                subscription = self.cache.subscribe(prefix=self.scope, since=since, maxsize=20)
            with subscription:
                async for batch in subscription:
                    for event in batch:
                        assert event.revision > since
                        since = event.revision
                        if event.type == DELETED:
                            del self.state[event.entry.key]
                        else:
                            self.state[event.entry.key] = event.entry.item
                    if self.chosen.random() < 0.1:
                        for _ in range(self.chosen.randrange(30)):
                            await asyncio.sleep(0)
                    if since >= until:
                        return
            self.cuts += 1


async def test_list_and_watch_is_the_state_whatever_happens() -> None:
    """Followers that dawdle, are cut, and resume from their last revision end with exactly what is stored."""
    chosen = seeded()
    async with world() as w:
        await w.cache.start()
        revisions: dict[str, int] = {}
        end = 2**31
        async with tasks.TaskGroup("test") as group, asyncio.timeout(20):
            followers = [
                Follower(w.secrets, chosen, scope)
                for scope in ("", SECRETS + "a/", SECRETS + "b/")
                for _ in range(4)
            ]
            running = [group.spawn(f"f{n}", f.follow(end)) for n, f in enumerate(followers)]
            for step in range(600):
                await random_write(chosen, w.objects, revisions, str(step))
                if chosen.random() < 0.2:
                    await asyncio.sleep(0)
            await settle(200)
            assert not any(task.done() for task in running)
            for follower in followers:
                wanted = {entry.key: entry.item for entry in w.secrets.entries(follower.scope)}
                assert follower.state == wanted
            stored = {s.key: (s.revision, s.data) for s in (await w.objects.range(SECRETS)).items}
            assert {e.key: e.revision for e in w.secrets.entries()} == {k: v[0] for k, v in stored.items()}
            assert sum(follower.cuts for follower in followers) > 0


async def random_write(
    chosen: random.Random, store: ObjectStore, revisions: dict[str, int], value: str
) -> None:
    key = f"{SECRETS}{chosen.choice('ab')}/{chosen.randrange(10)}"
    body: Any = document(SECRETS, base64.b64encode(value.encode()).decode())
    if key not in revisions:
        revisions[key] = await store.create(key, body)
    elif chosen.random() < 0.6:
        revisions[key] = await store.update(key, body, revisions[key])
    else:
        await store.delete(key, revisions.pop(key))


async def test_a_refresh_of_a_closed_cache_is_refused() -> None:
    engine = MemoryEngine()
    await engine.start()
    cache = WatchCache(ObjectStore(engine, {}), HEADS, clock=FakeClock())
    await cache.start()
    await cache.close()
    with pytest.raises(errors.Unavailable, match="the store is closed"):
        await cache.refresh()
