"""Watches: the state to begin with, then every change, as the selectors see it.

An object that starts to match is ADDED, one that stops to match is DELETED, whatever happened to it.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Protocol

from strongroom.api.strategy import Strategy
from strongroom.machinery import status
from strongroom.registry import listing
from strongroom.registry.options import WatchOptions
from strongroom.registry.selection import Selection
from strongroom.store.errors import Compacted
from strongroom.store.watch_cache import (
    ADDED,
    DELETED,
    MODIFIED,
    CacheEvent,
    Entry,
    ResourceCache,
    Subscription,
    WatchCache,
)

FRAMES_AT_ONCE = 256


class Change(Protocol):
    """One event of a watch. `frame` is its line on the wire, encoded once for all watchers that see it so."""

    @property
    def type(self) -> str: ...

    @property
    def revision(self) -> int: ...

    @property
    def entry(self) -> Entry:
        """The object as the event shows it."""
        ...

    @property
    def frame(self) -> bytes: ...


class Transition:
    """A change that a selector shows as another than it is."""

    __slots__ = ("_event", "type")

    def __init__(self, event: CacheEvent, shown: str) -> None:
        self._event = event
        self.type = shown

    @property
    def revision(self) -> int:
        return self._event.revision

    @property
    def entry(self) -> Entry:
        previous = self._event.previous
        if self.type == DELETED and previous is not None:
            return previous.at(self._event.revision)
        return self._event.entry

    @property
    def frame(self) -> bytes:
        return self._event.frame_as(self.type)


class Watch:
    """An open watch: `initial` entries stand for ADDED events, `revision` is their snapshot's.

    `from_state`: it begins with what is there, and not after a revision.

    Iterate for the batches that follow. A batch is empty after `poke`. The iteration ends after `close`, and
    when this watcher is too slow.
    """

    def __init__(
        self,
        selection: Selection,
        subscription: Subscription,
        head: bytes,
        initial: Sequence[Entry] | None,
        revision: int,
    ) -> None:
        self.head = head
        self.from_state = initial is not None
        self.initial = initial or ()
        self.revision = revision
        self.selection = selection
        self.subscription = subscription

    def __aiter__(self) -> AsyncIterator[Sequence[Change]]:
        return self

    async def __anext__(self) -> Sequence[Change]:
        while True:
            batch = await self.subscription.__anext__()
            if self.selection.everything or not batch:
                return batch
            if chosen := [change for event in batch if (change := self._select(event)) is not None]:
                return chosen

    def initial_frames(self) -> Iterator[bytes]:
        """The lines of the initial ADDED events, many at a time."""
        opening = b'{"type":"ADDED","object":' + self.head
        for first in range(0, len(self.initial), FRAMES_AT_ONCE):
            items = [entry.item[1:] for entry in self.initial[first : first + FRAMES_AT_ONCE]]
            yield opening + (b"}\n" + opening).join(items) + b"}\n"

    @property
    def was_cut(self) -> bool:
        """The iteration ended, or will, because this watcher is too slow."""
        return self.subscription.was_cut

    def poke(self) -> None:
        """Make the iteration give an empty batch, after what is queued: time for a bookmark."""
        self.subscription.poke()

    def close(self) -> None:
        """End the iteration. Idempotent."""
        self.subscription.close()

    def _select(self, event: CacheEvent) -> Change | None:
        previous = event.previous
        was = previous is not None and self.selection.matches(previous.decode())
        if event.type == DELETED:
            return event if was else None
        if self.selection.matches(event.entry.decode()):
            shown = MODIFIED if was else ADDED
        elif was:
            shown = DELETED
        else:
            return None
        return event if shown == event.type else Transition(event, shown)


async def start(
    cache: WatchCache, rows: ResourceCache, strategy: Strategy, namespace: str, options: WatchOptions
) -> Watch:
    """Open a watch. Raises StatusError: 400 selector, 410 history gone, 504 revision in the future."""
    selection = Selection(strategy, namespace, options.labels, options.fields)
    since = options.resource_version or None
    if since is not None:
        await listing.wait_for(cache, since)
    scope: dict[str, Any] = (
        {"key": selection.key} if selection.key is not None else {"prefix": selection.prefix}
    )
    initial: Sequence[Entry] | None = None
    if options.initial_state or (since is None and options.initial_events):
        # No await between the snapshot and the subscription: nothing falls between them.
        initial = _current(rows, selection)
        since = None
    try:
        subscription = rows.subscribe(since=since, **scope)
    except Compacted as error:
        raise status.expired(f"too old resource version: {error.revision} ({error.oldest})") from None
    return Watch(selection, subscription, rows.head, initial, cache.revision)


def _current(rows: ResourceCache, selection: Selection) -> Sequence[Entry]:
    if selection.key is not None:
        entry = rows.get(selection.key)
        entries: Sequence[Entry] = (entry,) if entry is not None else ()
    else:
        entries = rows.entries(selection.prefix)
    if selection.everything:
        return entries
    return [entry for entry in entries if selection.matches(entry.decode())]
