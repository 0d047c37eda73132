"""Secrets: those of the plain shape are written by a shorter way, to the same end."""

from collections.abc import Callable
from typing import Final

import orjson

from strongroom.aio.clock import Clock
from strongroom.api.core.v1.plain_secret import PlainSecret, Shape
from strongroom.api.core.v1.secret import OPAQUE, SecretStrategy
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object
from strongroom.machinery.patch.apply import manager
from strongroom.registry import encoding
from strongroom.registry.generic import Registry
from strongroom.store.errors import KeyExists, RevisionConflict
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache

_TAILS_MAX: Final = 1024
_METADATA: Final = frozenset(
    ("name", "namespace", "uid", "creationTimestamp", "managedFields", "resourceVersion")
)
_FIELDS: Final = frozenset(("kind", "apiVersion", "metadata", "data", "type"))


class _Managed:
    """The one entry that a plain Secret has in its managedFields, for a field manager and a shape.

    `before`, `after`: its JSON up to its time, and from there to the data."""

    __slots__ = ("after", "before", "entry")

    def __init__(self, name: str, api_version: str, fields: Object) -> None:
        self.entry: Object = {
            "manager": name,
            "operation": manager.UPDATE,
            "apiVersion": api_version,
            "time": "",
            "fieldsType": manager.FIELDS_V1,
            "fieldsV1": fields,
        }
        before, after = orjson.dumps([self.entry]).decode().split('"time":""', 1)
        self.before = f'"managedFields":{before}"time":"'
        self.after = f'"{after}}},"data":'


class SecretRegistry(Registry):
    """As the registry of any kind, and for plain Secrets their writes without the steps between.

    Both give None for what must go the general way, and have done nothing then."""

    def __init__(
        self, strategy: SecretStrategy, cache: WatchCache, objects: ObjectStore, clock: Clock
    ) -> None:
        super().__init__(strategy, cache, objects, clock)
        self._prefix = strategy.resource.storage_prefix
        self._tails: dict[tuple[str, Shape], _Managed] = {}

    async def create_plain(
        self, namespace: str, secret: PlainSecret, writer: str, passes: Callable[[], bool]
    ) -> bytes | None:
        """As `create`; the new object's JSON. `passes`: whether admission has nothing to say about it."""
        if self._shared:
            await self._cache.refresh()
        if not passes():
            return None
        time = duration.timestamp(self._clock.now())
        data = self._encoded(namespace, secret, encoding.new_uid(), time, self._managed(writer, secret), time)
        try:
            revision = await self._objects.create(f"{self._prefix}{namespace}/{secret.name}", data)
        except KeyExists:
            raise self._taken(namespace, secret.name, generated=False) from None
        return await self._written(data, revision)

    async def update_plain(self, namespace: str, secret: PlainSecret, writer: str) -> bytes | None:
        """As `update` to the data of `secret`, by its only manager; the JSON of what is stored then."""
        if self._shared:
            await self._cache.refresh()
        key = f"{self._prefix}{namespace}/{secret.name}"
        entry = self.rows.get(key)
        if entry is None or entry.stale:
            return None
        old = entry.decode()
        metadata = old["metadata"]
        if old.keys() != _FIELDS or metadata.keys() != _METADATA or old["type"] != secret.type:
            return None
        before, data, entries = old["data"], secret.data, metadata["managedFields"]
        managed = self._managed(writer, secret)
        if before == data or len(entries) != 1:
            return None
        if entries[0] != {**managed.entry, "time": entries[0].get("time")}:
            return None
        now = duration.timestamp(self._clock.now())
        new = self._encoded(namespace, secret, metadata["uid"], metadata["creationTimestamp"], managed, now)
        try:
            revision = await self._objects.update(key, new, entry.revision)
        except RevisionConflict:
            await self.catch_up()
            return None
        return await self._written(new, revision)

    def _managed(self, writer: str, secret: PlainSecret) -> _Managed:
        key = (writer, secret.shape)
        managed = self._tails.get(key)
        if managed is None:
            example = {"kind": self.resource.kind, "apiVersion": self.resource.api_version, "metadata": {}}
            fields = self.managed_fields.of_new({**example, "data": secret.data, "type": secret.type})
            managed = _Managed(writer or manager.UNKNOWN, self.resource.api_version, fields)
            if len(self._tails) >= _TAILS_MAX:
                self._tails.clear()
            self._tails[key] = managed
        return managed

    def _encoded(
        self, namespace: str, secret: PlainSecret, uid: str, created: str, managed: _Managed, time: str
    ) -> bytes:
        """As `encoding.encode`."""
        metadata = (
            f'"metadata":{{"name":"{secret.name}","namespace":"{namespace}","uid":"{uid}",'
            f'"creationTimestamp":"{created}",{managed.before}{time}{managed.after}'
        )
        kind = b'"Opaque"' if secret.type == OPAQUE else orjson.dumps(secret.type)
        return b'%b%b%b,"type":%b}' % (self.head, metadata.encode(), orjson.dumps(secret.data), kind)

    async def _written(self, data: bytes, revision: int) -> bytes:
        await self._seen(revision)
        return encoding.with_revision(data, len(self.head), revision)
