from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from strongroom.cmd import pki
from strongroom.server.listener import Listener
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer


@pytest.fixture
async def server() -> AsyncIterator[APIServer]:
    async with api_server.running() as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> pki.Authority:
    return pki.Authority.open_or_create(tmp_path_factory.mktemp("pki") / "ca", datetime.now(UTC))


@pytest.fixture(scope="session")
def pair(authority: pki.Authority) -> pki.ServingCertificate:
    return authority.serving("server", ["127.0.0.1"], datetime.now(UTC))


@pytest.fixture
async def listener(server: APIServer, pair: pki.ServingCertificate) -> AsyncIterator[Listener]:
    """HTTPS in front of `server`."""
    made = Listener(server.app, "127.0.0.1", 0, pair.certificate, pair.key)
    await made.start()
    yield made
    await made.close()
