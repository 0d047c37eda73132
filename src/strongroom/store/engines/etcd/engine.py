"""The Engine on etcd.

One watch of all keys runs as long as the engine. It feeds every watcher, and tells when a write is known
here: a write returns after it, so who reads next sees it. The watch is taken up where it broke off; when etcd
has forgotten that place, all watchers are told, and whoever keeps a copy loads it again.

etcd forgets the deletion at the very revision it compacts to, so it is told to compact to the one before.
"""

import asyncio
import contextlib
import heapq
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from strongroom.aio.backoff import Backoff
from strongroom.aio.tasks import TaskGroup
from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue, Range, end_of
from strongroom.store.engines.etcd import _generated_rpc_pb2 as pb
from strongroom.store.engines.etcd import history
from strongroom.store.engines.etcd.client import CompactedError, EtcdClient, FutureError
from strongroom.store.engines.etcd.endpoint import Endpoint
from strongroom.store.engines.watching import Watchers

PATIENCE: Final = 15.0
"""Seconds that a write, or a look at the newest revision, waits for the watch."""
OBJECTS: Final = "/registry/"
_OWN: Final = (OBJECTS.encode(), b"/strongroom/")
"""Other programs may keep other keys; their changes count up the revision, and are nobody's business here."""
SETTLED: Final = b"/strongroom/settled"
"""Written by `settle`; it holds nothing."""
STORED_PAGE: Final = 1000
"""Values that `stored` reads at once."""
_log = logging.getLogger(__name__)


