"""The store of one process: engine, encryption, objects and the cache that reads come from."""

from dataclasses import dataclass

from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.cmd.data_dir import DataDir
from strongroom.encryption import envelope, keyring_file, prefixed
from strongroom.registry import catalog
from strongroom.store.engines.sqlite.engine import SQLiteEngine
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache


@dataclass(frozen=True, slots=True)
class Storage:
    """Open and loaded; `close` ends the cache, then the engine."""

    engine: SQLiteEngine
    objects: ObjectStore
    cache: WatchCache

    async def close(self) -> None:
        await self.cache.close()
        await self.engine.close()


async def open_storage(place: DataDir, clock: Clock) -> Storage:
    """The store in the data directory, Secrets encrypted. Raises KeyringError, StoreError."""
    # A new key could not read an existing database: there, a missing keyring is an error, not a first start.
    file = keyring_file.KeyringFile(place.keyring)
    keys = file.load() if place.database.exists() else file.open_or_create()
    # No identity beside it: a plain value planted in the database is not served.
    secrets = prefixed.PrefixedTransformer([envelope.EnvelopeTransformer(keys)])
    engine = SQLiteEngine(place.database, own_process=True)
    objects = ObjectStore(engine, {resources.SECRETS.storage_prefix: secrets})
    cache = WatchCache(objects, catalog.prefixes(), clock=clock)
    await engine.start()
    try:
        await cache.start()
    except BaseException:
        await engine.close()
        raise
    return Storage(engine, objects, cache)
