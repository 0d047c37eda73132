"""A whole store put into an etcd that holds none: beside its revisions, and so that it can be cut short.

A mark is written first and removed last. No server starts on a store that has it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import orjson

from strongroom.store import errors
from strongroom.store.engine import KeyValue
from strongroom.store.engines.etcd import _generated_rpc_pb2 as pb
from strongroom.store.engines.etcd.client import CompactedError, EtcdClient
from strongroom.store.engines.etcd.endpoint import MIGRATION, Endpoint

_MARK: Final = MIGRATION.encode()
TOGETHER: Final = 256
"""Writes under way at once."""
PAGE: Final = 2000
FEASIBLE: Final = 20_000_000
"""Revisions that it may be put forward by: some thousand a second."""

Report = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much there is."""


class Loading:
    """Into the etcd at `endpoint`. `source`: tells one content from another."""

    def __init__(self, endpoint: Endpoint, source: str, report: Report) -> None:
        self._client = EtcdClient(endpoint)
        self._mark = orjson.dumps({"source": source})
        self._report = report

    async def load(self, rows: Sequence[KeyValue], revision: int) -> int:
        """Put all `rows` there, under revisions beyond `revision`; the revision after the last.

        0: whatever revisions come. Raises Unavailable: also when something else is there already."""
        await self._client.start()
        try:
            await self._claim()
            await self._put_forward(revision)
            await self._write(rows)
            await self._verify({kv.key: kv.value for kv in rows})
            return await self._release()
        finally:
            await self._client.close()

    async def _claim(self) -> None:
        put = pb.RequestOp(request_put=pb.PutRequest(key=_MARK, value=self._mark))
        found = await self._client.range(pb.RangeRequest(key=_MARK))
        if found.kvs:
            if found.kvs[0].value != self._mark:
                raise errors.Unavailable(
                    f"an unfinished migration of another store is there: empty it, and delete {MIGRATION}"
                )
            return
        for prefix in (b"/registry/", b"/strongroom/"):
            end = prefix[:-1] + b"0"
            if (await self._client.range(pb.RangeRequest(key=prefix, range_end=end, count_only=True))).count:
                raise errors.Unavailable(f"the etcd is not empty: it holds keys below {prefix.decode()}")
        absent = pb.Compare(result=pb.Compare.EQUAL, target=pb.Compare.MOD, key=_MARK, mod_revision=0)
        if not (await self._client.txn(pb.TxnRequest(compare=[absent], success=[put]))).succeeded:
            raise errors.Unavailable("another migration has just begun there")

    async def _put_forward(self, revision: int) -> None:
        """Only writes count the revision up: the mark is written again and again."""
        answer = await self._client.range(pb.RangeRequest(key=b"/", count_only=True))
        missing = revision - answer.header.revision
        if missing > FEASIBLE:
            raise errors.Unavailable(
                f"etcd's revision would have to be put forward by {missing}, a write for each: restore a "
                "snapshot of the empty etcd with etcdutl's --bump-revision first, or take --new-revisions"
            )
        put = pb.RequestOp(request_put=pb.PutRequest(key=_MARK, value=self._mark))
        request = pb.TxnRequest(success=[put])
        await self._together(
            "revisions put forward", range(missing), missing, lambda _: self._client.txn(request)
        )

    async def _write(self, rows: Sequence[KeyValue]) -> None:
        await self._together("objects written", rows, len(rows), self._create)

    async def _create(self, kv: KeyValue) -> None:
        key = kv.key.encode()
        absent = pb.Compare(result=pb.Compare.EQUAL, target=pb.Compare.MOD, key=key, mod_revision=0)
        put = pb.RequestOp(request_put=pb.PutRequest(key=key, value=kv.value))
        look = pb.RequestOp(request_range=pb.RangeRequest(key=key))
        answer = await self._client.txn(pb.TxnRequest(compare=[absent], success=[put], failure=[look]))
        if not answer.succeeded and answer.responses[0].response_range.kvs[0].value != kv.value:
            raise errors.Unavailable(f"somebody else has written {kv.key}: is a server running on it?")

    async def _verify(self, expected: dict[str, bytes]) -> None:
        first, more, seen = b"/registry/", True, 0
        while more:
            answer = await self._client.range(pb.RangeRequest(key=first, range_end=b"/registry0", limit=PAGE))
            for kv in answer.kvs:
                if expected.get(kv.key.decode()) != kv.value:
                    raise errors.Unavailable(f"{kv.key.decode()} is not what was written: who writes there?")
            seen, more = seen + len(answer.kvs), answer.more
            self._report("objects verified", seen, len(expected))
            if answer.kvs:
                first = answer.kvs[-1].key + b"\0"
        if seen != len(expected):
            raise errors.Unavailable(f"{len(expected) - seen} objects are missing: who deletes there?")

    async def _release(self) -> int:
        """What comes from before can't be asked for: a client that does begins anew."""
        answer = await self._client.range(pb.RangeRequest(key=b"/", count_only=True))
        remove = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=_MARK))
        released = await self._client.txn(pb.TxnRequest(success=[remove]))
        with contextlib.suppress(CompactedError):
            await self._client.compact(answer.header.revision)
        return int(released.header.revision)

    async def _together(
        self, what: str, items: Iterable[object], total: int, work: Callable[[Any], Awaitable[object]]
    ) -> None:
        waiting, done = iter(items), 0

        async def some() -> None:
            nonlocal done
            for item in waiting:
                await work(item)
                done += 1
                if done % PAGE == 0:
                    self._report(what, done, total)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(TOGETHER, max(total, 0))):
                    group.create_task(some())
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        if total > 0:
            self._report(what, total, total)
