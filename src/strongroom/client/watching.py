"""The lines of a watch: pure framing and decoding."""

from typing import NamedTuple

import orjson

from strongroom.machinery import status
from strongroom.machinery.gvk import Object

ADDED = "ADDED"
MODIFIED = "MODIFIED"
DELETED = "DELETED"
BOOKMARK = "BOOKMARK"
ERROR = "ERROR"

_STATES = (b'{"type":"ADDED"', b'{"type":"MODIFIED"')

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class WatchEvent(NamedTuple):
    """One event. DELETED carries the object's last state, with the resourceVersion of its deletion."""

    type: str
    object: Object


class LineSplitter:
    """Cuts a byte stream into lines."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their newlines; blank ones are left out."""
        if b"\n" not in chunk:
            self._rest.append(chunk)
            return []
        lines = b"".join((*self._rest, chunk)).split(b"\n")
        last = lines.pop()
        self._rest = [last] if last else []
        return [line for line in lines if line]


def decode(line: bytes) -> WatchEvent:
    """The event of one line. Raises the StatusError that an ERROR event carries."""
    try:
        event = orjson.loads(line)
        kind, obj = event["type"], event["object"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        # no `from`: the library's error quotes the document
        raise status.StatusError(500, "InternalError", "a watch event can't be decoded") from None
    if kind == ERROR:
        raise status.StatusError.from_dict(obj)
    return WatchEvent(kind, obj)


def is_state(line: bytes) -> bool:
    """Whether the line tells that an object is there: no deletion, bookmark or error.

    False as well for a server that writes its lines in another order."""
    return line.startswith(_STATES)


def ends_initial_events(event: WatchEvent) -> bool:
    """Whether this is the bookmark after the last of the initial events."""
    if event.type != BOOKMARK:
        return False
    annotations = event.object["metadata"].get("annotations") or {}
    return bool(annotations.get(INITIAL_EVENTS_END) == "true")
