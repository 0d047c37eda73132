"""The store of one process: engine, encryption, objects and the cache that reads come from."""

import asyncio
import contextlib
import importlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from strongroom.aio.clock import Clock
from strongroom.cmd import encryption, settings
from strongroom.cmd.configured_encryption import ConfiguredEncryption
from strongroom.cmd.data_dir import DataDir
from strongroom.encryption import inspection
from strongroom.encryption.keyring import KeyringError, MissingKeyring
from strongroom.encryption.transformer import TransformError, WrongKey
from strongroom.registry import catalog
from strongroom.store.engine import Engine
from strongroom.store.engines.etcd import endpoint
from strongroom.store.engines.sqlite.engine import SQLiteEngine
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache

_ETCD = "strongroom.store.engines.etcd.engine"
_LOOKED_AT = 1000
"""Values looked at to name the keys that a missing keyring held."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Open and loaded; `close` ends the cache, then the engine."""

    engine: Engine
    objects: ObjectStore
    cache: WatchCache
    encryption: encryption.Encryption

    @property
    def local(self) -> SQLiteEngine | None:
        """The engine if it is this machine's own."""
        return self.engine if isinstance(self.engine, SQLiteEngine) else None

    @property
    def checks(self) -> Mapping[str, Callable[[], bool]]:
        """Names for /readyz."""
        checks: dict[str, Callable[[], bool]] = {}
        if (local := self.local) is not None:
            checks["storage-integrity"] = lambda: not local.damage
        configured = self.encryption.configured
        if configured is not None:
            checks["kms-providers"] = lambda: configured.healthy
        return checks

    async def close(self) -> None:
        await self.cache.close()
        await self.engine.close()
        self.encryption.close()


def open_encryption(place: DataDir, options: encryption.Options) -> encryption.Encryption:
    """Encryption at rest for a data directory. Raises KeyringError, naming the key that is missing."""
    if options.config is not None:
        return encryption.of_config(options.config, place, options.passphrase_file)
    file = encryption.keyring_file(place, options.passphrase_file)
    try:
        # A new key could not read an existing database: there, a missing keyring is no first start.
        return encryption.of_keyring(file, create=not place.database.exists())
    except MissingKeyring as error:
        used = ", ".join(_keys_in_use(place.database))
        raise KeyringError(f"{error}: it must hold {used}" if used else str(error)) from None


def _keys_in_use(database: Path) -> list[str]:
    """Ids of the keys of some values in a database that nobody else has open."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA query_only = ON")
        rows = connection.execute(
            "SELECT value FROM revisions WHERE key LIKE '/registry/secrets/%' LIMIT ?", (_LOOKED_AT,)
        )
        labels = sorted({inspection.key_of(row[0]) for row in rows})
        return [f'key "{label.rpartition("/")[2]}"' for label in labels if label.startswith("kms/")]
    return []


def open_engine(place: DataDir, store: str) -> Engine:
    """The engine that `--store` names, not started."""
    if store == settings.SQLITE:
        return SQLiteEngine(place.database, own_process=True)
    # gRPC takes a quarter of a second to load, and most never need it.
    module = importlib.import_module(_ETCD)
    made: Engine = module.EtcdEngine(endpoint.parse(store))
    return made


async def open_storage(
    place: DataDir, clock: Clock, options: encryption.Options, store: str = settings.SQLITE
) -> Storage:
    """The store in the data directory, Secrets encrypted. Raises KeyringError, StoreError.

    A key that stored values need and that is not at hand, or is another one, is an error; nothing is written.
    A single value that does not open is none: it is reported, and the others are served."""
    used = open_encryption(place, options)
    engine = open_engine(place, store)
    objects = ObjectStore(engine, used.transformers)
    cache = WatchCache(objects, catalog.prefixes(), clock=clock)
    try:
        await engine.start()
        await cache.start()
        await _check_keys(engine, cache, used)
    except BaseException:
        await cache.close()
        await engine.close()
        used.close()
        raise
    return Storage(engine, objects, cache, used)


async def _check_keys(engine: Engine, cache: WatchCache, used: encryption.Encryption) -> None:
    """Raises KeyringError for the first value whose key is not at hand."""
    for prefix, transformer in used.transformers.items():
        unreadable = cache.resource(prefix).unreadable
        for key in unreadable:
            found = await engine.get(key)
            if found is None:
                continue
            try:
                transformer.from_storage(found.value, key.encode())
            except WrongKey as error:
                raise KeyringError(
                    f"{error}, and {len(unreadable)} stored objects do not open without it: put the keyring "
                    "back that belongs to this database; nothing was written"
                ) from None
            except TransformError:
                continue  # the value's own trouble, which is logged


async def follow(configured: ConfiguredEncryption, cache: WatchCache) -> None:
    """Take over changes of the encryption configuration and of plugins' keys, for ever."""
    while True:
        await asyncio.sleep(configured.interval)
        for prefix in await asyncio.to_thread(configured.poll):
            cache.resource(prefix).mark_stale()
