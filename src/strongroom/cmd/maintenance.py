"""What commands on a data directory share: they ask the server that runs on it, or open its store
themselves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from strongroom.cmd import admin_socket, data_dir, encryption, settings, storage
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.key_handover import KeyHandover
from strongroom.cmd.key_rotation import KeyRotation
from strongroom.encryption.keyring import KeyringError
from strongroom.store.engine import DurableEngine
from strongroom.store.engines.etcd.endpoint import EndpointError
from strongroom.store.errors import StoreError
from strongroom.store.objects import ObjectStore

FAILURES = (
    admin_socket.Refused,
    admin_socket.NotRunning,
    data_dir.InUse,
    EndpointError,
    KeyringError,
    StoreError,
)
"""Errors whose text is one line for the user."""

Show = Callable[[Mapping[str, Any]], None]


def perform(
    where: DataDir,
    options: encryption.Options,
    request: Mapping[str, Any],
    show: Show,
    store: str = settings.SQLITE,
) -> Any:
    """Have `request` done by the running server, else in this process. Raises one of FAILURES."""
    try:
        return admin_socket.call(where.root, request, show)
    except admin_socket.NotRunning as error:
        if store == settings.SQLITE and not where.database.exists():
            raise admin_socket.NotRunning(f"{error}, and it holds no database: see --data-dir") from None
        with where.lock():
            return asyncio.run(_alone(where, options, request, show, store))


async def _alone(
    where: DataDir, options: encryption.Options, request: Mapping[str, Any], show: Show, store: str
) -> Mapping[str, Any]:
    used = storage.open_encryption(where, options)
    handover = KeyHandover(used)
    engine = storage.open_engine(where, store)
    try:
        await storage.start_engine(engine, handover)
        rotation = KeyRotation(engine, ObjectStore(engine, used.stored), used, handover)
        return await rotation.commands[str(request["command"])](request, show)
    finally:
        await engine.close()
        await handover.close()
        used.close()


@contextlib.asynccontextmanager
async def opened(where: DataDir, store: str) -> AsyncIterator[DurableEngine]:
    """The engine of a store, started. Raises StoreError."""
    engine = storage.open_engine(where, store)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()
