"""A new key reaches the servers that share a store, under the key before it."""

from pathlib import Path

import pytest

from strongroom.aio.tasks import TaskGroup
from strongroom.cmd import encryption, key_handover
from strongroom.cmd.encryption import Encryption
from strongroom.cmd.key_handover import KeyHandover
from strongroom.encryption.keyring import KeyringError
from strongroom.encryption.keyring_file import KeyringFile
from strongroom.store.engine import EngineEvent
from strongroom.store.engines.memory import MemoryEngine
from strongroom.testing.engine_contract.base import running


def server(path: Path, keyring: bytes) -> Encryption:
    path.write_bytes(keyring)
    path.chmod(0o600)
    return encryption.of_keyring(KeyringFile(path), create=False)


@pytest.fixture
def keyring(tmp_path: Path) -> bytes:
    path = tmp_path / "made.json"
    KeyringFile(path).open_or_create()
    return path.read_bytes()


def ids(used: Encryption) -> list[str]:
    assert used.keyring is not None and used.file is not None
    assert used.file.load().key_ids == used.keyring.key_ids, "in memory as on disk"
    return used.keyring.key_ids


async def test_the_offered_key_is_taken_over_and_gone_when_it_is_withdrawn(
    tmp_path: Path, keyring: bytes
) -> None:
    one, other = (server(tmp_path / name, keyring) for name in ("one", "other"))
    first, second = KeyHandover(one), KeyHandover(other)
    async with running(MemoryEngine) as engine:
        assert await second.take(engine) == ""
        made = await first.offer(engine)
        found = await engine.get(key_handover.KEY)
        assert found is not None and found.value.startswith(b"k8s:enc:kms:v2:")
        assert await second.take(engine) == made
        assert ids(one) == ids(other) == [made, ids(one)[1]]
        assert await second.offer(engine) == made, "the one that is under way"
        await first.withdraw(engine)
        await first.withdraw(engine)
        assert await engine.get(key_handover.KEY) is None
        assert await second.take(engine) == ""


async def test_a_key_that_is_seen_reads_at_once_and_writes_when_it_is_on_disk(
    tmp_path: Path, keyring: bytes
) -> None:
    one, other = (server(tmp_path / name, keyring) for name in ("one", "other"))
    async with running(MemoryEngine) as engine:
        second = KeyHandover(other)
        made = await KeyHandover(one).offer(engine)
        found = await engine.get(key_handover.KEY)
        assert found is not None and other.keyring is not None
        before = other.keyring.current_key_id
        second.seen(EngineEvent(found, False))
        assert other.keyring.key_ids == [before, made]
        sealed = one.stored[encryption.SHARED].to_storage(b"x", b"/k")
        assert other.stored[encryption.SHARED].from_storage(sealed, b"/k").data == b"x"
        tasks: TaskGroup = second._tasks
        while len(tasks):
            for task in list(tasks._tasks):
                await task
        assert ids(other) == [made, before]


async def test_a_key_that_does_not_open_is_no_key(tmp_path: Path, keyring: bytes) -> None:
    (tmp_path / "strange").mkdir()
    strange = KeyringFile(tmp_path / "strange" / "keyring.json")
    strange.open_or_create()
    used = encryption.of_keyring(strange, create=False)
    async with running(MemoryEngine) as engine:
        await KeyHandover(server(tmp_path / "one", keyring)).offer(engine)
        handover = KeyHandover(used)
        with pytest.raises(KeyringError, match="copy the keyring of a server that runs"):
            await handover.take(engine)
        found = await engine.get(key_handover.KEY)
        assert found is not None
        handover.seen(EngineEvent(found, False))
        assert len(ids(used)) == 1


async def test_a_key_moved_there_from_another_place_is_not_taken_over(tmp_path: Path, keyring: bytes) -> None:
    used = server(tmp_path / "one", keyring)
    async with running(MemoryEngine) as engine:
        planted = used.stored[encryption.SHARED].to_storage(
            b'{"id":"x","key":"00"}', b"/registry/secrets/a/b"
        )
        await engine.create(key_handover.KEY, planted)
        with pytest.raises(KeyringError):
            await KeyHandover(used).take(engine)


async def test_a_keyring_that_can_not_be_written_offers_none(tmp_path: Path, keyring: bytes) -> None:
    path = tmp_path / "handed"
    path.write_bytes(keyring)
    used = encryption.of_keyring(KeyringFile(path, read_only=True), create=False)
    async with running(MemoryEngine) as engine:
        with pytest.raises(KeyringError, match="handed to the service"):
            await KeyHandover(used).offer(engine)
        assert await engine.get(key_handover.KEY) is None
