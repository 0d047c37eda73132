"""Secrets: those of the plain shape are written by a shorter way, to the same end."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from strongroom.aio.clock import Clock
from strongroom.api.core.v1.plain_secret import PlainSecret, Shape
from strongroom.api.core.v1.secret import SecretStrategy
from strongroom.machinery import duration
from strongroom.machinery.gvk import Object
from strongroom.registry import encoding, settled
from strongroom.registry.generic import Registry
from strongroom.registry.managed_fields import Writer
from strongroom.registry.settled import Settled
from strongroom.store.errors import KeyExists, RevisionConflict
from strongroom.store.objects import ObjectStore
from strongroom.store.watch_cache import WatchCache

_KNOWN_MAX: Final = 1024
_KNOWN_LONGEST: Final = 8 * 1024
_KNOWN_KEYS: Final = 192
_OLD_LONGEST: Final = 256 * 1024
"""Bytes of a stored Secret. Larger ones may become too large for a store by their managedFields."""
_ALWAYS: Final = frozenset(
    ("name", "namespace", "uid", "creationTimestamp", "managedFields", "resourceVersion")
)
_METADATA: Final = _ALWAYS | {"labels", "annotations"}
_FIELDS: Final = frozenset(("kind", "apiVersion", "metadata", "data", "type"))
_SET_BY_SERVER: Final = ("uid", "resourceVersion", "creationTimestamp", "managedFields")

_Part = tuple[Any, ...]
"""In what two states of a dict differ: the keys of both (None: there is no dict), and those with a new
value; () if they do not."""


class SecretRegistry(Registry):
    """As the registry of any kind, and for plain Secrets their writes without the steps between.

    Both give None for what must go the general way, and have done nothing then."""

    def __init__(
        self, strategy: SecretStrategy, cache: WatchCache, objects: ObjectStore, clock: Clock
    ) -> None:
        super().__init__(strategy, cache, objects, clock)
        self._prefix = strategy.resource.storage_prefix
        self._created: dict[tuple[str, Shape], tuple[bytes, bytes]] = {}
        self._layouts: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
        self._changed: dict[tuple[Any, ...], Settled | None] = {}

    async def create_plain(
        self, namespace: str, secret: PlainSecret, writer: str, passes: Callable[[], bool]
    ) -> bytes | None:
        """As `create`; the new object's JSON. `passes`: whether admission has nothing to say about it."""
        given = secret.metadata
        if not secret.shape.bare:
            for field in _SET_BY_SERVER:
                if given.get(field) is not None:
                    return None
        if self._shared:
            await self._cache.refresh()
        if not passes():
            return None
        now = duration.timestamp(self._clock.now())
        before, after = self._creation(writer, secret)
        # The general way has them in this order: fields that came keep their place.
        metadata: Object = {"name": secret.name}
        if "namespace" in given:
            metadata["namespace"] = namespace
        if secret.labels is not None:
            metadata["labels"] = secret.labels
        if secret.annotations is not None:
            metadata["annotations"] = secret.annotations
        metadata["namespace"] = namespace
        metadata["uid"] = encoding.new_uid()
        metadata["creationTimestamp"] = now
        data = self._encoded(secret, metadata, b"%b%b%b" % (before, now.encode(), after))
        try:
            revision = await self._objects.create(f"{self._prefix}{namespace}/{secret.name}", data)
        except KeyExists:
            raise self._taken(namespace, secret.name, generated=False) from None
        return await self._written(data, revision)

    async def update_plain(self, namespace: str, secret: PlainSecret, writer: str) -> bytes | None:
        """As `update` to the data, labels and annotations of `secret`; the JSON of what is stored then."""
        if self._shared:
            await self._cache.refresh()
        key = f"{self._prefix}{namespace}/{secret.name}"
        entry = self.rows.get(key)
        if entry is None or entry.stale or len(entry.item) > _OLD_LONGEST:
            return None
        old = entry.decode()
        current, given = old["metadata"], secret.metadata
        if (tuple(old), tuple(current)) not in self._layouts and not self._is_plain(old):
            return None
        if old["type"] != secret.type:
            return None
        if not secret.shape.bare and not _meets(given, current):
            return None
        times = settled.times(current["managedFields"])
        managed = times and self._change(writer, secret, old)
        if not times or not managed:
            return None
        metadata: Object = {"name": secret.name}
        if "namespace" in given:
            metadata["namespace"] = namespace
        if given.get("uid"):
            metadata["uid"] = current["uid"]
        if given.get("creationTimestamp"):
            metadata["creationTimestamp"] = current["creationTimestamp"]
        if secret.labels is not None:
            metadata["labels"] = secret.labels
        if secret.annotations is not None:
            metadata["annotations"] = secret.annotations
        metadata["namespace"] = namespace
        metadata["uid"] = current["uid"]
        metadata["creationTimestamp"] = current["creationTimestamp"]
        now = duration.timestamp(self._clock.now())
        data = self._encoded(secret, metadata, managed.encoded(times, now))
        try:
            revision = await self._objects.update(key, data, entry.revision)
        except RevisionConflict:
            await self.catch_up()
            return None
        return await self._written(data, revision)

    def _is_plain(self, old: Object) -> bool:
        """Whether a stored Secret has the fields of a plain one, no others; then its keys are remembered."""
        current = old["metadata"]
        if old.keys() != _FIELDS or not _ALWAYS <= current.keys() <= _METADATA:
            return False
        if len(self._layouts) >= _KNOWN_MAX:
            self._layouts.clear()
        self._layouts.add((tuple(old), tuple(current)))
        return True

    def _creation(self, writer: str, secret: PlainSecret) -> tuple[bytes, bytes]:
        """The managedFields of a new Secret up to their time, and from there on."""
        key = (writer, secret.shape)
        found = self._created.get(key)
        if found is None:
            obj = self._bare({}, secret)
            self.managed_fields.created(obj, Writer(writer))
            before, after = orjson.dumps(obj["metadata"]["managedFields"]).split(b'"time":""', 1)
            found = before + b'"time":"', b'"' + after
            _keep(self._created, key, found)
        return found

    def _change(self, writer: str, secret: PlainSecret, old: Object) -> Settled | None:
        """What becomes of the managers. None: nothing changes, or it can't be known by the keys alone."""
        current = old["metadata"]
        parts = (
            _part(old["data"], secret.data),
            _part(current.get("labels"), secret.labels),
            _part(current.get("annotations"), secret.annotations),
        )
        if parts == ((), (), ()):
            return None
        entries = current["managedFields"]
        for each in entries:
            del each["time"]  # `old` is nobody else's
        before = orjson.dumps(entries)
        key = (writer, before, parts)
        if key in self._changed:
            return self._changed[key]
        kept = {name: item for name, item in current.items() if name not in _METADATA - _ALWAYS}
        found = self.managed_fields.after(old, self._bare(kept, secret), Writer(writer))
        keys = sum(len(names) for part in parts for names in part if names is not None)
        if len(before) <= _KNOWN_LONGEST and keys <= _KNOWN_KEYS:
            _keep(self._changed, key, found)
        return found

    def _bare(self, metadata: Mapping[str, Any], secret: PlainSecret) -> Object:
        """A Secret as the general way has it before its managers are noted."""
        of_two = {"labels": secret.labels, "annotations": secret.annotations}
        return {
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version,
            "metadata": {**metadata, **{name: item for name, item in of_two.items() if item is not None}},
            "data": secret.data,
            "type": secret.type,
        }

    def _encoded(self, secret: PlainSecret, metadata: Object, managed: bytes) -> bytes:
        """As `encoding.encode`."""
        metadata["managedFields"] = orjson.Fragment(managed)
        rest = orjson.dumps({"metadata": metadata, "data": secret.data, "type": secret.type})
        return self.head + rest[1:]

    async def _written(self, data: bytes, revision: int) -> bytes:
        await self._seen(revision)
        return encoding.with_revision(data, len(self.head), revision)


def _meets(given: Mapping[str, Any], current: Mapping[str, Any]) -> bool:
    """Whether what came of what the server sets is what is there, or nothing."""
    version = given.get("resourceVersion")
    return (
        given.get("uid") in (None, "", current["uid"])
        and (version in (None, "", "0") or version == current["resourceVersion"])
        and given.get("creationTimestamp") in (None, current["creationTimestamp"])
        and given.get("managedFields") in (None, current["managedFields"])
    )


def _part(old: dict[str, str] | None, new: dict[str, str] | None) -> _Part:
    if old == new:
        return ()
    if old is None or new is None:
        return (None if old is None else tuple(old), None if new is None else tuple(new))
    return (tuple(old), tuple(new), tuple([key for key, item in new.items() if old.get(key) != item]))


def _keep(known: dict[Any, Any], key: Any, value: Any) -> None:
    if len(known) >= _KNOWN_MAX:
        known.clear()
    known[key] = value
