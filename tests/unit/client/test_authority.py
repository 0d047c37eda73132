"""The certificate authority of a server that is known by a digest alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strongroom.client import authority
from strongroom.client.response import ConnectionFailed
from strongroom.cmd import pki


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[str, bytes]]:
    """A server's URL, and its authority."""
    made = pki.Authority.open_or_create(tmp_path, datetime.now(UTC))
    pair = made.serving("apiserver", ["127.0.0.1"], datetime.now(UTC))

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=pair.context())
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", made.pem
    server.close()


async def test_the_authority_with_that_key_is_found(served: tuple[str, bytes]) -> None:
    url, pem = served
    wanted = authority.key_hash(pem)
    assert authority.is_hash(wanted)
    assert await authority.fetch(url, wanted) == pem
    assert await authority.fetch(url, wanted.upper().replace("SHA256", "sha256")) == pem


async def test_an_impostor_is_told(served: tuple[str, bytes], tmp_path: Path) -> None:
    other = pki.Authority.open_or_create(tmp_path / "other", datetime.now(UTC))
    with pytest.raises(authority.UntrustedError, match="shows no certificate authority"):
        await authority.fetch(served[0], authority.key_hash(other.pem))


async def test_a_server_that_is_away_is_told(served: tuple[str, bytes]) -> None:
    with pytest.raises(ConnectionFailed):
        await authority.fetch("https://127.0.0.1:1", authority.key_hash(served[1]))


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "g" * 64, "sha1:" + "a" * 64, "a" * 64])
def test_what_is_no_hash(text: str) -> None:
    assert not authority.is_hash(text)
