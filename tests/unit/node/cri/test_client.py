"""The client and the fake fulfil the protocol, and an endpoint that is away is told as that."""

from pathlib import Path

import pytest

from strongroom.node.cri import errors
from strongroom.node.cri.client import CRIClient
from strongroom.node.cri.protocol import CRI
from strongroom.testing.fake_cri import FakeCRI


async def test_both_fulfil_the_protocol(tmp_path: Path) -> None:
    client = CRIClient(f"unix://{tmp_path}/none.sock")
    implementations: list[CRI] = [client, FakeCRI()]
    assert len(implementations) == 2
    await client.close()


async def test_endpoint_that_is_away(tmp_path: Path) -> None:
    client = CRIClient(f"unix://{tmp_path}/none.sock")
    with pytest.raises(errors.UnavailableError):
        await client.version()
    await client.close()
