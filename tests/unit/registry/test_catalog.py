from strongroom.api import resources, scheme
from strongroom.registry import catalog
from strongroom.testing.api_server import APIServer


def test_every_kind_has_a_prefix_and_a_head() -> None:
    prefixes = catalog.prefixes()
    stored = [strategy for strategy in scheme.STRATEGIES.values() if strategy.view_of is None]
    assert len(prefixes) == len(stored)
    assert prefixes["/registry/secrets/"] == b'{"kind":"Secret","apiVersion":"v1",'
    assert "/registry/minions/" in prefixes
    assert prefixes["/registry/events/"] == b'{"kind":"Event","apiVersion":"v1",'


async def test_registries_are_found_by_resource_and_by_name(server: APIServer) -> None:
    registry = server.catalog[resources.SECRETS]
    assert server.catalog.lookup("", "v1", "secrets") is registry
    assert server.catalog.lookup("", "v1", "foos") is None
    assert server.catalog.lookup("x", "v1", "secrets") is None
    assert {each.resource for each in server.catalog} == set(scheme.STRATEGIES)
    assert server.catalog.is_ready()
