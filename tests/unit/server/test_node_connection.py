"""The server's connections to nodes: nothing is said to who shows another certificate than the node's."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from strongroom.cmd import pki
from strongroom.machinery import status
from strongroom.server import node_connection
from strongroom.server.node_connection import Endpoint, NodeConnector


class Node:
    def __init__(self, pair: pki.ServingCertificate) -> None:
        self.pair = pair
        self.heard: list[str] = []
        self.port = 0
        self.redirect = ""
        self.answers = 1 << 30
        """So many, then it breaks off."""

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/{tail:.*}", self._answer)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.pair.context()).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.heard.append(request.headers.get("Authorization", ""))
        if len(self.heard) > self.answers and request.transport is not None:
            request.transport.abort()
        if self.redirect:
            return web.Response(status=302, headers={"Location": self.redirect})
        return web.Response(text="line\n")

    def endpoint(self, certificate: str | None = None) -> Endpoint:
        return Endpoint(
            "127.0.0.1", self.port, "n1", self.pair.sha256 if certificate is None else certificate
        )


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    running = Node(pki.self_signed(tmp_path, "node", ["n1", "127.0.0.1"], datetime.now(UTC)))
    await running.start()
    yield running
    await running.close()


@pytest.fixture
async def connector() -> AsyncIterator[NodeConnector]:
    made = NodeConnector(lambda name: f"proof-for-{name}")
    yield made
    await made.close()


async def _read(connector: NodeConnector, node: Endpoint) -> bytes:
    async with connector.stream(node, "/containerLogs/default/p/c", []) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def test_a_node_is_known_by_its_certificate(node: Node, connector: NodeConnector) -> None:
    assert await _read(connector, node.endpoint()) == b"line\n"
    assert node.heard == ["Bearer proof-for-n1"]


@pytest.mark.parametrize("certificate", ["0" * 64, "", "x", "AB" * 32])
async def test_nothing_is_sent_to_who_shows_another_certificate(
    node: Node, connector: NodeConnector, certificate: str
) -> None:
    with pytest.raises(status.StatusError) as refused:
        await _read(connector, node.endpoint(certificate))
    assert refused.value.code == 500
    with pytest.raises(status.StatusError):
        await connector.websocket(node.endpoint(certificate), "/exec/default/p/c", [], ["v5.channel.k8s.io"])
    assert node.heard == []


def test_the_certificate_and_the_address_are_those_of_the_node_object() -> None:
    found = {
        "metadata": {"name": "n1", "annotations": {"strongroom.dev/serving-certificate-sha256": "ab" * 32}},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        },
    }
    assert node_connection.endpoint(found) == Endpoint("192.0.2.1", 10250, "n1", "ab" * 32)


def test_a_certificate_of_a_node_s_own_is_trusted_by_nobody_else(tmp_path: Path) -> None:
    pair = pki.self_signed(tmp_path, "node", ["n1"], datetime.now(UTC))
    assert pair.key.stat().st_mode & 0o777 == 0o600
    assert pair.context().minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_node_sends_the_server_nowhere_else(
    node: Node, connector: NodeConnector, scheme: str
) -> None:
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text="internal\n")

    application = web.Application()
    application.router.add_get("/{tail:.*}", elsewhere)
    runner = web.AppRunner(application)
    await runner.setup()
    # With the node's own certificate, so that nothing but the redirect is at fault.
    context = node.pair.context() if scheme == "https" else None
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    node.redirect = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/latest/meta-data"
    try:
        with pytest.raises(status.StatusError, match="redirect") as refused:
            await _read(connector, node.endpoint())
        assert refused.value.code == 500
        with pytest.raises(status.StatusError, match="redirect"):
            await connector.websocket(node.endpoint(), "/exec/default/p/c", [], ["v5.channel.k8s.io"])
        refusal = await connector.refusal(node.endpoint(), "/exec/default/p/c", [])
        assert refusal is not None and refusal.code == 500
        assert asked == [] and len(node.heard) == 3
    finally:
        await runner.cleanup()


async def test_certificates_of_nodes_that_were_are_not_kept_for_ever(connector: NodeConnector) -> None:
    def pin(number: int) -> object:
        return connector._credentials(Endpoint("127.0.0.1", 1, "n1", f"{number:064x}"))["ssl"]

    first = pin(0)
    assert pin(0) is first
    for number in range(node_connection.MOST_PINS + 10):
        pin(number)
    assert len(connector._pins) == node_connection.MOST_PINS


async def test_a_refused_handshake_whose_reason_can_not_be_asked_for(
    node: Node, connector: NodeConnector
) -> None:
    """The node answers without an upgrade, then breaks off."""
    node.answers = 1
    with pytest.raises(status.StatusError, match="the node answered 200") as refused:
        await connector.websocket(node.endpoint(), "/exec/default/p/c", [], ["v5.channel.k8s.io"])
    assert refused.value.code == 500
    assert len(node.heard) > 1
