import asyncio

from strongroom.api import resources
from strongroom.server import watch_counts
from strongroom.server.watch_counts import SIZES, WatchCounts
from strongroom.telemetry.metrics import Histogram
from strongroom.testing.api_server import APIServer


def test_events_are_counted_one_by_one_with_their_newlines() -> None:
    sizes = Histogram(SIZES)
    watch_counts.add(sizes, b"x" * 1023 + b"\n", 1)
    watch_counts.add(sizes, b"x" * 1024 + b"\n" + b"y\n" + b"z" * 2047 + b"\n", 3)
    watch_counts.add(sizes, b"a\nb\n", 0)
    watch_counts.add(sizes, b"", 0)
    assert sizes.counts[:2] == [4, 2]
    assert sum(sizes.counts) == 6
    assert sizes.total == 1024 + 1025 + 2 + 2048 + 4


def test_by_resource_under_kubernetes_labels() -> None:
    counts = WatchCounts()
    watch_counts.add(counts.of(resources.SECRETS), b"a\n", 1)
    watch_counts.add(counts.of(resources.DEPLOYMENTS), b"a\nb\n", 2)
    total, sizes = counts.families()
    assert total.labels == sizes.labels == ("group", "resource", "version")
    assert list(total.samples) == [(("", "secrets", "v1"), 1), (("apps", "deployments", "v1"), 2)]


async def test_what_was_there_changes_and_bookmarks_are_events(server: APIServer) -> None:
    for name in ("a", "b"):
        await server.create_secret(name)
    path, query = "/api/v1/namespaces/default/secrets", [("watch", "1"), ("allowWatchBookmarks", "1")]
    initial = [("sendInitialEvents", "1"), ("resourceVersionMatch", "NotOlderThan")]
    sent = 0
    async with server.transport().stream("GET", path, query=[*query, *initial]) as answer, asyncio.timeout(5):
        await server.create_secret("c")
        async for part in answer.chunks:
            sent += part.count(b"\n")
            if b'"c"' in part:
                break
    text = (await server.get("/metrics")).text
    assert sent == 4  # two that were there, the bookmark behind them, the new one
    assert f'apiserver_watch_events_total{{group="",resource="secrets",version="v1"}} {sent}.0' in text
    assert f'apiserver_watch_events_sizes_count{{group="",resource="secrets",version="v1"}} {sent}.0' in text
