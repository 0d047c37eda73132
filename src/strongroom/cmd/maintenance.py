"""What commands on a data directory share: they ask the server that runs on it, or open its store
themselves."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from strongroom.cmd import admin_socket, data_dir, encryption, storage
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.key_rotation import KeyRotation
from strongroom.encryption.keyring import KeyringError
from strongroom.store.engines.sqlite.engine import SQLiteEngine
from strongroom.store.errors import StoreError
from strongroom.store.objects import ObjectStore

FAILURES = (admin_socket.Refused, admin_socket.NotRunning, data_dir.InUse, KeyringError, StoreError)
"""Errors whose text is one line for the user."""

Show = Callable[[Mapping[str, Any]], None]


def perform(where: DataDir, options: encryption.Options, request: Mapping[str, Any], show: Show) -> Any:
    """Have `request` done by the running server, else in this process. Raises one of FAILURES."""
    try:
        return admin_socket.call(where.root, request, show)
    except admin_socket.NotRunning as error:
        if not where.database.exists():
            raise admin_socket.NotRunning(f"{error}, and it holds no database: see --data-dir") from None
        with where.lock():
            return asyncio.run(_alone(where, options, request, show))


async def _alone(
    where: DataDir, options: encryption.Options, request: Mapping[str, Any], show: Show
) -> Mapping[str, Any]:
    used = storage.open_encryption(where, options)
    engine = SQLiteEngine(where.database, own_process=True)
    try:
        await engine.start()
        rotation = KeyRotation(engine, ObjectStore(engine, used.transformers), used)
        return await rotation.commands[str(request["command"])](request, show)
    finally:
        await engine.close()
        used.close()
