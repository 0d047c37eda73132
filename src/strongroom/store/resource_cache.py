"""All objects of one resource, their recent changes, and who watches them."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from sortedcontainers import SortedList

from strongroom.aio.batch_queue import BatchQueue
from strongroom.aio.clock import Clock
from strongroom.store import entry as entries
from strongroom.store import errors
from strongroom.store.engine import end_of
from strongroom.store.entry import CacheEvent, Entry, Foreign
from strongroom.store.objects import Stored, StoredEvent

HISTORY_SECONDS: Final = 75.0
"""Changes younger than this are kept for watches that resume, up to HISTORY_LIMIT."""

HISTORY_MINIMUM: Final = 100
HISTORY_LIMIT: Final = 100_000
"""Changes kept at least, whatever their age, and at most, however young: the bounds of kube-apiserver."""

FRAMES_KEPT: Final = 512
"""Recent changes that keep their encoded frame; older ones make it again if a watch resumes that far back."""

QUEUE_LIMIT: Final = 1000
"""Changes that wait for one watcher; one that falls further behind is cut."""


class Subscription:
    """One watcher: iterate it for lists of events, in order, none twice, none left out; empty after `poke`.

    The iteration ends when the subscriber is cut (too slow, or the cache lost its source): watch again from
    the last revision seen, or list again. Cancelling the wait loses nothing. Close it, or use it as a context
    manager; to wait with a timeout wrap `anext` in `asyncio.timeout`.
    """

    def __init__(self, owner: "ResourceCache", index: tuple[str, str], queue: BatchQueue[CacheEvent]) -> None:
        self._owner = owner
        self._queue = queue
        self.index = index

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[CacheEvent]:
        return await self._queue.__anext__()

    def __len__(self) -> int:
        """Events that wait."""
        return len(self._queue)

    @property
    def was_cut(self) -> bool:
        """The iteration has ended, or will, without the subscriber having asked for it."""
        return self._queue.was_cut

    def push(self, event: CacheEvent) -> bool:
        """For the cache. False: the subscriber is gone."""
        return self._queue.push(event)

    def poke(self) -> None:
        """Make the iteration give what waits, be it an empty list."""
        self._queue.poke()

    def cut(self) -> None:
        """End the iteration now; what waits is dropped."""
        self._queue.cut()
        self._owner.unsubscribe(self)

    def close(self) -> None:
        """Stop receiving. Idempotent."""
        self._queue.finish()
        self._owner.unsubscribe(self)


class ResourceCache:
    """Reads are synchronous and see one state until the next `await`. All in the event loop's thread.

    Promise of `entries()` + `subscribe(since=None)` without an await in between: the list, and then every
    change after it.
    """

    def __init__(self, prefix: str, head: bytes, clock: Clock, foreign: Foreign | None = None) -> None:
        self.layout = entries.layout(prefix, head, foreign)
        self.revision = 0
        """Revision of the last change of this resource, or of the load."""
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._keys: SortedList = SortedList()
        self._unreadable: dict[str, Entry] = {}
        self._history: deque[tuple[float, CacheEvent]] = deque()
        self._framed: deque[CacheEvent] = deque()
        self._floor = 0
        self._watchers: dict[tuple[str, str], dict[Subscription, None]] = {}

    @property
    def head(self) -> bytes:
        """`{"kind":…,"apiVersion":…,`: what `Entry.item[1:]` follows in a whole object."""
        return self.layout.head

    @property
    def unreadable(self) -> Mapping[str, Entry]:
        """Keys whose value can't be read; normally empty."""
        return self._unreadable

    @property
    def oldest(self) -> int:
        """The oldest revision that `subscribe` can start from."""
        return self._floor

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def entries(self, prefix: str = "", *, start: str = "", limit: int = 0) -> Sequence[Entry]:
        """The entries whose key begins with `prefix` ("": all) and is >= `start`, by key, at most `limit`.

        Unreadable ones included."""
        prefix = prefix or self.layout.prefix
        low = self._keys.bisect_left(max(prefix, start))
        high = self._keys.bisect_left(end_of(prefix))
        if limit:
            high = min(high, low + limit)
        found = self._entries
        return [found[key] for key in self._keys.islice(low, high)]

    def count(self, prefix: str = "", *, start: str = "") -> int:
        """How many `entries` would give without a limit."""
        prefix = prefix or self.layout.prefix
        count: int = self._keys.bisect_left(end_of(prefix)) - self._keys.bisect_left(max(prefix, start))
        return max(count, 0)

    def subscribe(
        self,
        *,
        prefix: str = "",
        key: str | None = None,
        since: int | None = None,
        maxsize: int = QUEUE_LIMIT,
    ) -> Subscription:
        """Watch one `key`, one namespace (`prefix` ending in its `/`) or the whole resource.

        `since`: also the changes with a revision > since that are in the history; None: from now on. Raises
        Compacted when the history does not reach back to `since` (`oldest` is the oldest that can be asked
        for). `since` must be in the cache: see `WatchCache.wait_for`."""
        index = (key or "", "") if key is not None else ("", "" if prefix == self.layout.prefix else prefix)
        replay: list[CacheEvent] = []
        if since is not None:
            replay = [
                event
                for event in self.changes(since)
                if event.entry.key.startswith(prefix) and (key is None or event.entry.key == key)
            ]
        queue = BatchQueue[CacheEvent](maxsize)
        queue.extend(replay, unbounded=True)
        subscription = Subscription(self, index, queue)
        self._watchers.setdefault(index, {})[subscription] = None
        return subscription

    def changes(self, since: int) -> list[CacheEvent]:
        """The changes with a revision > since, in order. Raises Compacted when the history begins later."""
        if since < self._floor:
            raise errors.Compacted(since, self._floor)
        found: list[CacheEvent] = []
        for _, event in reversed(self._history):
            if event.revision <= since:
                break
            found.append(event)
        found.reverse()
        return found

    def unsubscribe(self, subscription: Subscription) -> None:
        """For `Subscription.close`."""
        watchers = self._watchers.get(subscription.index)
        if watchers is not None and watchers.pop(subscription, False) is None and not watchers:
            del self._watchers[subscription.index]

    @property
    def subscriptions(self) -> Collection[Subscription]:
        """All who watch."""
        return [subscription for watchers in self._watchers.values() for subscription in watchers]

    def replace(self, pages: Iterable[Sequence[Entry]], revision: int) -> None:
        """Take over a whole new state, as of `revision`. The history begins anew and all watchers are cut."""
        fresh: dict[str, Entry] = {}
        for page in pages:
            fresh.update((entry.key, entry) for entry in page)
        self._entries = fresh
        self._keys = SortedList(fresh)
        self._unreadable = {key: entry for key, entry in fresh.items() if entry.error}
        self._history.clear()
        self._framed.clear()
        self._floor = self.revision = revision
        self.cut_all()

    def mark_stale(self) -> None:
        """Another key, or provider, writes from now on: an update that changes nothing is written, too."""
        for entry in self._entries.values():
            entry.stale = True

    def cut_all(self) -> None:
        """Cut all watchers."""
        for subscription in self.subscriptions:
            subscription.cut()

    def load(self, page: Iterable[Stored]) -> list[Entry]:
        """Entries for stored objects, for `replace`."""
        layout = self.layout
        return [entries.from_stored(layout, stored) for stored in page]

    def apply(self, change: StoredEvent) -> CacheEvent | None:
        """Take in one write and hand it to those who watch. None: a deletion of what was not there."""
        stored, deleted = change
        key, revision = stored.key, stored.revision
        previous = self._entries.get(key)
        if deleted:
            if previous is None:
                return None
            event = CacheEvent(entries.DELETED, previous.at(revision), previous, revision)
            del self._entries[key]
            self._keys.remove(key)
        elif previous is None:
            event = CacheEvent(entries.ADDED, entries.from_stored(self.layout, stored), None, revision)
            self._entries[key] = event.entry
            self._keys.add(key)
        else:
            event = CacheEvent(entries.MODIFIED, entries.from_stored(self.layout, stored), previous, revision)
            self._entries[key] = event.entry
        if event.entry.error or self._unreadable:
            self._unreadable.pop(key, None)
            if event.entry.error and not deleted:
                self._unreadable[key] = event.entry
        self.revision = revision
        self._remember(event)
        self._dispatch(event)
        return event

    def _remember(self, event: CacheEvent) -> None:
        now = self._clock.monotonic()
        self._history.append((now, event))
        self._framed.append(event)
        if len(self._framed) > FRAMES_KEPT:
            self._framed.popleft().forget_frames()
        expired = now - HISTORY_SECONDS
        while len(self._history) > HISTORY_MINIMUM:
            made, oldest = self._history[0]
            if made >= expired and len(self._history) <= HISTORY_LIMIT:
                break
            self._history.popleft()
            self._floor = oldest.revision

    def _dispatch(self, event: CacheEvent) -> None:
        for watchers in self._concerned(event.entry.key):
            gone = [subscription for subscription in watchers if not subscription.push(event)]
            for subscription in gone:
                self.unsubscribe(subscription)

    def _concerned(self, key: str) -> Iterator[dict[Subscription, None]]:
        """Watchers of the key, of its namespace, of all: three look-ups however many watch other objects."""
        for index in ((key, ""), ("", key[: key.rindex("/") + 1]), ("", "")):
            watchers = self._watchers.get(index)
            if watchers:
                yield watchers
