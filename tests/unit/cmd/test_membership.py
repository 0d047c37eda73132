"""A machine's membership: joined with a bootstrap token, renewed in time, and over when its Node is gone."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.aio.tasks import TaskGroup
from strongroom.api import resources
from strongroom.client.http import HTTPTransport
from strongroom.client.response import ConnectionFailed, Response
from strongroom.cmd import membership
from strongroom.cmd.membership import Credentials, JoinError, Membership
from strongroom.server.node_tokens.tokens import LIFETIME
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

BOOTSTRAP = "abcdef.0123456789abcdef"


class Transport:
    """An HTTPTransport without HTTP."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.token = ""

    def use_token(self, token: str) -> None:
        self.token = token

    async def request(self, method: str, path: str, **more: Any) -> Response:
        if self._world.away:
            raise ConnectionFailed("away")
        return await self._world.server.transport(self.token).request(method, path, **more)

    async def aclose(self) -> None:
        pass


@dataclass
class World:
    server: APIServer
    clock: FakeClock
    folder: Path
    away: bool = False
    anew: int = 0
    slept: list[float] = field(default_factory=list)

    def membership(self, node: str = "m1") -> Membership:
        return Membership(
            self.folder / "credentials",
            "https://server:6443",
            node,
            self.folder / "token",
            lambda: cast(HTTPTransport, Transport(self)),
            self.clock,
            self._joined_anew,
            sleep=self._sleep,
        )

    def _joined_anew(self) -> None:
        self.anew += 1

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    async def put_token(self) -> None:
        data = {
            "token-id": "abcdef",
            "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true",
        }
        secret = {"type": "bootstrap.kubernetes.io/token", "stringData": data}
        path = "/api/v1/namespaces/kube-system/secrets"
        await self.server.request("POST", path, {"metadata": {"name": "bootstrap-token-abcdef"}, **secret})

    async def remove_token(self) -> None:
        path = "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef"
        assert (await self.server.request("DELETE", path)).status == 200

    async def user(self, transport: HTTPTransport) -> str:
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        answer = await transport.request(
            "POST", path, body=b"{}", headers={"content-type": "application/json"}
        )
        if answer.status != 201:
            return ""
        return str(json.loads(answer.body)["status"]["userInfo"]["username"])

    async def keep_for(self, kept: Membership, seconds: float) -> None:
        """Let `keep` run until so much time has passed."""
        end = self.clock.monotonic() + seconds
        async with TaskGroup("keep") as group:
            task = group.spawn("keep", kept.keep())
            while self.clock.monotonic() < end and not task.done():  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    (tmp_path / "token").write_text(f"{BOOTSTRAP}\n")
    async with api_server.running(clock=clock) as server:
        made = World(server, clock, tmp_path)
        await made.put_token()
        yield made


async def test_it_joins_and_keeps_what_it_got_for_root_alone(world: World) -> None:
    member = world.membership()
    await member.start()
    assert await world.user(member.transport) == "system:node:m1"
    assert await world.user(member.proxy) == "system:kube-proxy"
    folder = world.folder / "credentials"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "node.key": 0o600,
        "node.json": 0o600,
    }
    assert BOOTSTRAP not in "".join(path.read_text() for path in folder.iterdir())


async def test_a_restart_needs_no_bootstrap_token(world: World) -> None:
    await world.membership().start()
    await world.remove_token()
    (world.folder / "token").unlink()
    again = world.membership()
    await again.start()
    assert await world.user(again.transport) == "system:node:m1"


async def test_a_restart_while_the_server_is_away_goes_on_with_what_is_there(world: World) -> None:
    await world.membership().start()
    world.away = True
    again = world.membership()
    await again.start()
    world.away = False
    assert await world.user(again.transport) == "system:node:m1"


async def test_it_waits_for_a_server_that_is_away(world: World) -> None:
    world.away = True
    async with TaskGroup("start") as group:
        task = group.spawn("start", world.membership().start())
        while len(world.slept) < 5:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not task.done()
        world.away = False
        await asyncio.wait_for(task, 5)


async def test_it_renews_long_before_its_tokens_end(world: World) -> None:
    member = world.membership()
    await member.start()
    await world.remove_token()
    first = (world.folder / "credentials" / "node.json").read_text()
    await world.keep_for(member, LIFETIME / 3 + 100)
    assert (world.folder / "credentials" / "node.json").read_text() != first
    await world.keep_for(member, LIFETIME * 3)
    assert await world.user(member.transport) == "system:node:m1"
    assert await world.user(member.proxy) == "system:kube-proxy"
    assert world.anew == 0


