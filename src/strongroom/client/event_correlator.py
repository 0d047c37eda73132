"""What becomes of an event: a new object, a higher count on an old one, or nothing. Pure.

Times are passed in. Rules of client-go's event correlator: many similar events (same source, object, type and
reason) become one combined event, equal ones count up, and one source may speak about one object 25 times at
once and then once every 5 minutes.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from strongroom.aio.token_bucket import TokenBucket
from strongroom.machinery.gvk import Object

_REMEMBERED = 4096
_SIMILAR_LIMIT = 10
_SIMILAR_SECONDS = 600.0
_SPAM_BURST = 25
_SPAM_RATE = 1 / 300
COMBINED = "(combined from similar events): "

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Happening:
    """What a component reports, before it is an Event. `involved` is an ObjectReference."""

    involved: Object
    type: str
    reason: str
    message: str
    nanoseconds: int
    """Unix time; unique within a recorder, since the event's name is made of it."""
    monotonic: float


@dataclass(frozen=True, slots=True)
class Create:
    """Post this Event."""

    namespace: str
    event: Object
    key: Hashable


@dataclass(frozen=True, slots=True)
class Patch:
    """Patch the Event `name`; when it is gone, post `event` instead."""

    namespace: str
    name: str
    patch: Object
    event: Object
    key: Hashable


@dataclass(slots=True)
class _Similar:
    messages: set[str] = field(default_factory=set)
    last: float = 0.0


@dataclass(slots=True)
class _Seen:
    name: str
    first: str
    count: int


class _Recent(Generic[V]):
    """A map that forgets what was not used for longest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Hashable, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        self._entries.pop(key, None)


def reference(obj: Object, field_path: str = "") -> Object:
    """The ObjectReference of `obj` for `involvedObject`."""
    metadata = obj["metadata"]
    parts = {
        "kind": obj.get("kind", ""),
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "uid": metadata.get("uid", ""),
        "apiVersion": obj.get("apiVersion", ""),
        "resourceVersion": metadata.get("resourceVersion", ""),
        "fieldPath": field_path,
    }
    return {name: value for name, value in parts.items() if value}


def _timestamp(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class EventCorrelator:
    """The memory of one source of events (`component` on `host`)."""

    def __init__(self, component: str, host: str) -> None:
        self._component = component
        self._host = host
        self._similar: _Recent[_Similar] = _Recent(_REMEMBERED)
        self._seen: _Recent[_Seen] = _Recent(_REMEMBERED)
        self._buckets: _Recent[TokenBucket] = _Recent(_REMEMBERED)

    def correlate(self, happening: Happening) -> Create | Patch | None:
        """What to do; None: the spam filter drops it."""
        key, message = self._combine(happening)
        action = self._observe(happening, key, message)
        return action if self._allowed(happening) else None

    def forget(self, key: Hashable) -> None:
        """The Event counted under `key` was not stored: the next one is a new Event."""
        self._seen.drop(key)

    def _combine(self, happening: Happening) -> tuple[Hashable, str]:
        """The key to count under, and the message: the combined ones when too many messages are alike."""
        kind = (_identity(happening.involved), happening.type, happening.reason)
        similar = self._similar.get(kind)
        if similar is None or happening.monotonic - similar.last > _SIMILAR_SECONDS:
            similar = _Similar()
            self._similar.put(kind, similar)
        similar.messages.add(happening.message)
        similar.last = happening.monotonic
        if len(similar.messages) < _SIMILAR_LIMIT:
            field_path = happening.involved.get("fieldPath", "")
            return (*kind, field_path, happening.message), happening.message
        similar.messages.pop()
        return kind, COMBINED + happening.message

    def _observe(self, happening: Happening, key: Hashable, message: str) -> Create | Patch:
        namespace = happening.involved.get("namespace") or "default"
        now = _timestamp(happening.nanoseconds)
        seen = self._seen.get(key)
        if seen is None:
            seen = _Seen(f"{happening.involved['name']}.{happening.nanoseconds:x}", now, 1)
            self._seen.put(key, seen)
            return Create(namespace, self._event(happening, namespace, seen, message, now), key)
        seen.count += 1
        event = self._event(happening, namespace, seen, message, now)
        patch = {"message": message, "count": seen.count, "lastTimestamp": now}
        return Patch(namespace, seen.name, patch, event, key)

    def _allowed(self, happening: Happening) -> bool:
        identity = _identity(happening.involved)
        bucket = self._buckets.get(identity)
        if bucket is None:
            bucket = TokenBucket(_SPAM_RATE, _SPAM_BURST, happening.monotonic)
            self._buckets.put(identity, bucket)
        return bucket.take(happening.monotonic)

    def _event(self, happening: Happening, namespace: str, seen: _Seen, message: str, now: str) -> Object:
        source = {"component": self._component}
        if self._host:
            source["host"] = self._host
        return {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": seen.name, "namespace": namespace},
            "involvedObject": happening.involved,
            "reason": happening.reason,
            "message": message,
            "source": source,
            "firstTimestamp": seen.first,
            "lastTimestamp": now,
            "count": seen.count,
            "type": happening.type,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }


def _identity(involved: Object) -> Hashable:
    return tuple(involved.get(part, "") for part in ("kind", "namespace", "name", "uid", "apiVersion"))
