"""What etcd remembers: changes of the past, and how far back they go."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from strongroom.store import errors
from strongroom.store.engine import EngineEvent, KeyValue
from strongroom.store.engines.etcd import _generated_rpc_pb2 as pb
from strongroom.store.engines.etcd.client import TIMEOUT, CompactedError, EtcdClient


def event_of(event: pb.Event) -> EngineEvent:
    """As the Engine protocol tells it."""
    kv, deleted = event.kv, event.type == pb.Event.DELETE
    created, version = (0, 0) if deleted else (kv.create_revision, kv.version)
    return EngineEvent(KeyValue(kv.key.decode(), kv.value, created, kv.mod_revision, version), deleted)


async def compacted(client: EtcdClient) -> int:
    """The revision that etcd was compacted to; 0 if it never was, or to the first."""
    try:
        await client.range(pb.RangeRequest(key=b"/", revision=1, count_only=True))
    except CompactedError:
        # How far only a watch is told, from before that.
        async with aclosing(_answers(client, 1)) as answers:
            async for answer in answers:
                if answer.canceled:
                    return int(answer.compact_revision)
    return 0


async def _answers(client: EtcdClient, start: int) -> AsyncGenerator[pb.WatchResponse, None]:
    """Those of a watch that is not meant to last. Raises Unavailable when it takes too long."""
    try:
        async with asyncio.timeout(TIMEOUT), aclosing(client.watch(start)) as answers:
            async for answer in answers:
                yield answer
    except TimeoutError:
        raise errors.Unavailable("etcd does not tell its history in time") from None


async def read(client: EtcdClient, prefix: str, after: int, upto: int, limit: int) -> Sequence[EngineEvent]:
    """Changes with after < revision <= upto under `prefix`, in order, at most `limit`. Raises Compacted.

    Every revision is a change of some key, and all keys are watched: so the last one is known when it comes,
    and one that does not come is forgotten."""
    found: list[EngineEvent] = []
    wanted, first = prefix.encode(), True
    async with aclosing(_answers(client, after + 1)) as answers:
        async for answer in answers:
            if answer.canceled:
                raise errors.Compacted(after, answer.compact_revision)
            for event in answer.events:
                revision = event.kv.mod_revision
                if first and revision != after + 1:
                    raise errors.Compacted(after, revision - 1)
                first = False
                if revision > upto:
                    return found
                if event.kv.key.startswith(wanted):
                    found.append(event_of(event))
                    if len(found) == limit:
                        return found
            if answer.events and answer.events[-1].kv.mod_revision >= upto:
                return found
    return found
