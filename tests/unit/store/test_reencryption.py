"""Everything is written again under the current key, beside other writers."""

from strongroom.encryption.envelope import EnvelopeTransformer
from strongroom.encryption.keyring import Keyring
from strongroom.store import reencryption
from strongroom.store.engines.memory import MemoryEngine
from strongroom.store.objects import ObjectStore
from strongroom.testing.engine_contract.base import running

PREFIX = "/registry/secrets/"
OLD, NEW = {"old": bytes(32)}, {"new": bytes(range(32)), "old": bytes(32)}


async def test_stale_objects_are_written_once_and_others_left_alone() -> None:
    async with running(MemoryEngine) as engine:
        keyring = Keyring(OLD)
        objects = ObjectStore(engine, {PREFIX: EnvelopeTransformer(keyring)})
        count = 2 * reencryption.PAGE + 7
        for number in range(count):
            await objects.create(f"{PREFIX}a/{number:04d}", b"%d" % number)
        await objects.create("/registry/configmaps/a/b", b"plain")
        keyring.replace(NEW)
        await objects.update(f"{PREFIX}a/0003", b"changed", 5)
        told: list[int] = []
        done = await reencryption.reencrypt(objects, [PREFIX], lambda at: told.append(at.checked))
        assert (done.checked, done.rewritten, done.unreadable) == (count, count - 1, 0)
        assert told == [reencryption.PAGE, 2 * reencryption.PAGE, count]
        found = await objects.range("/registry/")
        assert not any(stored.stale for stored in found.items)
        values = {stored.key: stored.data for stored in found.items}
        assert values[f"{PREFIX}a/0003"] == b"changed" and values[f"{PREFIX}a/0100"] == b"100"
        assert values["/registry/configmaps/a/b"] == b"plain"
        again = await reencryption.reencrypt(objects, [PREFIX], lambda _: None)
        assert (again.checked, again.rewritten) == (count, 0)
        keyring.replace({"new": NEW["new"]})
        assert not any(stored.error for stored in (await objects.range(PREFIX)).items)


async def test_write_that_was_sealed_before_and_stored_during_it_is_written_again() -> None:
    async with running(MemoryEngine) as engine:
        keyring = Keyring(OLD)
        objects = ObjectStore(engine, {PREFIX: EnvelopeTransformer(keyring)})
        await objects.create(f"{PREFIX}a", b"1")
        late = ObjectStore(engine, {PREFIX: EnvelopeTransformer(Keyring(OLD))})
        keyring.replace(NEW)
        stored = await objects.range(PREFIX)
        await late.update(f"{PREFIX}a", b"2", 2)
        assert await reencryption._rewrite(objects, stored.items[0])
        found = await objects.get(f"{PREFIX}a")
        assert found is not None and (found.data, found.stale) == (b"2", False)


async def test_what_does_not_open_is_named_and_left_alone() -> None:
    async with running(MemoryEngine) as engine:
        objects = ObjectStore(engine, {PREFIX: EnvelopeTransformer(Keyring(NEW))})
        await engine.create(f"{PREFIX}a/bad", b"k8s:enc:kms:v2:strongroom:?")
        await objects.create(f"{PREFIX}a/good", b"1")
        done = await reencryption.reencrypt(objects, [PREFIX], lambda _: None)
        assert (done.checked, done.rewritten, done.unreadable) == (2, 0, 1)
        assert done.named == [f"{PREFIX}a/bad"]
        found = await engine.get(f"{PREFIX}a/bad")
        assert found is not None and found.mod_revision == 2


async def test_what_others_wrote_anew_or_deleted_meanwhile_is_theirs() -> None:
    async with running(MemoryEngine) as engine:
        keyring = Keyring(OLD)
        objects = ObjectStore(engine, {PREFIX: EnvelopeTransformer(keyring)})
        for name in ("changed", "deleted"):
            await objects.create(f"{PREFIX}{name}", b"1")
        keyring.replace(NEW)
        changed, deleted = (await objects.range(PREFIX)).items
        assert changed.stale and deleted.stale
        theirs = await objects.update(changed.key, b"2", changed.revision)
        await objects.delete(deleted.key, deleted.revision)
        assert not await reencryption._rewrite(objects, changed)
        assert not await reencryption._rewrite(objects, deleted)
        found = await objects.get(changed.key)
        assert found is not None and (found.data, found.revision) == (b"2", theirs)
        assert await objects.get(deleted.key) is None
