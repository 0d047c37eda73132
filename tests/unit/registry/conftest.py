from collections.abc import AsyncIterator

import pytest

from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer


@pytest.fixture
async def server() -> AsyncIterator[APIServer]:
    async with api_server.running() as running:
        yield running
