"""What a client sees of the server through TLS, by HTTP/1.1, HTTP/2 and WebSocket."""

import asyncio
import base64
import json
import re
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest

from strongroom.cmd import pki
from strongroom.server.filters import deadline
from strongroom.server.listener import Listener
from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
ADMIN = {"Authorization": "Bearer admin"}


@pytest.fixture
def trust(authority: pki.Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.pem.decode())


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
async def client(
    request: pytest.FixtureRequest, listener: Listener, authority: pki.Authority
) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks one version of HTTP alone."""
    newer = request.param == "HTTP/2"
    async with httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{listener.port}",
        http1=not newer,
        http2=newer,
        verify=ssl.create_default_context(cadata=authority.pem.decode()),
        headers=ADMIN,
        timeout=5,
    ) as made:
        assert (await made.get("/version")).http_version == request.param
        yield made


async def test_write_and_read(client: httpx.AsyncClient) -> None:
    created = await client.post(SECRETS, json={"metadata": {"name": "a"}, "stringData": {"k": "v"}})
    assert created.status_code == 201
    read = await client.get(f"{SECRETS}/a")
    assert (read.status_code, read.content) == (200, created.content)


async def test_an_audit_id_is_given_back(client: httpx.AsyncClient) -> None:
    for path in (SECRETS, "/nowhere", "/healthz", f"{SECRETS}/missing"):
        answer = await client.get(path, headers={"Audit-ID": "0b9d7a36-chosen"})
        assert answer.headers["audit-id"] == "0b9d7a36-chosen"
        assert (await client.get(path)).headers["audit-id"] != (await client.get(path)).headers["audit-id"]


async def test_head_has_the_headers_of_a_body_and_none(client: httpx.AsyncClient) -> None:
    answer = await client.head("/healthz")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "2")
    refused = await client.head(SECRETS)
    assert (refused.status_code, refused.content) == (405, b"")
    assert int(refused.headers["content-length"]) > 100
    assert (await client.get("/healthz")).text == "ok"


async def test_many_requests_at_once(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(client.post(SECRETS, json={"metadata": {"name": f"s{n}"}}) for n in range(50)),
        *(client.get(SECRETS) for _ in range(50)),
    )
    assert [answer.status_code for answer in answers] == [201] * 50 + [200] * 50


async def test_a_body_that_is_too_large(client: httpx.AsyncClient) -> None:
    answer = await client.post(SECRETS, content=b" " * (3 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["message"] == "Request entity too large: limit is 3145728"
    assert (await client.get(SECRETS)).status_code == 200


async def test_headers_that_are_too_large(client: httpx.AsyncClient) -> None:
    large = {f"Trace-{number}": "x" * (1 << 9) for number in range(1 << 12)}
    try:
        assert (await client.get("/version", headers=large)).status_code == 431
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        pass  # Broken off before all was read.
    assert (await client.get("/version")).status_code == 200


async def test_a_body_that_does_not_come_is_not_waited_for(
    listener: Listener, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "WRITE_SECONDS", 0.2)
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=trust)
        writer.write(
            f"POST {SECRETS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n"
            'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"metadata":'.encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 504")
        assert b'"reason":"Timeout"' in await reader.readuntil(b"}\n")
        writer.close()


async def test_a_watch_ends_cleanly_with_the_server(client: httpx.AsyncClient, server: APIServer) -> None:
    await server.create_secret("a")
    async with asyncio.timeout(5), client.stream("GET", f"{SECRETS}?watch=1") as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines))["type"] == "ADDED"
        await server.app.close()
        # No error: the stream has its proper end.
        assert [line async for line in lines] == []
        assert (await client.get("/readyz")).status_code == 500
        assert (await client.get(f"{SECRETS}?watch=1")).status_code == 503


async def test_a_watcher_that_does_not_read_is_cut_off_and_goes_on_where_it_was(
    server: APIServer, listener: Listener, trust: ssl.SSLContext
) -> None:
    async def watch(since: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=trust, limit=1 << 16)
        query = f"watch=1&resourceVersion={since}"
        head = "Host: x\r\nConnection: close\r\nAuthorization: Bearer admin\r\n"
        writer.write(f"GET {SECRETS}?{query} HTTP/1.1\r\n{head}\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        return reader, writer

    made = await server.create_secret("a", data={"k": "A" * 20_000})
    began = int(made["metadata"]["resourceVersion"])
    rows = server.cache.resource("/registry/secrets/")
    reader, writer = await watch(began)
    last = 0
    async with asyncio.timeout(60):
        while len(rows.subscriptions):
            patch = {"data": {"n": base64.b64encode(b"%d" % last).decode()}}
            answer = await server.request(
                "PATCH", f"{SECRETS}/a", patch, content_type="application/merge-patch+json"
            )
            last = int(answer.json["metadata"]["resourceVersion"])
        seen = _versions(await reader.read())
        writer.close()
        # What it was sent has an end, but no gap; and the rest is still to be had.
        assert seen == list(range(began + 1, began + 1 + len(seen)))
        assert 0 < len(seen) < last - began
        reader, writer = await watch(seen[-1])
        rest = b""
        while not rest.count(b'"resourceVersion":"%d"' % last):
            rest += await reader.read(1 << 20)
        writer.close()
    assert seen + _versions(rest) == list(range(began + 1, last + 1))


def _versions(events: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb'"resourceVersion":"(\d+)"', events)]


async def test_many_watches_on_one_connection(client: httpx.AsyncClient, server: APIServer) -> None:
    await server.create_secret("a")

    async def first_two() -> list[str]:
        async with client.stream("GET", f"{SECRETS}?watch=1") as answer:
            lines = answer.aiter_lines()
            return [json.loads(await anext(lines))["type"] for _ in range(2)]

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        watching = [group.create_task(first_two()) for _ in range(40)]
        rows = server.cache.resource("/registry/secrets/")
        while len(rows.subscriptions) < 40:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
        patch = {"data": {"k": "eA=="}}
        await server.request("PATCH", f"{SECRETS}/a", patch, content_type="application/merge-patch+json")
    assert [task.result() for task in watching] == [["ADDED", "MODIFIED"]] * 40


@pytest.fixture
async def sockets(listener: Listener, trust: ssl.SSLContext) -> AsyncIterator[Any]:
    """`async with sockets(path) as socket`: an opened WebSocket."""
    async with aiohttp.ClientSession(headers=ADMIN) as session:
        yield lambda path, **more: session.ws_connect(
            f"wss://127.0.0.1:{listener.port}{path}", ssl=trust, **more
        )


async def test_watch_over_websocket_is_a_message_for_each_event(server: APIServer, sockets: Any) -> None:
    first = await server.create_secret("a")
    async with asyncio.timeout(5), sockets(f"{SECRETS}?watch=1") as socket:
        message = await socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT
        assert message.data.endswith("}\n")
        assert json.loads(message.data) == {"type": "ADDED", "object": first}
        for name in ("b", "c"):
            await server.create_secret(name)
        assert (await socket.receive_json())["object"]["metadata"]["name"] == "b"
        assert (await socket.receive_json())["object"]["metadata"]["name"] == "c"


async def test_watch_over_websocket_ends_with_its_time_and_with_the_server(
    server: APIServer, sockets: Any
) -> None:
    async with asyncio.timeout(8):
        async with sockets(f"{SECRETS}?watch=1&timeoutSeconds=1") as socket:
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1000
        async with sockets(f"{SECRETS}?watch=1&resourceVersion=1") as socket:
            await server.app.close()
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1000


async def test_client_that_leaves_a_watch_over_websocket_is_noticed(server: APIServer, sockets: Any) -> None:
    rows = server.cache.resource("/registry/secrets/")
    async with asyncio.timeout(5):
        async with sockets(f"{SECRETS}?watch=1") as socket:
            await socket.send_str("what is sent here means nothing")
            while not rows.subscriptions:  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.005)
        while rows.subscriptions:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_watch_over_websocket_tells_errors_before_and_after_its_opening(
    server: APIServer, sockets: Any
) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await sockets(f"{SECRETS}?watch=1", headers={"Authorization": "Bearer nobody"})
        assert refused.value.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await sockets(f"{SECRETS}?watch=1&fieldSelector=nonsense")
        assert refused.value.status == 400
        rows = server.cache.resource("/registry/secrets/")
        rows._floor = 5
        async with sockets(f"{SECRETS}?watch=1&resourceVersion=2") as socket:
            event = await socket.receive_json()
            assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_no_answer_names_the_server(client: httpx.AsyncClient) -> None:
    for path in ("/version", SECRETS, f"{SECRETS}/missing", "/nowhere", "/openapi/v2", "/readyz"):
        assert not (await client.get(path)).headers.get("server")
    async with client.stream("GET", SECRETS, params={"watch": "1"}) as watched:
        assert not watched.headers.get("server")


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        (["authorization: Bearer admin"], (200,)),
        (["AUTHORIZATION: bearer admin"], (200,)),
        (["Authorization: Bearer admin", "Authorization: Bearer admin"], (401,)),
        (["Authorization: Bearer admin", "authorization: Bearer x"], (401,)),
        (["Authorization: Bearer x", "AUTHORIZATION: Bearer admin"], (401,)),
        (["Authorization: Bearer\tadmin"], (401,)),
        (["Authorization:\tBasic YWRtaW4="], (401,)),
        (["Authorization: Bearer admin,Bearer admin"], (401,)),
        (["Authorization: Bearer", " admin"], (400, 401)),
        (["Authorization : Bearer admin"], (400, 401)),
        (["Authorization: Bearer x\rAuthorization: Bearer admin"], (400, 401)),
        (["Authorization: Bearer admin\0"], (400, 401)),
        (["X-Remote-User: kubernetes-admin", "X-Remote-Group: system:masters"], (401,)),
        (["Impersonate-User: kubernetes-admin"], (401,)),
        (["Cookie: Authorization=Bearer admin"], (401,)),
        (["Authorization: Bearer " + "A" * 100_000], (400, 401, 431)),
        (["Authorization: Bearer " + "A." * 20_000 + "A"], (400, 401, 431)),
    ],
)
async def test_a_trick_with_headers_on_the_wire_leads_to_no_value(
    listener: Listener, server: APIServer, trust: ssl.SSLContext, lines: list[str], codes: tuple[int, ...]
) -> None:
    await server.create_secret("s", data={"key": "Y2FuYXJ5LXdpcmU="})
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=trust)
        head = "\r\n".join([f"GET {SECRETS}/s HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *lines])
        writer.write(f"{head}\r\n\r\n".encode("latin-1"))
        answer = await reader.read()
        writer.close()
    assert int(answer.split(b" ", 2)[1]) in codes
    assert (b"Y2FuYXJ5LXdpcmU=" in answer) == (200 in codes)


async def test_who_says_twice_who_they_are_is_nobody(client: httpx.AsyncClient) -> None:
    for first, second in (("admin", "admin"), ("admin", "x"), ("x", "admin")):
        twice = [("Authorization", f"Bearer {first}"), ("authorization", f"Bearer {second}")]
        answer = await client.get(SECRETS, headers=twice)
        assert answer.request.headers.get_list("authorization") == [value for _, value in twice]
        assert answer.status_code == 401
    assert (await client.get(SECRETS)).status_code == 200