class EtcdEngine:
    """`endpoint`: see `endpoint.parse`. Several engines, and other programs, may use one etcd at once."""

    shared = True

    def __init__(self, endpoint: Endpoint) -> None:
        self._client = EtcdClient(endpoint)
        self._watchers = Watchers(self._read_log)
        self._tasks = TaskGroup("etcd", describe_errors=False)
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._under_way = 0
        self._idle = asyncio.Event()
        self._seen = 0
        """The newest revision that the watch has told of, of whatever key."""
        self._floor = 1
        """The oldest revision that can be read, as far as is known here."""
        self._open = False
        self._closing = False
        self.before: Callable[[EngineEvent], None] = lambda _: None
        """Called with each change of a key that is none of an object, before any watcher has it."""

    async def start(self) -> None:
        await self._client.start()
        try:
            answer = await self._client.range(pb.RangeRequest(key=b"/", count_only=True))
            revision = answer.header.revision
            self._floor = max(await history.compacted(self._client) + 1, 1)
        except BaseException:
            await self._client.close()
            raise
        self._seen = self._watchers.delivered = revision
        self._open = True
        following = asyncio.Event()
        self._tasks.spawn("follow", self._follow(following))
        await following.wait()

    async def close(self) -> None:
        if not self._open:
            return
        self._closing = True
        self._open = False
        while self._under_way:
            self._idle.clear()
            await self._idle.wait()
        self._watchers.close()
        await self._tasks.aclose()
        await self._client.close()

    # ---- reads ----

    async def current_revision(self) -> int:
        """The newest revision of a key that is watched for; all up to it has been handed to the watchers."""
        self._check()
        answer = await self._client.range(pb.RangeRequest(key=b"/", count_only=True))
        await self._wait(answer.header.revision)
        return self._watchers.delivered

    async def get(self, key: str, revision: int = 0) -> KeyValue | None:
        answer = await self._range(pb.RangeRequest(key=key.encode(), revision=revision))
        return _kv(answer.kvs[0]) if answer.kvs else None

    async def range(
        self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0, exact_count: bool = True
    ) -> Range:
        first, end = max(prefix, start).encode(), end_of(prefix).encode()
        if first >= end:  # beyond the prefix there is nothing; etcd takes no such range
            first = end = b""
        request = pb.RangeRequest(key=first or b"/", range_end=end, limit=limit, revision=revision)
        answer = await self._range(request)
        items = [_kv(kv) for kv in answer.kvs]
        count = answer.count if exact_count else min(answer.count, len(items) + 1)
        return Range(items, count, revision or answer.header.revision)

    async def _range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        self._check()
        if request.revision and request.revision < self._floor:
            raise errors.Compacted(request.revision, self._floor)
        try:
            return await self._client.range(request)
        except CompactedError:
            self._floor = await history.compacted(self._client) + 1
            raise errors.Compacted(request.revision, self._floor) from None
        except FutureError:
            raise errors.FutureRevision(request.revision, await self.current_revision()) from None

    # ---- writes ----

    async def create(self, key: str, value: bytes) -> int:
        put = pb.RequestOp(request_put=pb.PutRequest(key=key.encode(), value=value))
        revision, _ = await self._write(key, 0, put)
        if revision is None:
            raise errors.KeyExists(key)
        return revision

    async def update(self, key: str, value: bytes, expected: int) -> int:
        put = pb.RequestOp(request_put=pb.PutRequest(key=key.encode(), value=value))
        return await self._replace(key, expected, put)

    async def delete(self, key: str, expected: int) -> int:
        remove = pb.DeleteRangeRequest(key=key.encode())
        return await self._replace(key, expected, pb.RequestOp(request_delete_range=remove))

    async def _replace(self, key: str, expected: int, operation: pb.RequestOp) -> int:
        if not expected:  # for etcd that is a key that is absent
            current = await self.get(key)
            raise errors.RevisionConflict(key, expected, current.mod_revision if current else 0)
        revision, actual = await self._write(key, expected, operation)
        if revision is None:
            raise errors.RevisionConflict(key, expected, actual)
        return revision

    async def _write(self, key: str, expected: int, operation: pb.RequestOp) -> tuple[int | None, int]:
        """The revision of the write; or None and the key's actual revision, when that is not `expected`."""
        self._check()
        compare = pb.Compare(
            result=pb.Compare.EQUAL, target=pb.Compare.MOD, key=key.encode(), mod_revision=expected
        )
        look = pb.RequestOp(request_range=pb.RangeRequest(key=key.encode()))
        self._under_way += 1
        try:
            request = pb.TxnRequest(compare=[compare], success=[operation], failure=[look])
            answer = await self._client.txn(request)
            # Also the write that was in the way is known here before the caller reads again.
            await self._wait(answer.header.revision)
            await asyncio.sleep(0)  # watchers that wait run before the caller goes on
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        if answer.succeeded:
            return answer.header.revision, 0
        found = answer.responses[0].response_range.kvs
        return None, found[0].mod_revision if found else 0

    async def compact(self, revision: int) -> None:
        self._check()
        if revision <= self._floor:
            return
        current = await self.current_revision()
        if revision > current:
            raise errors.FutureRevision(revision, current)
        with contextlib.suppress(CompactedError):  # another server was first
            await self._client.compact(revision - 1)
        self._floor = max(self._floor, revision)

    async def stored(self, prefix: str) -> AsyncIterator[Sequence[KeyValue]]:
        """Every value that etcd still answers with: what was there at its last compaction, and all since."""
        self._check()
        floor = await history.compacted(self._client)
        first, end, more = prefix.encode(), end_of(prefix).encode(), floor > 0
        while more:
            request = pb.RangeRequest(key=first, range_end=end, limit=STORED_PAGE, revision=floor)
            try:
                answer = await self._client.range(request)
            except CompactedError:
                raise errors.Compacted(floor, floor + 1) from None
            if answer.kvs:
                yield [_kv(kv) for kv in answer.kvs]
                first = answer.kvs[-1].key + b"\0"
            more = answer.more
        after, upto = max(floor, 1), self._seen  # an empty store is at revision 1
        while after < upto:
            events = await history.read(self._client, prefix, after, upto, STORED_PAGE)
            if kept := [event.kv for event in events if not event.deleted]:
                yield kept
            after = events[-1].kv.mod_revision if len(events) == STORED_PAGE else upto

    async def settle(self, *, rewrite: bool = True) -> None:
        """What is superseded by now is gone when it returns: two writes of its own make a revision to compact
        to, and one that can be read. `rewrite`: have the members defragment their files, one after the other.

        What etcd's own log of writes keeps goes with its next snapshots."""
        self._check()
        put = pb.RequestOp(request_put=pb.PutRequest(key=SETTLED, value=b""))
        settled = (await self._client.txn(pb.TxnRequest(success=[put]))).header.revision
        answer = await self._client.txn(pb.TxnRequest(success=[put]))
        await self._wait(answer.header.revision)
        with contextlib.suppress(CompactedError):
            await self._client.compact(settled)
        self._floor = max(self._floor, settled + 1)
        if rewrite:
            await self._client.defragment()

    async def size(self) -> int:
        """As one member has it; they differ by what is free in their files."""
        self._check()
        return await self._client.size()

    # ---- watches ----

    def watch(self, prefix: str, revision: int) -> AsyncIterator[Sequence[EngineEvent]]:
        self._check()
        return self._watchers.watch(prefix, revision)

    async def _read_log(self, prefix: str, after: int, upto: int, limit: int) -> Sequence[EngineEvent]:
        if after + 1 < self._floor:
            raise errors.Compacted(after, self._floor - 1)
        if after >= upto or not self._open:
            return ()
        return await history.read(self._client, prefix, after, upto, limit)

    async def _follow(self, following: asyncio.Event) -> None:
        backoff = Backoff(0.05, 2.0)
        while True:
            try:
                async with contextlib.aclosing(self._client.watch(self._seen + 1)) as answers:
                    async for answer in answers:
                        if answer.created:
                            following.set()
                            backoff.reset()
                        if answer.canceled:
                            await self._lost(answer)
                            break
                        self._took(answer)
            except errors.Unavailable as error:
                if not self._closing:
                    _log.warning("watch of the store: %s; it is taken up again", error)
            await asyncio.sleep(backoff.next())

    def _took(self, answer: pb.WatchResponse) -> None:
        if answer.events:
            self._seen = answer.events[-1].kv.mod_revision
            own = [history.event_of(event) for event in answer.events if event.kv.key.startswith(_OWN)]
            if own:
                for event in own:
                    if not event.kv.key.startswith(OBJECTS):
                        self.before(event)
                self._watchers.publish(own)
        elif not answer.created:
            # A sign of life: everything up to it has been told.
            self._seen = max(self._seen, answer.header.revision)
        while self._waiting and self._waiting[0][0] <= self._seen:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    async def _lost(self, answer: pb.WatchResponse) -> None:
        """The place where the watch broke off is forgotten: watchers begin anew."""
        self._floor = max(self._floor, answer.compact_revision + 1)
        _log.error("etcd has forgotten what came after revision %d: everything is loaded again", self._seen)
        newest = await self._client.range(pb.RangeRequest(key=b"/", count_only=True))
        self._seen = self._watchers.delivered = newest.header.revision
        self._watchers.cut()

    async def _wait(self, revision: int) -> None:
        """Return when the watch has told of `revision`. Raises Unavailable when it does not in time."""
        if revision <= self._seen:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (revision, id(future), future))
        try:
            async with asyncio.timeout(PATIENCE):
                await future
        except TimeoutError:
            raise errors.Unavailable(f"the watch of the store is behind revision {revision}") from None

    def _check(self) -> None:
        if not self._open:
            raise errors.Unavailable("the store is closed")


def _kv(kv: pb.KeyValue) -> KeyValue:
    return KeyValue(kv.key.decode(), kv.value, kv.create_revision, kv.mod_revision, kv.version)
