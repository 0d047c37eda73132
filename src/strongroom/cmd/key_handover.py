"""A new key-encryption key on its way to the servers that share a store.

It lies in the store under the key before it, from when it is made until nothing needs the old one. A server
sees it before any value that it encrypted, since changes come in their order, and keeps it in its keyring.
Who has the old key and reads the store in that time has the new one, too: where a key has leaked, stop the
other servers, rotate, and hand them the keyring by other means.
"""

import asyncio
import logging
from typing import Final

import orjson

from strongroom.aio import tasks
from strongroom.cmd import encryption
from strongroom.encryption import keyring
from strongroom.encryption.keyring import KeyringError
from strongroom.encryption.transformer import TransformError
from strongroom.store import errors
from strongroom.store.engine import Engine, EngineEvent

_log = logging.getLogger(__name__)

KEY: Final = encryption.SHARED + "next-key"


class KeyHandover:
    """One server's part in it. Does nothing where keys are not in a keyring of ours."""

    def __init__(self, used: encryption.Encryption) -> None:
        self._used = used
        self._transformer = used.stored[encryption.SHARED]
        self._own = ""
        """The key that this server has made."""
        self._tasks = tasks.TaskGroup("handover", describe_errors=False)

    def seen(self, event: EngineEvent) -> None:
        """Called with each change of what servers share, before anybody else sees it. Never raises.

        What the key encrypted opens when this returns; it writes once it is in the keyring's file."""
        ring = self._used.keyring
        if event.kv.key != KEY or event.deleted or ring is None:
            return
        try:
            key_id, key = self._open(event.kv.value)
        except (TransformError, KeyringError) as error:
            _log.error("the new key of another server can't be taken over: %s", error)
            return
        if key_id not in ring.key_ids and key_id != self._own:
            ring.add(key_id, key)
            self._tasks.spawn("keep", self._keep(key_id, key))

    async def take(self, engine: Engine) -> str:
        """Take over a key that is on its way; its id, "" when none is. Raises KeyringError, StoreError."""
        found = await engine.get(KEY)
        if found is None or self._used.keyring is None:
            return ""
        try:
            key_id, key = self._open(found.value)
        except TransformError as error:
            raise KeyringError(
                f"{error}, and a new key lies in the store under it: copy the keyring of a server that runs"
            ) from None
        await self._adopt(key_id, key)
        return key_id

    async def offer(self, engine: Engine) -> str:
        """Make a new key, or take over one that another server makes at the same time; its id.

        Raises KeyringError, StoreError."""
        ring, file = self._used.keyring, self._used.file
        assert ring is not None and file is not None
        await asyncio.to_thread(file.check_writable)
        key_id, key = keyring.new_key(ring.key_ids)
        self._own = key_id
        document = orjson.dumps({"id": key_id, "key": key.hex()})
        sealed = self._transformer.to_storage(document, KEY.encode())
        try:
            await engine.create(KEY, sealed)
        except errors.KeyExists:
            return await self.take(engine) or await self.offer(engine)
        await self._adopt(key_id, key)
        return key_id

    async def withdraw(self, engine: Engine) -> None:
        """Remove it from the store. Compaction removes it from the past. Raises StoreError."""
        found = await engine.get(KEY)
        if found is not None:
            try:
                await engine.delete(KEY, found.mod_revision)
            except errors.RevisionConflict as conflict:
                if conflict.actual:
                    raise errors.Unavailable("another server rotates the keys, too: try again") from None

    async def close(self) -> None:
        """Take part no more."""
        await self._tasks.aclose()

    def _open(self, stored: bytes) -> tuple[str, bytes]:
        data = self._transformer.from_storage(stored, KEY.encode()).data
        try:
            document = orjson.loads(data)
            made = keyring.Keyring({document["id"]: bytes.fromhex(document["key"])})
            return made.current_key_id, bytes.fromhex(document["key"])
        except (ValueError, KeyError, TypeError, KeyringError):
            raise TransformError("it is of another version") from None

    async def _adopt(self, key_id: str, key: bytes) -> None:
        ring, file = self._used.keyring, self._used.file
        assert ring is not None and file is not None
        await asyncio.to_thread(file.add_key, ring, (key_id, key))

    async def _keep(self, key_id: str, key: bytes) -> None:
        try:
            await self._adopt(key_id, key)
            _log.info('key "%s" of another server is in the keyring now', key_id)
        except KeyringError as error:
            _log.error('key "%s" of another server reads but does not write: %s', key_id, error)
