"""The writer as a process of its own, started with a socket's descriptor and the path of the database.

Reads groups of writes from the socket and answers each with what became of it. It ends, with all that it has
read committed, when the other side closes the socket; the lock on the database, which it inherits, ends with
it.
"""

import marshal
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from strongroom.store import errors
from strongroom.store.engine import EngineEvent
from strongroom.store.engines.sqlite import schema, writer

HEADER: Final = 4
"""Bytes of a frame's length, big-endian."""

Ticket = tuple[int, int]
"""The number of a write and its kind: what stands for its future here."""


def frame(content: Any) -> bytes:
    """A message: length and content."""
    body = marshal.dumps(content)
    return len(body).to_bytes(HEADER, "big") + body


def describe(error: errors.StoreError) -> tuple[str, tuple[Any, ...]]:
    """An error as plain values, for `restore` on the other side."""
    if isinstance(error, errors.KeyExists):
        return "KeyExists", (error.key,)
    if isinstance(error, errors.RevisionConflict):
        return "RevisionConflict", (error.key, error.expected, error.actual)
    if isinstance(error, errors.FutureRevision):
        return "FutureRevision", (error.revision, error.current)
    return "Corrupt" if isinstance(error, errors.Corrupt) else "Unavailable", (str(error),)


def restore(name: str, arguments: tuple[Any, ...]) -> errors.StoreError:
    """The error that `describe` described."""
    made: errors.StoreError = getattr(errors, name)(*arguments)
    return made


class _Inline:
    """Stands for the event loop of `writer.Writer`: what is handed over runs at once."""

    def call_soon_threadsafe(self, callback: Callable[..., None], *arguments: object) -> None:
        callback(*arguments)


def main() -> None:
    """Serve until the other side is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it ends after its parent, by the end of the socket
    channel = socket.socket(fileno=int(sys.argv[1]))
    path = Path(sys.argv[2])

    def answer(events: Sequence[EngineEvent], outcomes: Sequence[tuple[Any, Any]]) -> None:
        told: list[tuple[Any, ...]] = []
        happened = iter(events)
        for (number, kind), outcome in outcomes:
            if not isinstance(outcome, int):
                told.append((number, *describe(outcome)))
            elif kind >= writer.COMPACT:
                told.append((number, outcome, 0, 0))
            else:
                kv = next(happened).kv
                told.append((number, outcome, kv.create_revision, kv.version))
        try:
            channel.sendall(frame(told))
        except OSError:
            pass  # nobody waits for it any more

    loop: Any = _Inline()
    serving = writer.Writer(schema.connect(path), path, loop, answer)
    threading.Thread(target=_read, args=(channel, serving), daemon=True).start()
    serving.run()


def _read(channel: socket.socket, serving: writer.Writer) -> None:
    """Submits what arrives, to the end of the socket: closed, or reset by a parent that was killed."""
    try:
        with channel.makefile("rb") as stream:
            while len(header := stream.read(HEADER)) == HEADER:
                length = int.from_bytes(header, "big")
                body = stream.read(length)
                if len(body) < length:
                    break
                serving.submit(_writes(body))
    except OSError:
        pass
    finally:
        serving.end()


def _writes(body: bytes) -> Sequence[writer.Write]:
    ticket: Any
    group = []
    for number, kind, key, value, expected in marshal.loads(body):  # noqa: S302 - from our own process
        ticket = (number, kind)
        group.append(writer.Write(ticket, kind, key, value, expected))
    return group
