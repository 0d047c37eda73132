"""What can be done to the keys that sign ServiceAccount tokens, by a server or without one."""

import asyncio
import base64
import binascii
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from strongroom.api import resources
from strongroom.cmd.admin_socket import Command, Tell
from strongroom.cmd.service_account_keys import OLD, KeyFolder, Row
from strongroom.registry.catalog import Catalog
from strongroom.server.service_accounts import keys as signing

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 3600.0
_MARK: Final = b'"kubernetes.io/service-account-token"'


class SignerCommands:
    """Answers on the admin socket. `catalog`: None where no server runs; then no Secret is looked at."""

    def __init__(self, folder: KeyFolder, catalog: Catalog | None = None) -> None:
        self._folder = folder
        self._catalog = catalog

    @property
    def commands(self) -> Mapping[str, Command]:
        return {"signer-status": self.status, "signer-rotate": self.rotate, "signer-remove": self.remove}

    async def status(self, request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
        """All keys, the one that signs first."""
        held = Counter(key_id for key_id, _ in self._held())
        return {"keys": [self._shown(row, held) for row in self._folder.rows]}

    async def rotate(self, request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
        """A new key, or with `stage` one that waits. Raises KeyFileError, OSError."""
        row = self._folder.rotate(stage=bool(request.get("stage")))
        _log.info("service account tokens: key %s %s", row.key_id, row.state)
        return {"key": row.key_id, "state": row.state}

    async def remove(self, request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
        """Drop the keys `ids`, or with `old` all old ones. Raises KeyFileError, OSError."""
        ids = [str(each) for each in request.get("ids", [])]
        if request.get("old"):
            ids += [row.key_id for row in self._folder.rows if row.state == OLD]
        left = sorted(secret for key_id, secret in self._held() if key_id in ids)
        removed = self._folder.remove(ids)
        _log.info("service account tokens: %d keys removed", len(removed))
        return {"removed": removed, "tokenSecrets": left}

    async def drop_ended(self) -> None:
        """Drop each old key once its last token has ended. For ever."""
        while True:
            try:
                for key_id in self._folder.drop_ended(self._in_use):
                    _log.info("service account tokens: old key %s dropped, its last token has ended", key_id)
            except OSError as error:
                _log.warning("an old key can't be dropped for now: %s", error.strerror)
            await asyncio.sleep(LOOK_SECONDS)

    def _in_use(self, key_id: str) -> bool:
        return any(held == key_id for held, _ in self._held())

    def _held(self) -> Iterator[tuple[str, str]]:
        """Key id and namespace/name, for each Secret that holds a token of ours."""
        if self._catalog is None:
            return
        for entry in self._catalog[resources.SECRETS].rows.entries():
            if entry.error or _MARK not in entry.item:
                continue
            secret = entry.decode()
            try:
                token = base64.b64decode((secret.get("data") or {}).get("token") or "", validate=True)
            except binascii.Error:
                continue
            if key_id := signing.named_key(token):
                yield key_id, f"{secret['metadata']['namespace']}/{secret['metadata']['name']}"

    def _shown(self, row: Row, held: Mapping[str, int]) -> Mapping[str, Any]:
        return {**row._asdict(), "tokenSecrets": held.get(row.key_id, 0) if self._catalog else None}