async def test_a_server_that_is_away_for_half_a_day_is_outlived(world: World) -> None:
    member = world.membership()
    await member.start()
    await world.remove_token()
    await world.keep_for(member, LIFETIME / 3 - 60)
    world.away = True
    await world.keep_for(member, LIFETIME / 2)
    world.away = False
    await world.keep_for(member, 60)
    assert await world.user(member.transport) == "system:node:m1"
    known = membership.decode((world.folder / "credentials" / "node.json").read_bytes())
    assert known is not None
    assert known.expires > world.clock.now() + timedelta(seconds=LIFETIME - 120)


async def test_a_server_that_is_away_for_hours_is_told_of_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    member = world.membership()
    await member.start()
    for _ in range(2):
        await world.keep_for(member, LIFETIME / 3 - 60)
        world.away = True
        await world.keep_for(member, 3600)
        world.away = False
        await world.keep_for(member, 60)
    assert caplog.text.count("can't be renewed for now") == 2


async def test_it_is_out_when_its_node_is_deleted_and_the_token_is_gone(world: World) -> None:
    member = world.membership()
    await member.start()
    await world.remove_token()
    assert (await world.server.request("DELETE", "/api/v1/nodes/m1")).status == 200
    await world.keep_for(member, 300)
    assert await world.user(member.transport) == ""
    assert world.server.catalog[resources.NODES].find("", "m1") is None
    with pytest.raises(JoinError, match=r"does not take the token in .*/token: it has expired"):
        await world.membership().start()


async def test_it_joins_anew_when_its_node_was_deleted_and_a_token_is_there(world: World) -> None:
    member = world.membership()
    await member.start()
    assert (await world.server.request("DELETE", "/api/v1/nodes/m1")).status == 200
    await world.keep_for(member, membership.LOOK + 1)
    assert world.anew == 1
    assert await world.user(member.transport) == "system:node:m1"


async def test_the_name_of_another_machine_is_refused(world: World, tmp_path: Path) -> None:
    await world.membership().start()
    (world.folder / "credentials" / "node.key").unlink()
    (world.folder / "credentials" / "node.json").unlink()
    with pytest.raises(JoinError, match="a node of this name is there"):
        await world.membership().start()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "No such file or directory"),
        ("", "no token of the form"),
        ("abcdef.short", "no token of the form"),
    ],
)
async def test_a_token_file_that_holds_none_is_told(world: World, content: str | None, text: str) -> None:
    (world.folder / "token").unlink()
    if content is not None:
        (world.folder / "token").write_text(content)
    with pytest.raises(JoinError, match=text) as told:
        await world.membership().start()
    assert not content or content not in str(told.value)


@pytest.mark.parametrize("name", ["node.key", "node.json"])
async def test_files_that_others_may_read_are_not_used(world: World, name: str) -> None:
    await world.membership().start()
    (world.folder / "credentials" / name).chmod(0o640)
    with pytest.raises(JoinError, match=f"{name}: others may read it"):
        await world.membership().start()


async def test_a_damaged_file_of_tokens_is_joined_over(world: World) -> None:
    await world.membership().start()
    (world.folder / "credentials" / "node.json").write_text('{"token":')
    again = world.membership()
    await again.start()
    assert await world.user(again.transport) == "system:node:m1"


def test_credentials_do_not_print() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    known = Credentials("https://s", "m1", "t0ken", "pr0xy", moment, moment + timedelta(hours=24))
    assert membership.decode(membership.encode(known)) == known
    assert "t0ken" not in repr(known)
    assert "pr0xy" not in repr(known)
    assert known.renewal() == moment + timedelta(hours=8)


async def test_a_token_that_comes_by_a_pipe_outlasts_tries_that_fail(world: World) -> None:
    """As the command that `strongroom token create --print-join-command` prints hands it over."""
    read_end, write_end = os.pipe()
    os.write(write_end, f"{BOOTSTRAP}\n".encode())
    os.close(write_end)
    (world.folder / "token").unlink()
    (world.folder / "token").symlink_to(f"/dev/fd/{read_end}")
    kept = world.membership()
    try:
        world.away = True
        async with TaskGroup("start") as group:
            starting = group.spawn("start", kept.start())
            while len(world.slept) < 2 and not starting.done():  # noqa: ASYNC110
                await asyncio.sleep(0)
            world.away = False
            await starting
        assert await world.user(kept.transport) == "system:node:m1"
    finally:
        await kept.aclose()
        os.close(read_end)
