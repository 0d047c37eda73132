import asyncio
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.machinery import meta, status
from strongroom.registry.options import DeleteOptions
from strongroom.testing.api_server import APIServer


def _secret(**metadata: Any) -> dict[str, Any]:
    return {"kind": "Secret", "apiVersion": "v1", "metadata": metadata}


async def test_generated_name_that_is_taken_is_made_anew(
    server: APIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["a-1", "a-1", "a-1", "a-2"])
    monkeypatch.setattr(meta, "generate_name", lambda base: next(names))
    registry = server.catalog[resources.SECRETS]
    made = [
        (await registry.create("default", _secret(generateName="a-"))).document.obj["metadata"]["name"]
        for _ in range(2)
    ]
    assert made == ["a-1", "a-2"]


async def test_generated_names_run_out(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    def taken(base: str) -> str:
        nonlocal tries
        tries += 1
        return "a-1"

    monkeypatch.setattr(meta, "generate_name", taken)
    registry = server.catalog[resources.SECRETS]
    await registry.create("default", _secret(generateName="a-"))
    tries = 0
    with pytest.raises(status.StatusError) as refused:
        await registry.create("default", _secret(generateName="a-"))
    assert refused.value.message == (
        'secrets "a-1" already exists, the server was not able to generate a unique name for the object'
    )
    assert refused.value.retry_after == 1
    assert tries == 9


async def test_generation_counts_changes_of_the_spec(server: APIServer) -> None:
    await server.request(
        "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}}
    )
    pods = server.catalog[resources.PODS]
    spec = {"containers": [{"name": "c", "image": "i"}]}
    created = await pods.create(
        "default", {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "spec": spec}
    )
    assert created.document.obj["metadata"]["generation"] == 1

    def relabel(pod: dict[str, Any]) -> dict[str, Any]:
        pod["metadata"]["labels"] = {"a": "b"}
        return pod

    def shorten(pod: dict[str, Any]) -> dict[str, Any]:
        pod["spec"]["activeDeadlineSeconds"] = 5
        return pod

    labelled = await pods.update("default", "p", relabel)
    assert labelled.document.obj["metadata"]["generation"] == 1
    changed = await pods.update("default", "p", shorten)
    assert changed.document.obj["metadata"]["generation"] == 2


async def test_write_is_seen_by_who_reads_next(server: APIServer) -> None:
    registry = server.catalog[resources.SECRETS]

    async def write_and_read(number: int) -> None:
        written = await registry.create("default", _secret(name=f"s{number}"))
        entry = await registry.get("default", f"s{number}")
        assert entry.body() == written.document.body

    await asyncio.gather(*(write_and_read(number) for number in range(50)))


async def test_deleting_while_others_write(server: APIServer) -> None:
    registry = server.catalog[resources.SECRETS]
    await registry.create("default", _secret(name="a"))

    async def touch(number: int) -> None:
        def change(obj: dict[str, Any]) -> dict[str, Any]:
            obj["metadata"]["labels"] = {"n": str(number)}
            return obj

        try:
            await registry.update("default", "a", change)
        except status.StatusError as error:
            assert error.code == 404

    writers = [touch(number) for number in range(10)]
    results = await asyncio.gather(
        *writers[:5], registry.delete("default", "a", DeleteOptions()), *writers[5:]
    )
    assert results[5] is not None and results[5].removed
    assert registry.find("default", "a") is None


async def test_admission_sees_the_object_after_defaulting_and_may_refuse(server: APIServer) -> None:
    seen: list[Any] = []

    async def admit(new: dict[str, Any], old: dict[str, Any] | None) -> None:
        seen.append((new["type"], old))
        raise status.forbidden(resources.SECRETS, "a", "no")

    registry = server.catalog[resources.SECRETS]
    with pytest.raises(status.StatusError):
        await registry.create("default", _secret(name="a"), admit=admit)
    assert seen == [("Opaque", None)]
    assert registry.find("default", "a") is None


async def test_changes_since(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = server.catalog[resources.SECRETS]
    start = registry.revision
    await registry.create("default", _secret(name="a"))
    await registry.delete("default", "a", DeleteOptions())
    changes = registry.changes(start)
    assert changes is not None
    assert [(change.type, change.entry.name) for change in changes] == [("ADDED", "a"), ("DELETED", "a")]
    monkeypatch.setattr("strongroom.store.resource_cache.HISTORY_MINIMUM", 1)
    monkeypatch.setattr("strongroom.store.resource_cache.HISTORY_LIMIT", 1)
    await registry.create("default", _secret(name="b"))
    assert registry.changes(start) is None
