"""Request targets as they stand on the wire, through TLS and HTTP parser: none leads around authorization."""

import asyncio
import ssl

import pytest

from strongroom.cmd import pki
from strongroom.server.listener import Listener
from strongroom.testing.api_server import APIServer

P = b"/api/v1/namespaces/default/secrets"
VALUE = b"dmFsdWU"
PROPER = (
    P + b"/b",
    P + b"%2fb",
    P + b"%2Fb",
    P + b"/%62",
    b"/%61pi/v1/namespaces/default/secrets/b",
    P + b"/b/",
    P + b"/b?",
    P + b"/b#x",
    b"http://other.example" + P + b"/b",
    b"/api/v1/namespaces/default%2fsecrets%2fb",
)
"""Other spellings of the Secret's path: as in Kubernetes, a path is what it is decoded to, once."""
WRONG = (
    P + b"/../secrets/b",
    P + b"/a/../b",
    P + b"/%2e%2e/secrets/b",
    P + b"/%252e%252e/secrets/b",
    P + b"/./b",
    P + b"/%2e/b",
    b"/." + P + b"/b",
    b"/.." + P + b"/b",
    b"/healthz/.." + P + b"/b",
    b"/healthz/%2e%2e" + P + b"/b",
    b"/version/.." + P + b"/b",
    b"/" + P + b"/b",
    b"/api//v1/namespaces/default/secrets/b",
    P + b"//b",
    b"/api/v1//namespaces/default/secrets/b",
    b"/API/v1/namespaces/default/secrets/b",
    b"/api/v1/namespaces/default/Secrets/b",
    P + b"/B",
    P + b"/b%00",
    P + b"/%00b",
    P + b"/b\x00",
    P + b"/b%ff",
    P + b"/b\xff",
    P + b"/b;x",
    P + b"/b%3fx",
    P + b"/b%23x",
    P + b"/b%20",
    P + b"/b%",
    P + b"/b%zz",
    P + b"\\b",
    P + b"/b%0d%0aX:%20y",
    P + b"/b%0d%0ax: y",
    b"/apis/" + P[4:] + b"/b",
    b"/apis/core" + P[4:] + b"/b",
    b"*",
    b"api/v1/namespaces/default/secrets/b",
    b"",
    P + b"/b" * 9000,
    b"/" + b"a" * 70_000,
)
"""No paths of the Secret, for anyone."""


async def _get(listener: Listener, trust: ssl.SSLContext, target: bytes, token: bytes) -> tuple[int, bytes]:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=trust)
        authorization = b"Authorization: Bearer " + token + b"\r\n" if token else b""
        head = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + authorization
        writer.write(head + b"Connection: close\r\n\r\n")
        try:
            answer = await reader.read()
        finally:
            writer.close()
    return int(answer[9:12]), answer


@pytest.fixture
async def trust(server: APIServer, authority: pki.Authority) -> ssl.SSLContext:
    await server.create_secret("b", data={"key": VALUE.decode() + "="})
    return ssl.create_default_context(cadata=authority.pem.decode())


async def test_no_target_leads_who_may_not_to_a_value(listener: Listener, trust: ssl.SSLContext) -> None:
    for target in (*PROPER, *WRONG):
        for token in (b"nobody", b""):
            status, answer = await _get(listener, trust, target, token)
            assert status in (400, 401, 403, 404, 414), (target[:99], answer[:300])
            assert VALUE not in answer


async def test_who_may_is_answered_by_proper_targets_alone(listener: Listener, trust: ssl.SSLContext) -> None:
    for target in PROPER:
        status, answer = await _get(listener, trust, target, b"admin")
        assert status == 200 and VALUE in answer, target
    for target in WRONG:
        status, answer = await _get(listener, trust, target, b"admin")
        assert status in (400, 404, 414), (target[:99], answer[:300])
        assert VALUE not in answer
