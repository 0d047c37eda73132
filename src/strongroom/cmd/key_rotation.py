"""A new key for all that is encrypted: beside the writers at work, and again from where it was cut short."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from strongroom.cmd import key_survey, shared_credentials
from strongroom.cmd.admin_socket import Command, Tell
from strongroom.cmd.encryption import SHARED, Encryption
from strongroom.cmd.key_handover import KeyHandover
from strongroom.encryption import inspection
from strongroom.store import errors, reencryption
from strongroom.store.engine import DurableEngine
from strongroom.store.objects import ObjectStore

_log = logging.getLogger(__name__)

TRIES: Final = 5
"""Passes over everything: one is enough but for what was being written when the key changed."""


class KeyRotation:
    """The commands that a server answers on its admin socket, and that run without one when it is stopped."""

    def __init__(
        self, engine: DurableEngine, objects: ObjectStore, encryption: Encryption, handover: KeyHandover
    ) -> None:
        self._engine = engine
        self._handover = handover
        self._objects = objects
        self._encryption = encryption

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"rotate": self.rotate, "settle": self.settle, "forget": self.forget}

    async def rotate(self, request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
        """Make a new key, encrypt everything with it, and remove all that older keys encrypted.

        When something is under an older key already, the last rotation was cut short: it is finished, without
        a new key. Without a keyring of ours no key is made. Raises StoreError, KeyringError."""
        began = time.monotonic()
        encryption = self._encryption
        made = ""
        keyring, file = encryption.keyring, encryption.file
        if encryption.configured is not None:
            await asyncio.to_thread(encryption.configured.poll)  # what the user has just written counts
        if keyring is not None and file is not None and not await self._under_older_keys():
            if self._engine.shared:
                made = await self._handover.offer(self._engine)
            else:
                made = await asyncio.to_thread(file.add_key, keyring)
        elif self._engine.shared:
            await self._handover.take(self._engine)
        total = 0
        for prefix in encryption.transformers:
            total += (await self._engine.range(prefix, limit=1)).count
        tell({"phase": "encrypting", "done": 0, "total": total, "key": made})
        for _ in range(TRIES):
            done = await reencryption.reencrypt(
                self._objects,
                list(encryption.transformers),
                lambda at: tell({"phase": "encrypting", "done": at.checked, "total": total}),
            )
            if self._engine.shared:
                await self._handover.withdraw(self._engine)
                if SHARED in encryption.encrypted:
                    await reencryption.reencrypt(self._objects, [SHARED], lambda _: None)
                else:  # it would be written plain
                    await shared_credentials.withdraw(self._engine)
            tell({"phase": "removing"})
            await self._settle(rewrite=not self._engine.shared)
            left = await self._under_older_keys()
            if not left or done.unreadable:
                break
        _log.info("rotation: %d of %d objects encrypted again", done.rewritten, done.checked)
        return {
            "key": keyring.current_key_id if keyring is not None else "",
            "newKey": bool(made),
            "checked": done.checked,
            "rewritten": done.rewritten,
            "unreadable": done.unreadable,
            "unreadableKeys": done.named,
            "underOlderKeys": sum(left.values()),
            "seconds": round(time.monotonic() - began, 3),
        }

    async def settle(self, request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
        """Remove superseded revisions, and every trace of what was deleted. Raises StoreError."""
        await self._settle(rewrite=True)
        return {}

    async def _settle(self, *, rewrite: bool) -> None:
        """`rewrite`: an etcd answers nobody meanwhile, so it is not done to one without having been asked."""
        await self._engine.compact(await self._engine.current_revision())
        await self._engine.settle(rewrite=rewrite)

    async def forget(self, request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
        """Drop the keys `ids` from the keyring, but none that is in use. Raises KeyringError, StoreError."""
        keyring, file = self._encryption.keyring, self._encryption.file
        if keyring is None or file is None:
            raise errors.Unavailable("the keys are not in a keyring of this server")
        used = {inspection.parts_of(label)[1] for label in await self._under_older_keys()}
        ids = [key_id for key_id in request.get("ids", []) if key_id not in used]
        return {"removed": await asyncio.to_thread(file.remove_keys, keyring, ids)}

    async def _under_older_keys(self) -> Counter[str]:
        """Stored values, superseded ones too, that the key that writes now did not encrypt, by key."""
        current = self._encryption.current_key
        if not current:
            return Counter()
        keys = (await key_survey.survey(self._engine, self._encryption.stored, opened=False)).keys
        del keys[current]
        return keys
