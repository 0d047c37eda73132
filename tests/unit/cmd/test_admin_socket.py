"""The admin socket: progress and results, errors in one line, one command at a time, a lost server."""

import asyncio
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from strongroom.cmd import admin_socket
from strongroom.cmd.admin_socket import AdminSocket, NotRunning, Refused, Tell
from strongroom.store.errors import Unavailable


async def count(request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
    for number in range(request["upto"]):
        tell({"number": number})
    return {"counted": request["upto"]}


async def fail(request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
    raise Unavailable("the disk is full")


async def stay(request: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
    tell({})
    await asyncio.Event().wait()
    return {}


COMMANDS = {"count": count, "fail": fail, "stay": stay}


async def ask(folder: Path, told: list[Mapping[str, Any]] | None = None, **request: Any) -> Mapping[str, Any]:
    shown = told if told is not None else []
    return await asyncio.to_thread(admin_socket.call, folder, request, shown.append)


@pytest.fixture(params=["short", "long"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / ("d" if request.param == "short" else "d" * 120)
    folder.mkdir()
    return folder


async def test_progress_then_the_result(folder: Path) -> None:
    server = AdminSocket(folder, COMMANDS)
    await server.start()
    assert stat.S_IMODE((folder / admin_socket.NAME).stat().st_mode) == 0o600
    told: list[Mapping[str, Any]] = []
    assert await ask(folder, told, command="count", upto=3) == {"counted": 3}
    assert told == [{"number": 0}, {"number": 1}, {"number": 2}]
    with pytest.raises(Refused, match="the disk is full"):
        await ask(folder, command="fail")
    with pytest.raises(Refused, match="does not know this command"):
        await ask(folder, command="dance")
    await server.close()
    with pytest.raises(NotRunning):
        await ask(folder, command="count", upto=1)
    assert list(folder.iterdir()) == []


async def test_one_command_at_a_time_and_a_server_that_ends_says_so(tmp_path: Path) -> None:
    server = AdminSocket(tmp_path, COMMANDS)
    await server.start()
    began: list[Mapping[str, Any]] = []
    staying = asyncio.gather(ask(tmp_path, began, command="stay"), return_exceptions=True)
    async with asyncio.timeout(10):
        while not began:  # noqa: ASYNC110 - told in another thread
            await asyncio.sleep(0.01)
    with pytest.raises(Refused, match="at work on such a command already"):
        await ask(tmp_path, command="count", upto=1)
    await server.close()
    (ended,) = await staying
    assert isinstance(ended, Refused) and "run the command again" in str(ended)


async def test_strangers_words_harm_nothing(tmp_path: Path) -> None:
    server = AdminSocket(tmp_path, COMMANDS)
    await server.start()
    for words in (b"", b"\n", b"hello\n", b"[]\n", b"1\n", b"x" * 100_000):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / admin_socket.NAME))
        writer.write(words)
        writer.write_eof()
        assert b"result" not in await reader.read()
        writer.close()
    assert await ask(tmp_path, command="count", upto=0) == {"counted": 0}
    await server.close()


async def test_what_a_killed_server_left_is_no_server(tmp_path: Path) -> None:
    server = AdminSocket(tmp_path, COMMANDS)
    await server.start()
    (tmp_path / admin_socket.NAME).rename(tmp_path / "kept")
    await server.close()
    (tmp_path / "kept").rename(tmp_path / admin_socket.NAME)
    with pytest.raises(NotRunning):
        await ask(tmp_path, command="count", upto=1)
    again = AdminSocket(tmp_path, COMMANDS)
    await again.start()
    assert await ask(tmp_path, command="count", upto=1) == {"counted": 1}
    await again.close()
