"""`kill -9` at any moment loses nothing that was acknowledged, and brings nothing back that was deleted."""

import asyncio
import base64
import concurrent.futures
import contextlib
import dataclasses
import random
from collections.abc import Callable

import pytest

from strongroom.testing import raw_http
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import Cluster

Make = Callable[..., Cluster]

KILLS = 25
WRITERS = 8
PATH = "/api/v1/namespaces/default/secrets"


@dataclasses.dataclass
class Writer:
    """Creates, changes and deletes secrets of its own, and knows what each may hold after a crash.

    `allowed` maps a name to the values it may have, None standing for its absence: one after an acknowledged
    write, and while a write is under way also the one that it would leave.
    """

    name: str
    access: Access
    allowed: dict[str, set[int | None]] = dataclasses.field(default_factory=dict)
    acknowledged: int = 0
    _count: int = 0

    async def run(self) -> None:
        """Write until the connection breaks."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with raw_http.Connection(self.access) as connection:
                while True:
                    await self._write(connection)

    async def _write(self, connection: raw_http.Connection) -> None:
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
        status, answer = await connection.request(method, path, body_of(name, value))
        assert status in (200, 201), f"{method} {path}: {status} {answer!r}"
        self.allowed[name] = {value}
        self.acknowledged += 1


def body_of(name: str, value: int | None) -> object:
    """The secret to write; nothing for a deletion."""
    if value is None:
        return None
    return {"metadata": {"name": name}, "data": {"n": base64.b64encode(str(value).encode()).decode()}}


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
    """`after`: seconds from the first acknowledged write, which a busy machine takes its time for."""
    before = sum(writer.acknowledged for writer in writers)
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.run())
        async with asyncio.timeout(30):
            while sum(writer.acknowledged for writer in writers) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        await asyncio.sleep(after)
        cluster.kill9()


def kill_again_and_again(cluster: Cluster, seed: int) -> int:
    """Start, write, kill, check, `KILLS` times; the number of acknowledged writes."""
    chance = random.Random(seed)
    writers: list[Writer] = []
    for _ in range(KILLS):
        cluster.start()
        access = Access.read(cluster.kubeconfig)
        if writers:
            check(writers, access)
        else:
            writers = [Writer(f"w{number}", access) for number in range(WRITERS)]
        asyncio.run(write_and_kill(cluster, writers, chance.uniform(0.02, 0.3)))
    cluster.start()
    check(writers, Access.read(cluster.kubeconfig))
    assert cluster.stop() == 0
    return sum(writer.acknowledged for writer in writers)


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost(make: Make) -> None:
    """50 kills, on two clusters at a time since a start leaves a core idle."""
    clusters = [make(name, node=False) for name in ("first", "second")]
    seeds = [random.randrange(2**32) for _ in clusters]
    with concurrent.futures.ThreadPoolExecutor(len(clusters)) as pool:
        done = list(pool.map(kill_again_and_again, clusters, seeds))
    assert min(done) > KILLS * WRITERS, f"only {done} writes; seeds {seeds}"
