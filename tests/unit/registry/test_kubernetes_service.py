"""The Service by which Pods find the API."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.registry import kubernetes_service
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer


@pytest.fixture
async def server() -> AsyncIterator[APIServer]:
    async with api_server.running() as running:
        yield running


def found(server: APIServer, resource: Any) -> Any:
    entry = server.catalog[resource].find("default", "kubernetes")
    return entry.decode() if entry is not None else None


async def test_it_has_the_first_address(server: APIServer) -> None:
    await kubernetes_service.ensure(server.catalog, "127.0.0.1", 6443)
    service = found(server, resources.SERVICES)
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    assert service["spec"]["ports"] == [
        {"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}
    ]  # fmt: skip
    assert service["metadata"]["labels"] == {"component": "apiserver", "provider": "kubernetes"}
    assert found(server, resources.ENDPOINTS) is None
    assert found(server, resources.ENDPOINT_SLICES) is None


async def test_endpoints_where_others_can_reach_it(server: APIServer) -> None:
    await kubernetes_service.ensure(server.catalog, "192.0.2.1", 6443)
    subset = {
        "addresses": [{"ip": "192.0.2.1"}],
        "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
    }
    assert found(server, resources.ENDPOINTS)["subsets"] == [subset]
    endpoint_slice = found(server, resources.ENDPOINT_SLICES)
    assert endpoint_slice["addressType"] == "IPv4"
    assert endpoint_slice["endpoints"] == [{"addresses": ["192.0.2.1"], "conditions": {"ready": True}}]


async def test_another_start_changes_only_what_differs(server: APIServer) -> None:
    await kubernetes_service.ensure(server.catalog, "192.0.2.1", 6443)
    before = found(server, resources.SERVICES)["metadata"]
    await kubernetes_service.ensure(server.catalog, "192.0.2.1", 6443)
    assert found(server, resources.SERVICES)["metadata"] == before
    await kubernetes_service.ensure(server.catalog, "192.0.2.2", 7443)
    service = found(server, resources.SERVICES)
    assert (service["spec"]["ports"][0]["targetPort"], service["metadata"]["uid"]) == (7443, before["uid"])
    assert found(server, resources.ENDPOINTS)["subsets"][0]["addresses"] == [{"ip": "192.0.2.2"}]
