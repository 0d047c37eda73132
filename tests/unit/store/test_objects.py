"""Objects at rest: sealed under their key's transformer, and found again."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.aio.tasks import TaskGroup
from strongroom.encryption.envelope import EnvelopeTransformer
from strongroom.encryption.identity import IdentityTransformer
from strongroom.encryption.keyring import Keyring
from strongroom.encryption.transformer import Opened
from strongroom.store import errors, objects
from strongroom.store.engines.memory import MemoryEngine
from strongroom.store.engines.sqlite import SQLiteEngine
from strongroom.store.objects import ObjectStore
from strongroom.telemetry.store_requests import StoreRequests
from strongroom.testing.engine_contract.base import running

SECRETS = "/registry/secrets/"


@pytest.fixture
async def engine() -> AsyncIterator[MemoryEngine]:
    engine = MemoryEngine()
    await engine.start()
    yield engine
    await engine.close()


def sealed(engine: MemoryEngine | SQLiteEngine) -> ObjectStore:
    return ObjectStore(engine, {SECRETS: EnvelopeTransformer(Keyring({"k": bytes(32)}))})


async def test_transformer_is_chosen_by_prefix(engine: MemoryEngine) -> None:
    store = sealed(engine)
    await store.create("/registry/secrets/a/b", b"value")
    await store.create("/registry/configmaps/a/b", b"value")
    hidden = await engine.get("/registry/secrets/a/b")
    plain = await engine.get("/registry/configmaps/a/b")
    assert hidden is not None and hidden.value.startswith(b"k8s:enc:kms:v2:")
    assert plain is not None and plain.value == b"value"
    for key in ("/registry/secrets/a/b", "/registry/configmaps/a/b"):
        found = await store.get(key)
        assert found is not None and (found.data, found.stale, found.error) == (b"value", False, "")


async def test_load_gives_every_object_of_the_revision_in_pages(
    engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "LOAD_PAGE", 10)
    store = sealed(engine)
    for n in range(35):
        await store.create(f"{SECRETS}ns/{n:02d}", b"%d" % n)
    at = await store.current_revision()
    await store.create(f"{SECRETS}ns/000", b"later")
    pages = [page async for page in store.load(SECRETS, at)]
    assert [len(page) for page in pages] == [10, 10, 10, 5]
    assert [stored.data for page in pages for stored in page] == [b"%d" % n for n in range(35)]
    assert [page async for page in store.load("/registry/pods/", at)] == []


async def test_bad_value_harms_no_other(engine: MemoryEngine) -> None:
    store = sealed(engine)
    await store.create(f"{SECRETS}ns/a", b"good")
    await engine.create(f"{SECRETS}ns/b", b"plain canary")
    await store.create(f"{SECRETS}ns/c", b"good")
    found = await store.range(SECRETS)
    assert [(stored.data, stored.error) for stored in found.items] == [
        (b"good", ""),
        (
            b"",
            'unable to transform key "/registry/secrets/ns/b": '
            "the provided value does not match any of the supported transformers",
        ),
        (b"good", ""),
    ]
    watch = store.watch("/registry/", 1)
    events = [event.stored for event in await anext(watch)]
    assert [stored.data for stored in events] == [b"good", b"", b"good"]
    assert events[1].error and "canary" not in events[1].error


async def test_watch_tells_deletions(engine: MemoryEngine) -> None:
    store = sealed(engine)
    revision = await store.create(f"{SECRETS}ns/a", b"good")
    await store.delete(f"{SECRETS}ns/a", revision)
    events = await anext(store.watch("/registry/", 1))
    assert [(event.deleted, event.stored.data, event.stored.revision) for event in events] == [
        (False, b"good", 2),
        (True, b"", 3),
    ]


async def test_value_copied_to_another_key_in_the_database_does_not_open(engine: MemoryEngine) -> None:
    store = sealed(engine)
    await store.create(f"{SECRETS}ns/a", b"value")
    kv = await engine.get(f"{SECRETS}ns/a")
    assert kv is not None
    await engine.create(f"{SECRETS}ns/b", kv.value)
    stolen = await store.get(f"{SECRETS}ns/b")
    assert stolen is not None
    assert stolen.error.endswith("cipher: message authentication failed") and stolen.data == b""


async def test_value_of_an_old_key_is_told_to_be_stale(engine: MemoryEngine) -> None:
    await sealed(engine).create(f"{SECRETS}ns/a", b"value")
    rotated = ObjectStore(engine, {SECRETS: EnvelopeTransformer(Keyring({"n": bytes(32), "k": bytes(32)}))})
    found = await rotated.get(f"{SECRETS}ns/a")
    assert found is not None and (found.data, found.stale) == (b"value", True)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_no_plaintext_in_the_database_file_nor_wal(tmp_path: Path, encrypted: bool) -> None:
    """Also run without encryption, where the search must find the value: it can fail."""
    canary = b"c4n4ry-0f-th3-d4t4b4se-f1le"
    transformer = EnvelopeTransformer(Keyring({"k": bytes(32)})) if encrypted else IdentityTransformer()
    spellings = (
        canary,
        canary[::-1].hex()[::-1].encode(),
        base64.b64encode(canary)[:-4],
        canary.hex().encode(),
    )

    def found() -> set[str]:
        return {
            path.name
            for path in tmp_path.iterdir()
            if any(spelling in path.read_bytes() for spelling in spellings)
        }

    async with running(lambda: SQLiteEngine(tmp_path / "store.db")) as engine:
        assert isinstance(engine, SQLiteEngine)
        store = ObjectStore(engine, {SECRETS: transformer})
        revision = await store.create(f"{SECRETS}ns/a", canary)
        revision = await store.update(f"{SECRETS}ns/a", base64.b64encode(canary) * 500, revision)
        await store.create(f"{SECRETS}ns/b", canary * 1000)
        await store.delete(f"{SECRETS}ns/a", revision)
        assert (await store.range(SECRETS)).count == 1
        assert found() == (set() if encrypted else {"store.db-wal"})
    assert found() == (set() if encrypted else {"store.db"})


class CountingTransformer(IdentityTransformer):
    """Tells how often it was asked to open."""

    def __init__(self) -> None:
        self.opened = 0

    def from_storage(self, stored: bytes, context: bytes) -> Opened:
        self.opened += 1
        return super().from_storage(stored, context)


async def test_own_write_is_seen_without_opening_it_and_anothers_is_opened(engine: MemoryEngine) -> None:
    transformer = CountingTransformer()
    store = ObjectStore(engine, {SECRETS: transformer})
    seen: list[objects.StoredEvent] = []

    async def follow() -> None:
        async for batch in store.watch("/registry/", 1):
            seen.extend(batch)

    async with TaskGroup("test") as group:
        group.spawn("follow", follow())
        await asyncio.sleep(0)
        revision = await store.create(f"{SECRETS}a/b", b"one")
        await store.update(f"{SECRETS}a/b", b"two", revision)
        with pytest.raises(errors.KeyExists):
            await store.create(f"{SECRETS}a/b", b"three")
        await engine.create(f"{SECRETS}a/c", b"another's")
        await asyncio.sleep(0)
    assert [event.stored.data for event in seen] == [b"one", b"two", b"another's"]
    assert transformer.opened == 1
    assert not store._under_way


async def test_what_the_engine_is_asked_for_is_counted_and_a_lost_race_is_no_error(
    engine: MemoryEngine,
) -> None:
    requests = StoreRequests({SECRETS: ("", "secrets")})
    store = ObjectStore(engine, {}, requests)
    key = SECRETS + "a/b"
    revision = await store.create(key, b"1")
    with pytest.raises(errors.KeyExists):
        await store.create(key, b"1")
    with pytest.raises(errors.RevisionConflict):
        await store.update(key, b"2", revision - 1)
    with pytest.raises(errors.RevisionConflict):
        await store.delete(key, revision - 1)
    await store.delete(key, await store.update(key, b"2", revision))
    await store.get(key)
    await store.range(SECRETS)
    await store.create("/registry/configmaps/a/b", b"1")
    await engine.close()
    for write in (store.create(key, b"1"), store.delete(key, 1)):
        with pytest.raises(errors.Unavailable):
            await write
    counted = {
        family.name: {" ".join(labels[:1]): value for labels, value in family.samples}
        for family in requests.families()
        if family.kind == "counter" and family.name.startswith("etcd_")
    }
    assert counted == {
        "etcd_requests_total": {"create": 3, "update": 2, "delete": 3, "get": 1, "list": 1},
        "etcd_request_errors_total": {"create": 1, "delete": 1},
    }


async def test_what_was_encrypted_and_opened_is_counted_failures_too(engine: MemoryEngine) -> None:
    requests = StoreRequests({SECRETS: ("", "secrets")})
    transformers = {SECRETS: EnvelopeTransformer(Keyring({"k": bytes(32)}))}
    store = ObjectStore(engine, transformers, requests)
    for name in ("a", "b", "c"):
        await store.create(f"{SECRETS}ns/{name}", b"canary")
    moved = await engine.get(f"{SECRETS}ns/a")
    assert moved is not None
    await engine.create(f"{SECRETS}ns/d", moved.value)
    async for page in store.load(SECRETS, await store.current_revision()):
        assert len(page) == 4
    await store.get(f"{SECRETS}ns/a")
    family = list(requests.families())[-1]
    prefix = moved.value[: moved.value.index(b":", 15) + 1].decode()
    assert prefix.startswith("k8s:enc:kms:v2:")
    assert dict(family.samples) == {
        ("secrets", "from_storage", prefix, "OK"): 4,
        ("secrets", "from_storage", prefix, "Unknown"): 1,
        ("secrets", "to_storage", prefix, "OK"): 3,
    }
