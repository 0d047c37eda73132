"""Two servers that do the same: one the short way of plain Secrets, one the general way of all kinds."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

from strongroom.aio.clock import FakeClock
from strongroom.api import resources
from strongroom.registry import encoding
from strongroom.registry.secrets import SecretRegistry
from strongroom.testing import api_server
from strongroom.testing.api_server import Answer, APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
JSON, PROTOBUF = "application/json", "application/vnd.kubernetes.protobuf"
UID = "11111111-2222-4333-8444-555555555555"


class Both:
    """The servers. A content type that no client sends takes the general way."""

    def __init__(self, servers: tuple[APIServer, APIServer], clocks: tuple[FakeClock, FakeClock]) -> None:
        self.servers = servers
        self._clocks = clocks

    async def send(
        self,
        method: str,
        path: str,
        body: bytes,
        agent: str = "kubectl/v1",
        seconds: int = 1,
        content_type: str = JSON,
    ) -> tuple[Answer, Answer]:
        """The answers, after `seconds`. Raises AssertionError if a client could tell them apart."""
        for clock in self._clocks:
            clock.advance(seconds)
        short, general = [
            await server.request(
                method,
                path,
                body if method != "DELETE" else None,
                content_type=content_type + end,
                headers={"user-agent": agent},
            )
            for server, end in zip(self.servers, ("", ";"), strict=True)
        ]
        assert short.status == general.status, (method, path, body)
        assert short.response.body == general.response.body, (method, path, body)
        assert _told(short) == _told(general), (method, path, body)
        return short, general

    async def compare_all(self) -> None:
        """Raises AssertionError if what is stored, or what watchers were sent, differs."""
        one, other = [self._frames(server) for server in self.servers]
        assert one == other
        first, second = [await self._stored(server) for server in self.servers]
        assert first == second

    async def forget(self) -> None:
        """Delete all Secrets."""
        for server in self.servers:
            await server.request("DELETE", SECRETS)

    @staticmethod
    def _frames(server: APIServer) -> list[bytes]:
        rows = server.catalog[resources.SECRETS].rows
        return [event.frame for event in rows.changes(max(rows.oldest, rows.revision - 20))]

    @staticmethod
    async def _stored(server: APIServer) -> list[tuple[str, bytes]]:
        found = await server.objects.range("/registry/secrets/")
        return [(stored.key, stored.data) for stored in found.items]


def _told(answer: Answer) -> Mapping[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "audit-id"}


@asynccontextmanager
async def running() -> AsyncIterator[Both]:
    """Both, with one and the same uid for every object."""
    clocks = FakeClock(), FakeClock()
    with mock.patch.object(encoding, "new_uid", lambda: UID):
        async with api_server.running(clock=clocks[0]) as one, api_server.running(clock=clocks[1]) as other:
            yield Both((one, other), clocks)


class Counted:
    """How often the short way was taken to its end. `replace`: a monkeypatch's `setattr`."""

    def __init__(self, replace: Callable[[object, str, object], None]) -> None:
        self.writes = 0
        for name in ("create_plain", "update_plain"):
            replace(SecretRegistry, name, self._counting(getattr(SecretRegistry, name)))

    def _counting(self, method: Any) -> Any:
        async def counting(*arguments: Any) -> bytes | None:
            written: bytes | None = await method(*arguments)
            self.writes += written is not None
            return written

        return counting
