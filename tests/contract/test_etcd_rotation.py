"""A new key for everything in an etcd: cut short and called again, beside servers that write, and proven."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.aio import tasks
from strongroom.aio.clock import SystemClock
from strongroom.api import resources
from strongroom.cmd import encryption, key_handover, key_verification, shared_credentials, storage
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.encryption import Encryption
from strongroom.cmd.key_handover import KeyHandover
from strongroom.cmd.key_rotation import KeyRotation
from strongroom.encryption.keyring_file import KeyringFile
from strongroom.store import errors
from strongroom.store.engines.etcd.endpoint import parse
from strongroom.store.engines.etcd.engine import EtcdEngine
from strongroom.store.objects import ObjectStore
from strongroom.testing import etcd as etcds
from strongroom.testing.etcd import Etcd

pytestmark = pytest.mark.skipif(bool(etcds.missing()), reason=etcds.missing())

PREFIX = resources.SECRETS.storage_prefix
COUNT = 700


@pytest.fixture
def etcd() -> Iterator[Etcd]:
    with Etcd() as one:
        yield one


class Server:
    """A server's store, with a keyring file of its own."""

    def __init__(self, etcd: Etcd, keyring: Path) -> None:
        self.used: Encryption = encryption.of_keyring(KeyringFile(keyring), create=True)
        self.engine = EtcdEngine(parse(etcd.url))
        self.objects = ObjectStore(self.engine, self.used.stored)
        self.handover = KeyHandover(self.used)

    async def rotate(self) -> Any:
        rotation = KeyRotation(self.engine, self.objects, self.used, self.handover)
        return await rotation.rotate({}, lambda _: None)

    async def proof(self) -> key_verification.Proof:
        return await key_verification.verify_shared(self.engine, self.used, lambda *_: None)


@asynccontextmanager
async def serving(etcd: Etcd, keyring: Path, copy_of: Path | None = None) -> AsyncIterator[Server]:
    if copy_of is not None:
        keyring.write_bytes(copy_of.read_bytes())
        keyring.chmod(0o600)
    server = Server(etcd, keyring)
    await storage.start_engine(server.engine, server.handover)
    try:
        yield server
    finally:
        await server.engine.close()
        await server.handover.close()


async def test_a_rotation_that_was_cut_short_goes_on_with_the_same_key(
    etcd: Etcd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    async with serving(etcd, one) as server:
        for number in range(COUNT):
            await server.objects.create(f"{PREFIX}a/{number:04}", b"%d" % number)
        update, updates = ObjectStore.update, 0

        async def dies(self: ObjectStore, key: str, data: bytes, expected: int) -> int:
            nonlocal updates
            updates += 1
            if updates > COUNT // 2:
                raise errors.Unavailable("the power went")
            return await update(self, key, data, expected)

        monkeypatch.setattr(ObjectStore, "update", dies)
        with pytest.raises(errors.Unavailable, match="the power went"):
            await server.rotate()
        monkeypatch.setattr(ObjectStore, "update", update)
        assert server.used.keyring is not None
        new, old = server.used.keyring.key_ids
        assert not (await server.proof()).proven
    # A server that was not there is given the keyring as it was: it takes the key over, and finishes.
    keys = KeyringFile(one)._keys()
    KeyringFile(other)._write({old: keys[old]}, new=True)
    async with serving(etcd, other) as server:
        assert server.used.keyring is not None
        assert server.used.keyring.key_ids == KeyringFile(other).load().key_ids == [new, old]
        finished = await server.rotate()
        assert (finished["key"], finished["newKey"], finished["underOlderKeys"]) == (new, False, 0)
        assert 0 < finished["rewritten"] < COUNT
        assert (await server.proof()).proven
        assert await server.engine.get(key_handover.KEY) is None
        found = await server.objects.range(PREFIX)
        assert [stored.data for stored in found.items] == [b"%d" % number for number in range(COUNT)]


async def test_servers_that_write_meanwhile_end_up_under_the_new_key(etcd: Etcd, tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    async with (
        serving(etcd, one) as first,
        serving(etcd, other, copy_of=one) as second,
        tasks.TaskGroup("test") as group,
    ):
        for number in range(COUNT):
            await first.objects.create(f"{PREFIX}a/{number:04}", b"x")
        ended: list[bool] = []

        async def write() -> int:
            number = 0
            while not ended:
                await second.objects.create(f"{PREFIX}b/{number}", b"x")
                number += 1
            return number

        writing = group.spawn("writer", write())
        rotated = await first.rotate()
        ended.append(True)
        written = await writing
        assert written > 0 and rotated["unreadable"] == 0
        if rotated["underOlderKeys"]:  # the other one was slow to keep the key: what it wrote then
            assert (await first.rotate())["underOlderKeys"] == 0
        proof = await second.proof()
        assert proof.proven and set(proof.values.keys) == {first.used.label(rotated["key"])}
        found = await second.objects.range(PREFIX)
        assert len(found.items) == COUNT + written and not any(each.error for each in found.items)


async def test_what_servers_share_is_never_plain_also_when_encryption_is_turned_off(
    etcd: Etcd, tmp_path: Path
) -> None:
    place, config = DataDir(tmp_path / "data"), tmp_path / "encryption.yaml"
    key = base64.b64encode(bytes(range(32))).decode()
    providers = [{"aesgcm": {"keys": [{"name": "k", "secret": key}]}}, {"identity": {}}]
    engine = EtcdEngine(parse(etcd.url))
    await engine.start()
    try:
        for number, order in enumerate((providers, providers[::-1])):
            head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
            blocks = [{"resources": ["secrets"], "providers": order}]
            config.write_text(yaml.safe_dump({**head, "resources": blocks}))
            used = encryption.of_config(config, place, None)
            await shared_credentials.join(engine, used, place, SystemClock())
            objects = ObjectStore(engine, used.stored)
            await objects.create(f"{PREFIX}a/{number}", b"{}")
            rotation = KeyRotation(engine, objects, used, KeyHandover(used))
            assert (await rotation.rotate({}, lambda _: None))["unreadable"] == 0
        assert await engine.get(shared_credentials.KEY) is None
        assert [kv.value async for page in engine.stored(PREFIX) for kv in page] == [b"{}", b"{}"]
    finally:
        await engine.close()
    token = place.admin_token.read_bytes().strip()
    files = [path for path in etcd.directory.rglob("*") if path.is_file()]
    assert len(files) > 2 and not any(token in path.read_bytes() for path in files)
