"""Lifecycle hooks."""

import asyncio

import pytest

from strongroom.machinery.gvk import Object
from strongroom.node import hooks
from strongroom.node.cri.errors import CRIError
from strongroom.node.exec_sync import RuntimeExecSync
from strongroom.testing.fake_cri import FakeCRI

CONTAINER: Object = {"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}


@pytest.mark.parametrize(
    ("request_", "address"),
    [
        ({"port": "web", "path": "/x"}, "http://10.0.0.1:8080/x"),
        ({"port": 80}, "http://10.0.0.1:80/"),
        ({"port": 443, "scheme": "HTTPS", "host": "h", "path": "y"}, "https://h:443/y"),
        ({"port": 80, "host": "::1"}, "http://[::1]:80/"),
    ],
)
def test_where_http_goes(request_: Object, address: str) -> None:
    assert hooks.url(request_, CONTAINER, "10.0.0.1") == address


async def test_exec() -> None:
    cri = FakeCRI()
    handler = {"exec": {"command": ["sh", "-c", "x"]}}
    await hooks.run(RuntimeExecSync(cri), handler, CONTAINER, "id", "")
    assert ("exec_sync", "sh -c x") in cri.calls
    cri.exec_exit_code = 3
    cri.exec_output = b"hunter2"
    with pytest.raises(hooks.HookError) as error:
        await hooks.run(RuntimeExecSync(cri), handler, CONTAINER, "id", "", "p_ns(u)")
    assert str(error.value) == (
        'Exec lifecycle hook ([sh -c x]) for Container "c" in Pod "p_ns(u)" failed'
        " - error: command 'sh -c x' exited with 3: , message: \"\""
    )


async def test_exec_that_cannot_run() -> None:
    def fail(call: str, _: str) -> None:
        raise CRIError("Unknown", "with what the hook printed")

    with pytest.raises(hooks.HookError) as error:
        await hooks.run(
            RuntimeExecSync(FakeCRI(fail=fail)), {"exec": {"command": ["x"]}}, CONTAINER, "id", ""
        )
    assert "error: the command could not be run (Unknown), message" in str(error.value)
    assert "printed" not in str(error.value)


async def http(port: int) -> None:
    handler = {"httpGet": {"port": port, "path": "/x"}}
    await hooks.run(RuntimeExecSync(FakeCRI()), handler, CONTAINER, "id", "127.0.0.1", "p_ns(u)")


async def test_http_that_is_not_answered() -> None:
    with pytest.raises(hooks.HookError) as error:
        await http(1)
    assert str(error.value).startswith(
        'HTTP lifecycle hook (/x) for Container "c" in Pod "p_ns(u)" failed'
        ' - error: Get "http://127.0.0.1:1/x": '
    )


@pytest.mark.parametrize("location", ["", "http://localhost:1/", "/x"])
async def test_any_answer_to_http_will_do_but_one_that_leads_in_a_circle(location: str) -> None:
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        head = f"302 Found\r\nLocation: {location}" if location else "500 Oh"
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        if location == "/x":
            with pytest.raises(hooks.HookError, match="stopped after 10 redirects"):
                await http(port)
        else:
            await http(port)
    assert len(asked) == (10 if location == "/x" else 1)
    assert "User-Agent: kube-lifecycle/1.36" in asked[0]


async def test_sleep_of_no_time() -> None:
    await hooks.run(RuntimeExecSync(FakeCRI()), {"sleep": {"seconds": 0}}, CONTAINER, "id", "")


async def test_a_handler_that_nobody_runs_fails() -> None:
    runner = RuntimeExecSync(FakeCRI())
    with pytest.raises(hooks.HookError, match="invalid handler"):
        await hooks.run(runner, {"tcpSocket": {"port": 80}}, CONTAINER, "id", "")
