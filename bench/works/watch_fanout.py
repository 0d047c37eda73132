"""One change of a Secret, until the last of many watchers has the event."""

import asyncio
import resource
import statistics
import time
from typing import cast

import uvloop

from bench.result import Figure
from bench.target import Options, Target
from strongroom.testing import api as plain_api
from strongroom.testing import raw_http

TITLE = "one change to {} watchers"
NEEDS_NODE = False
WATCHERS = (200, 1000)
ROUNDS = 15
OPENING = 50


class Watcher(asyncio.Protocol):
    """One watch of one Secret that notes nothing but which change it saw last."""

    def __init__(self, request: bytes, seen: "Seen") -> None:
        self._request = request
        self._seen = seen
        self._tail = b""
        self.transport: asyncio.Transport
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            if b"ADDED" in (self._tail + data):
                self.opened.set_result(
                    data.startswith(b"HTTP/1.1 200") or self._tail.startswith(b"HTTP/1.1 200")
                )
            self._tail += data
        elif self._seen.marker in self._tail + data:
            self._tail = b""
            self._seen.count()
        else:
            self._tail = data[-256:]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_result(False)


class Seen:
    """Counts the watchers that saw the current change."""

    def __init__(self, watchers: int) -> None:
        self._watchers = watchers
        self._left = 0
        self.marker = b"\0"
        self.all = asyncio.Event()

    def expect(self, marker: bytes) -> None:
        self.marker, self._left = marker, self._watchers
        self.all.clear()

    def count(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.all.set()


def run(target: Target, options: Options) -> list[Figure]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65536)), hard))
    figures = []
    with target.namespace() as namespace, target.api() as api:
        path = f"/api/v1/namespaces/{namespace}/secrets"
        api.ok(
            "POST", path, {"metadata": {"name": "one", "annotations": {"round": "-"}}, "data": {"k": "dg=="}}
        )
        for count in WATCHERS:
            times, failures = uvloop.run(measure(target.access, path, count))
            value = statistics.median(times) * 1000 if times else float("nan")
            note = f"median of {len(times)}, slowest {max(times, default=0) * 1000:.0f} ms"
            figures.append(Figure(TITLE.format(count), value, "ms", "lower", failures, note))
    return figures


async def measure(access: plain_api.Access, path: str, count: int) -> tuple[list[float], int]:
    """Seconds from the change's sending to the last event's arrival, per round; rounds that did not end."""
    seen = Seen(count)
    watchers = await open_watchers(access, path, count, seen)
    times, failures = [], sum(not watcher.opened.result() for watcher in watchers)
    async with raw_http.Connection(access) as connection:
        for number in range(ROUNDS):
            marker = f"round-{number}-{count}"
            seen.expect(marker.encode())
            patch = {"metadata": {"annotations": {"round": marker}}}
            began = time.perf_counter()
            try:
                async with asyncio.timeout(20):
                    status, _ = await connection.request(
                        "PATCH", f"{path}/one", patch, content_type="application/merge-patch+json"
                    )
                    await seen.all.wait()
            except TimeoutError:
                failures += 1
                break
            times.append(time.perf_counter() - began)
            failures += status != 200
            await asyncio.sleep(0.05)
    for watcher in watchers:
        watcher.transport.abort()
    return times, failures


async def open_watchers(access: plain_api.Access, path: str, count: int, seen: Seen) -> list[Watcher]:
    head = "".join(f"{name}: {value}\r\n" for name, value in access.headers.items())
    query = "watch=1&fieldSelector=metadata.name%3Done&resourceVersion=0"
    request = f"GET {path}?{query} HTTP/1.1\r\nHost: {access.host}\r\n{head}\r\n".encode()
    loop = asyncio.get_running_loop()
    watchers: list[Watcher] = []
    for start in range(0, count, OPENING):
        batch = await asyncio.gather(
            *(
                loop.create_connection(
                    lambda: Watcher(request, seen), access.host, access.port, ssl=access.context
                )
                for _ in range(min(OPENING, count - start))
            )
        )
        watchers += [watcher for _, watcher in batch]
        await asyncio.gather(*(watcher.opened for _, watcher in batch))
    return watchers
