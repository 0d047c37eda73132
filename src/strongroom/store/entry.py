"""One object as the watch cache holds it, and one change of it: encoded once, shared by all who read."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from strongroom.store import errors
from strongroom.store.objects import Stored

ADDED: Final = "ADDED"
MODIFIED: Final = "MODIFIED"
DELETED: Final = "DELETED"

_QUOTE: Final = b'"'
_R, _END = b"r}"
_OPENING: Final = b'{"metadata":{"resourceVersion":"%d"'


Foreign = Callable[[str, bytes], bytes]
"""Makes JSON of what another program stored in another encoding under a prefix. Raises ValueError, whose text
holds nothing of the value."""


class Layout(NamedTuple):
    """What the entries of one resource have in common.

    `prefix`: key prefix, such as `/registry/secrets/`. `head`: the bytes each encoded object begins with,
    such as `{"kind":"Secret","apiVersion":"v1",`. `opening`: the head and the start of metadata. `foreign`:
    for what is not JSON; None: that can't be read."""

    prefix: str
    head: bytes
    opening: bytes
    foreign: Foreign | None = None


def layout(prefix: str, head: bytes, foreign: Foreign | None = None) -> Layout:
    return Layout(prefix, head, head + b'"metadata":{', foreign)


class Entry:
    """An object at a revision. Immutable; an update makes a new one.

    `item`: its JSON as lists carry it: no kind and apiVersion, `resourceVersion` first in metadata.
    `stale`: its stored bytes were not made by the key that writes now; a no-op update writes them again.
    `error`: "" or why the stored value can't be read. Then `item` and all that rests on it (`body`, `decode`,
    `CacheEvent.frame`) raise `errors.Unreadable`, so that no reader takes it for an empty object.
    """

    __slots__ = ("create_revision", "error", "item", "key", "layout", "revision", "stale")

    def __init__(
        self, layout: Layout, key: str, revision: int, create_revision: int, item: bytes, stale: bool = False
    ) -> None:
        self.layout = layout
        self.key = key
        self.revision = revision
        self.create_revision = create_revision
        self.item = item
        self.stale = stale
        self.error = ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key}@{self.revision}>"

    @property
    def namespace(self) -> str:
        """ "" when the resource is cluster-scoped."""
        return self.key[len(self.layout.prefix) :].rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    def body(self) -> bytes:
        """The whole object: what GET answers, without a closing newline."""
        return self.layout.head + self.item[1:]

    def decode(self) -> dict[str, Any]:
        """The whole object, kind and apiVersion first. A fresh copy each time: the caller may change it."""
        decoded: dict[str, Any] = orjson.loads(self.layout.head + self.item[1:])
        return decoded

    def at(self, revision: int) -> "Entry":
        """The same state under another resourceVersion: how a watch shows what is deleted."""
        rest = len(_OPENING % self.revision)
        item = _OPENING % revision + self.item[rest:]
        return Entry(self.layout, self.key, revision, self.create_revision, item, self.stale)


class UnreadableEntry(Entry):
    """A key whose value can't be read. It can be replaced or deleted."""

    __slots__ = ()

    def __init__(self, layout: Layout, key: str, revision: int, create_revision: int, error: str) -> None:
        self.layout = layout
        self.key = key
        self.revision = revision
        self.create_revision = create_revision
        self.stale = True
        self.error = error

    @property
    def item(self) -> bytes:  # type: ignore[override]
        raise errors.Unreadable(self.key, self.error)

    def at(self, revision: int) -> Entry:
        return UnreadableEntry(self.layout, self.key, revision, self.create_revision, self.error)


def from_stored(layout: Layout, stored: Stored) -> Entry:
    """The entry of a stored object. Never raises: what can't be read becomes an UnreadableEntry.

    Bytes that begin with the layout's head and its metadata are not parsed: resourceVersion is spliced in.
    Others (written by another program, or by an older version) are decoded and put into that order; what is
    no JSON goes through the layout's `foreign`."""
    key, data, create_revision, revision, stale, error = stored
    if error:
        return UnreadableEntry(layout, key, revision, create_revision, error)
    start = len(layout.opening)
    # A field that might be resourceVersion is left to what follows.
    if (
        data.startswith(layout.opening)
        and data[-1] == _END
        and data.startswith(_QUOTE, start)
        and data[start + 1] != _R
    ):
        item = b'{"metadata":{"resourceVersion":"%d",%b' % (revision, data[start:])
        return Entry(layout, key, revision, create_revision, item, stale)
    try:
        if layout.foreign is not None and not data.startswith(b"{"):
            # The next write of it, be it one that changes nothing, makes it ours.
            data, stale = layout.foreign(layout.prefix, data), True
        item = _reorder(layout, data, revision)
    except ValueError as problem:
        return UnreadableEntry(layout, key, revision, create_revision, str(problem))
    return Entry(layout, key, revision, create_revision, item, stale)


def _reorder(layout: Layout, data: bytes, revision: int) -> bytes:
    try:
        obj = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise ValueError("the stored value is not JSON") from None  # the parser's error holds the document
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
        raise ValueError("the stored value is not an object with metadata")
    expected = orjson.loads(layout.head.rstrip(b",") + b"}")
    for field, value in expected.items():
        if obj.pop(field, None) != value:
            raise ValueError(f"the stored object's {field} is not {value}")
    metadata = obj.pop("metadata")
    metadata.pop("resourceVersion", None)
    return orjson.dumps({"metadata": {"resourceVersion": str(revision), **metadata}, **obj})


class CacheEvent:
    """One change of one object, shared by history and all watchers.

    `type`: ADDED, MODIFIED or DELETED. `entry`: the new state; for DELETED the last state, with the
    deletion's resourceVersion. `previous`: the state before, None for ADDED. `revision`: the change's.
    """

    __slots__ = ("_frames", "entry", "previous", "revision", "type")

    def __init__(self, type_: str, entry: Entry, previous: Entry | None, revision: int) -> None:
        self.type = type_
        self.entry = entry
        self.previous = previous
        self.revision = revision
        self._frames: dict[str, bytes] | None = None

    def __repr__(self) -> str:
        return f"<CacheEvent {self.type} {self.entry.key}@{self.revision}>"

    @property
    def frame(self) -> bytes:
        """The event as a watch sends it: a line of JSON with the whole object. Raises Unreadable."""
        return self.frame_as(self.type)

    def frame_as(self, type_: str) -> bytes:
        """The event under another type, for watchers whose selector an object comes to match (ADDED) or
        ceases to match (DELETED: the previous state with this change's resourceVersion). Made once.

        Raises Unreadable."""
        if self._frames is None:
            self._frames = {}
        made = self._frames.get(type_)
        if made is None:
            entry = self.entry
            if type_ == DELETED and self.type != DELETED and self.previous is not None:
                entry = self.previous.at(self.revision)
            made = self._frames[type_] = frame(type_, entry)
        return made

    def forget_frames(self) -> None:
        """Let the memory of frames go; they are made again when asked for."""
        self._frames = None


def frame(type_: str, entry: Entry) -> bytes:
    """A watch's line for a state: `{"type":…,"object":…}` and a newline. Raises Unreadable."""
    return b'{"type":"%b","object":%b%b}\n' % (type_.encode(), entry.layout.head, entry.item[1:])
