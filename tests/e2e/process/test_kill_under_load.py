"""`kill -9` at any moment loses nothing that was acknowledged, and brings nothing back that was deleted."""

import asyncio
import base64
import dataclasses
import json
import random
import ssl
from collections.abc import Callable

import pytest

from strongroom.testing.api import API, Access
from strongroom.testing.cluster import Cluster

Make = Callable[..., Cluster]

KILLS = 50
WRITERS = 8
PATH = "/api/v1/namespaces/default/secrets"


@dataclasses.dataclass
class Writer:
    """Creates, changes and deletes secrets of its own, and knows what each may hold after a crash.

    `allowed` maps a name to the values it may have, None standing for its absence: after an acknowledged
    write
    exactly one, while a write is under way also the one that it would leave.
    """

    name: str
    access: Access
    allowed: dict[str, set[int | None]] = dataclasses.field(default_factory=dict)
    acknowledged: int = 0
    _count: int = 0

    async def run(self) -> None:
        """Write until the connection breaks."""
        try:
            reader, writer = await asyncio.open_connection(
                self.access.host, self.access.port, ssl=self.access.context
            )
        except OSError:
            return
        try:
            while True:
                await self._write(reader, writer)
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            return
        finally:
            writer.close()

    async def _write(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, step = divmod(self._count, 3)
        name, value = f"{self.name}-{number}", self._count if step < 2 or number % 2 else None
        self._count += 1
        before = self.allowed.get(name, {None})
        if step > 0 and before == {None}:
            return  # its creation fell victim to the last kill
        self.allowed[name] = before | {value}
        method, path = (
            ("POST", PATH) if step == 0 else ("DELETE" if value is None else "PUT", f"{PATH}/{name}")
        )
        status = await request(reader, writer, method, path, self.access.headers, body_of(name, value))
        assert status in (200, 201), f"{method} {path}: {status}"
        self.allowed[name] = {value}
        self.acknowledged += 1


def body_of(name: str, value: int | None) -> bytes:
    """The secret to write; nothing for a deletion."""
    if value is None:
        return b""
    data = {"n": base64.b64encode(str(value).encode()).decode()}
    return json.dumps({"metadata": {"name": name}, "data": data}).encode()


async def request(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
) -> int:
    """One HTTP/1.1 exchange on a kept connection; the status."""
    lines = [f"{method} {path} HTTP/1.1", "Host: strongroom", f"Content-Length: {len(body)}"]
    lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(int(length))
    return int(head.split(" ", 2)[1])


def check(writers: list[Writer], access: Access) -> None:
    """Hold what is stored against what may be, and let each writer go on from what is."""
    with API(access) as api:
        items = api.ok("GET", f"{PATH}?limit=0")["items"]
    stored = {each["metadata"]["name"]: int(base64.b64decode(each["data"]["n"])) for each in items}
    for writer in writers:
        for name, allowed in writer.allowed.items():
            assert stored.get(name) in allowed, f"{name}: {stored.get(name)} is stored, allowed: {allowed}"
            writer.allowed[name] = {stored.get(name)}
    strangers = stored.keys() - {name for writer in writers for name in writer.allowed}
    assert not strangers


async def write_and_kill(cluster: Cluster, writers: list[Writer], after: float) -> None:
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.run())
        await asyncio.sleep(after)
        cluster.kill9()


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost(make: Make) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    cluster = make(node=False)
    writers: list[Writer] = []
    for _ in range(KILLS):
        cluster.start()
        access = Access.read(cluster.kubeconfig)
        if not writers:
            writers = [Writer(f"w{number}", access) for number in range(WRITERS)]
        else:
            check(writers, access)
        asyncio.run(write_and_kill(cluster, writers, chance.uniform(0.02, 0.3)))
    cluster.start()
    check(writers, Access.read(cluster.kubeconfig))
    assert cluster.stop() == 0
    done = sum(writer.acknowledged for writer in writers)
    assert done > KILLS * WRITERS, f"only {done} writes; seed {seed}"
