from strongroom.registry import bootstrap
from strongroom.testing.api_server import APIServer


async def test_system_namespaces_are_made_once(server: APIServer) -> None:
    before = server.cache.revision
    names = [item["metadata"]["name"] for item in (await server.get("/api/v1/namespaces")).json["items"]]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    await bootstrap.ensure_namespaces(server.catalog)
    assert server.cache.revision == before
