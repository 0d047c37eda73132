import pytest

from strongroom.machinery import status
from strongroom.registry import continue_token
from strongroom.registry.options import ListOptions
from strongroom.store.errors import Compacted
from strongroom.testing.api_server import APIServer


async def _gone(*_: object, **__: object) -> None:
    raise Compacted(1, 2)


async def test_page_whose_snapshot_is_gone_offers_to_go_on(
    server: APIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = server.catalog.lookup("", "v1", "secrets")
    assert registry is not None
    for name in "abc":
        await server.create_secret(name)
    first = await registry.page("default", ListOptions(limit=1))
    await server.create_secret("bb")
    monkeypatch.setattr(server.objects, "range", _gone)
    with pytest.raises(status.StatusError) as refused:
        await registry.page("default", ListOptions(limit=1, continue_token=first.continue_token))
    answer = refused.value.to_dict()
    assert (answer["code"], answer["reason"]) == (410, "Expired")
    assert answer["message"].startswith(
        "The provided continue parameter is too old to display a consistent list result."
    )
    fresh = answer["metadata"]["continue"]
    assert continue_token.decode(fresh, "/registry/secrets/default/").revision == continue_token.INCONSISTENT
    rest = await registry.page("default", ListOptions(continue_token=fresh))
    assert [entry.name for entry in rest.entries] == ["b", "bb", "c"]


async def test_exact_version_that_is_gone(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = server.catalog.lookup("", "v1", "secrets")
    assert registry is not None
    await server.create_secret("a")
    monkeypatch.setattr(server.objects, "range", _gone)
    with pytest.raises(status.StatusError) as refused:
        await registry.page("default", ListOptions(resource_version=2, exact=True))
    assert refused.value.to_dict()["message"] == "The resourceVersion for the provided list is too old."
