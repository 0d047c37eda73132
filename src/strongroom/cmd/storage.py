"""The store of one process: engine, encryption, objects and the cache that reads come from."""

import asyncio
import contextlib
import importlib
import os
import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.cmd import encryption, settings, shared_credentials
from strongroom.cmd.configured_encryption import ConfiguredEncryption
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.key_handover import KeyHandover
from strongroom.encryption import inspection
from strongroom.encryption.keyring import KeyringError, MissingKeyring
from strongroom.encryption.transformer import TransformError, WrongKey
from strongroom.registry import catalog, foreign
from strongroom.store.engine import DurableEngine, Engine
from strongroom.store.engines.etcd import endpoint
from strongroom.store.engines.sqlite.engine import SQLiteEngine
from strongroom.store.errors import Unavailable
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache

_ETCD = "strongroom.store.engines.etcd.engine"
_LOOKED_AT = 1000
"""Values looked at to name the keys that a missing keyring held."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Open and loaded; `close` ends the cache, then the engine."""

    engine: DurableEngine
    objects: ObjectStore
    cache: WatchCache
    encryption: encryption.Encryption
    handover: KeyHandover

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

    async def size(self) -> int | None:
        """Bytes of the database, if that can be known now."""
        try:
            return await self.engine.size()
        except Unavailable:
            return None

    async def close(self) -> None:
        await self.cache.close()
        await self.engine.close()
        await self.handover.close()
        self.encryption.close()


def open_encryption(
    place: DataDir, options: encryption.Options, *, create: bool = False
) -> encryption.Encryption:
    """Encryption at rest for a data directory. Raises KeyringError, naming the key that is missing.

    `create`: make the keyring when there is neither one nor a database that it belongs to."""
    if options.config is not None:
        return encryption.of_config(options.config, place, options.passphrase_file)
    file = encryption.keyring_file(place, options.passphrase_file)
    try:
        # A new key could not read an existing database: there, a missing keyring is no first start.
        return encryption.of_keyring(file, create=create and not place.database.exists())
    except MissingKeyring as error:
        if used := _keys_in_use(place.database):
            raise KeyringError(f"{error}: it must hold {used}") from None
        raise


def _keys_in_use(database: Path) -> str:
    """Ids of the keys of some values in a database that nobody else has open, for a text."""
    if not database.exists():
        return ""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA query_only = ON")
        rows = connection.execute(
            "SELECT value FROM revisions WHERE key LIKE '/registry/secrets/%' LIMIT ?", (_LOOKED_AT,)
        )
        return _named({inspection.key_of(row[0]) for row in rows})
    return ""


def _named(labels: Collection[str]) -> str:
    """The key ids among labels of keys."""
    return ", ".join(
        f'key "{inspection.parts_of(each)[1]}"' for each in sorted(labels) if each.startswith("kms/")
    )


def open_engine(place: DataDir, store: str) -> DurableEngine:
    """The engine that `--store` names, not started."""
    if store == settings.SQLITE:
        return SQLiteEngine(place.database, own_process=True)
    # Its own words on standard error would stand beside our one line.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # gRPC takes a quarter of a second to load, and most never need it.
    module = importlib.import_module(_ETCD)
    made: DurableEngine = module.EtcdEngine(endpoint.parse(store))
    return made


async def open_storage(
    place: DataDir, clock: Clock, options: encryption.Options, store: str = settings.SQLITE
) -> Storage:
    """The store in the data directory, Secrets encrypted. Raises KeyringError, StoreError.

    A key that stored values need and that is not at hand, or is another one, is an error; nothing is written.
    A single value that does not open is none: it is reported, and the others are served."""
    # What servers share was joined before, with the keyring that it needs.
    used = open_encryption(place, options, create=store == settings.SQLITE)
    engine = open_engine(place, store)
    objects = ObjectStore(engine, used.stored, catalog.store_requests())
    cache = WatchCache(objects, catalog.prefixes(), clock=clock, foreign=foreign.to_json)
    handover = KeyHandover(used)
    try:
        await start_engine(engine, handover)
        await cache.start()
        await _check_keys(engine, cache, used)
    except BaseException:
        await cache.close()
        await engine.close()
        await handover.close()
        used.close()
        raise
    return Storage(engine, objects, cache, used, handover)


async def start_engine(engine: DurableEngine, handover: KeyHandover) -> None:
    """Start, with keys taken over that other servers make. Raises KeyringError, StoreError."""
    engine.before = handover.seen
    await engine.start()
    if engine.shared:
        await handover.take(engine)


async def join(place: DataDir, clock: Clock, options: encryption.Options, store: str) -> None:
    """Before the first start of a server on a store that others share: have what they share.

    Raises KeyringError, PKIError, CredentialError, StoreError."""
    engine = open_engine(place, store)
    try:
        await engine.start()
        if await engine.get(endpoint.MIGRATION) is not None:
            raise Unavailable("the store is not filled yet: call strongroom migrate again, which goes on")
        try:
            used = open_encryption(place, options)
        except MissingKeyring:
            if ids := await _keys_in_store(engine):
                raise KeyringError(
                    f"{place.keyring}: the keyring is missing: it must hold {ids}: copy it from a server "
                    "that uses this store"
                ) from None
            used = open_encryption(place, options, create=True)
        handover = KeyHandover(used)
        try:
            await handover.take(engine)
            await shared_credentials.join(engine, used, place, clock)
        finally:
            await handover.close()
            used.close()
    finally:
        await engine.close()


async def _keys_in_store(engine: Engine) -> str:
    """Ids of the keys of some values, for a text; "" when nothing is encrypted there."""
    labels: set[str] = set()
    for prefix in (resources.SECRETS.storage_prefix, encryption.SHARED):
        found = await engine.range(prefix, limit=_LOOKED_AT, exact_count=False)
        labels.update(inspection.key_of(kv.value) for kv in found.items)
    return _named(labels)


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
