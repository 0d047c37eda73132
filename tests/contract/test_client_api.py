"""What the client's users rely on: the API in memory that tests use keeps it as the real server does."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from strongroom.aio import clock, tasks
from strongroom.aio.backoff import Backoff
from strongroom.api import resources
from strongroom.client import informer as informers
from strongroom.client import kubeconfig, rest, transport
from strongroom.client.response import Headers
from strongroom.client.transport import Query
from strongroom.cmd import pki
from strongroom.machinery import status
from strongroom.machinery.gvk import Object
from strongroom.server import listener
from strongroom.testing import api_server, controllers, fake_api

N = "default"


class Cuttable:
    """A transport whose streams can be cut, as a network does."""

    def __init__(self, inner: transport.Transport) -> None:
        self._inner = inner
        self._cut = asyncio.Event()
        self.streams = 0
        self.request = inner.request
        self.aclose = inner.aclose

    def cut(self) -> None:
        self._cut.set()
        self._cut = asyncio.Event()

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        headers: Headers | None = None,
        body: bytes = b"",
        idle_timeout: float | None = None,
    ) -> AsyncIterator[transport.StreamingResponse]:
        cut = self._cut
        async with self._inner.stream(method, path, query=query, headers=headers or {}, body=body) as answer:
            self.streams += 1
            yield transport.StreamingResponse(answer.status, answer.headers, _until(cut, answer.chunks))


async def _until(cut: asyncio.Event, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with tasks.TaskGroup("until", describe_errors=False) as group:
        ending = group.spawn("cut", cut.wait())
        while True:
            coming = group.spawn("chunk", _next(chunks))
            await asyncio.wait((ending, coming), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                await asyncio.wait((coming,))
                raise transport.ConnectionFailed("cut")
            if not (chunk := coming.result()):
                return
            yield chunk


async def _next(chunks: AsyncGenerator[bytes, None]) -> bytes:
    """The coming chunk; empty at the end."""
    return await anext(chunks, b"")


@asynccontextmanager
async def _in_process(folder: Path) -> AsyncIterator[transport.Transport]:
    async with api_server.running() as server:
        yield server.transport()


@asynccontextmanager
async def _https(folder: Path) -> AsyncIterator[transport.Transport]:
    now = clock.SystemClock().now()
    authority = pki.Authority.open_or_create(folder, now)
    certificate = authority.serving("test", ["127.0.0.1"], now)
    async with api_server.running() as server:
        front = listener.Listener(server.app, "127.0.0.1", 0, certificate.certificate, certificate.key)
        await front.start()
        access = kubeconfig.Access(f"https://127.0.0.1:{front.port}", authority.pem, api_server.ADMIN)
        inner = access.transport()
        try:
            yield inner
        finally:
            await inner.aclose()
            await server.app.close()
            await front.close()


@asynccontextmanager
async def _fake(folder: Path) -> AsyncIterator[transport.Transport]:
    yield fake_api.FakeAPI(controllers.CORE)


@pytest.fixture(params=[_in_process, _https, _fake], ids=["in-process", "https", "fake"])
async def wire(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cuttable]:
    async with request.param(tmp_path) as inner:
        yield Cuttable(inner)


@pytest.fixture
def client(wire: Cuttable) -> rest.Client:
    return rest.Client(wire, "test/1")


def _secret(name: str, value: str = "dg==") -> Object:
    metadata = {"name": name, "namespace": N}
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": metadata,
        "type": "Opaque",
        "data": {"k": value},
    }


def _pod(name: str, **spec: object) -> Object:
    containers = [{"name": "c", "image": "i"}]
    spec = {"containers": containers, "serviceAccountName": "default", **spec}
    metadata = {"name": name, "namespace": N}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec}


async def _create_pod(client: rest.Client, name: str) -> Object:
    account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default"}}
    await client.create(resources.SERVICE_ACCOUNTS, account, N)
    return await client.create(resources.PODS, _pod(name), N)


@asynccontextmanager
async def _running(informer: informers.Informer) -> AsyncIterator[None]:
    async with tasks.TaskGroup("test") as group:
        group.spawn("informer", informer.run())
        await asyncio.wait_for(informer.has_synced.wait(), 10)
        yield


async def _until_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_an_object_goes_its_way(client: rest.Client) -> None:
    created = await client.create(resources.SECRETS, _secret("a"), N)
    assert created["metadata"]["namespace"] == N
    assert created["metadata"]["uid"]
    assert await client.get(resources.SECRETS, "a", N) == created
    created["data"]["k"] = "dw=="
    updated = await client.update(resources.SECRETS, created, N)
    assert int(updated["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])
    patched = await client.patch(resources.SECRETS, "a", {"data": {"l": "eA=="}}, N)
    assert patched["data"] == {"k": "dw==", "l": "eA=="}
    listed = await client.list(resources.SECRETS, N)
    assert listed.items == [patched]
    await client.delete(resources.SECRETS, "a", N)
    assert (await client.list(resources.SECRETS, N)).items == []


async def test_lost_races_are_told_apart(client: rest.Client) -> None:
    created = await client.create(resources.SECRETS, _secret("a"), N)
    await client.patch(resources.SECRETS, "a", {"data": {"k": "eA=="}}, N)
    with pytest.raises(status.StatusError) as caught:
        await client.create(resources.SECRETS, _secret("a"), N)
    assert (caught.value.code, caught.value.reason) == (409, "AlreadyExists")
    with pytest.raises(status.StatusError) as caught:
        await client.update(resources.SECRETS, created, N)
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    with pytest.raises(status.StatusError) as caught:
        await client.delete(resources.SECRETS, "a", N, uid="other")
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    with pytest.raises(status.StatusError) as caught:
        await client.get(resources.SECRETS, "b", N)
    assert (caught.value.code, caught.value.reason) == (404, "NotFound")


async def test_a_watch_with_initial_events_tells_what_is_there_then_its_end_then_what_comes(
    client: rest.Client,
) -> None:
    await client.create(resources.SECRETS, _secret("b"), N)
    await client.create(resources.SECRETS, _secret("a"), N)
    seen: list[tuple[str, str | None]] = []
    async with aclosing(client.watch(resources.SECRETS, N, initial_events=True)) as events:
        async for event in events:
            seen.append((event.type, event.object["metadata"].get("name")))
            if event.type == "BOOKMARK":
                annotations = event.object["metadata"]["annotations"]
                assert annotations == {"k8s.io/initial-events-end": "true"}
                await client.patch(resources.SECRETS, "a", {"data": {"k": "eA=="}}, N)
                await client.delete(resources.SECRETS, "b", N)
            if event.type == "DELETED":
                break
    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("BOOKMARK", None), ("MODIFIED", "a"), ("DELETED", "b")]


async def test_a_watch_goes_on_from_a_resource_version(client: rest.Client) -> None:
    created = await client.create(resources.SECRETS, _secret("a"), N)
    await client.create(resources.SECRETS, _secret("b"), N)
    since = created["metadata"]["resourceVersion"]
    async with aclosing(client.watch(resources.SECRETS, N, resource_version=since)) as events:
        event = await anext(events)
    assert (event.type, event.object["metadata"]["name"]) == ("ADDED", "b")


async def test_a_field_selector_narrows_a_list_and_a_watch(client: rest.Client) -> None:
    for name in ("a", "b"):
        await client.create(resources.SECRETS, _secret(name), N)
    listed = await client.list(resources.SECRETS, N, field_selector="metadata.name=b")
    assert [item["metadata"]["name"] for item in listed.items] == ["b"]
    informer = informers.Informer(client, resources.SECRETS, N, field_selector="metadata.name=b")
    async with _running(informer):
        assert [obj["metadata"]["name"] for obj in informer.values()] == ["b"]


async def test_an_informer_sees_every_change_in_order(client: rest.Client) -> None:
    told: list[tuple[str, str]] = []
    informer = informers.Informer(client, resources.SECRETS, N)
    informer.subscribe(lambda kind, obj: told.append((kind, obj["data"]["k"])))
    async with _running(informer):
        await client.create(resources.SECRETS, _secret("a"), N)
        await client.patch(resources.SECRETS, "a", {"data": {"k": "eA=="}}, N)
        await client.delete(resources.SECRETS, "a", N)
        await _until_true(lambda: len(told) == 3)
    assert told == [("ADDED", "dg=="), ("MODIFIED", "eA=="), ("DELETED", "eA==")]


async def test_an_informer_that_was_cut_misses_nothing(client: rest.Client, wire: Cuttable) -> None:
    told: list[tuple[str, str]] = []
    informer = informers.Informer(client, resources.SECRETS, N, backoff=Backoff(0.001, 0.01))
    informer.subscribe(lambda kind, obj: told.append((kind, obj["metadata"]["name"])))
    async with _running(informer):
        for name in "abc":
            wire.cut()
            await client.create(resources.SECRETS, _secret(name), N)
            await _until_true(lambda name=name: ("ADDED", name) in told)  # type: ignore[misc]
        wire.cut()
        await client.delete(resources.SECRETS, "b", N)
        await _until_true(lambda: ("DELETED", "b") in told)
    assert told == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c"), ("DELETED", "b")]
    assert wire.streams >= 3


async def test_an_informer_follows_a_thousand_objects(client: rest.Client) -> None:
    for number in range(500):
        await client.create(resources.SECRETS, _secret(f"s{number:04}"), N)
    informer = informers.Informer(client, resources.SECRETS)
    async with _running(informer):
        assert len(informer) == 500
        for number in range(500, 1000):
            await client.create(resources.SECRETS, _secret(f"s{number:04}"), N)
        await _until_true(lambda: len(informer) == 1000)
        listed = await client.list(resources.SECRETS)
        assert sorted(informer.values(), key=lambda obj: str(obj["metadata"]["name"])) == listed.items


async def test_pages_of_a_list_make_the_whole(client: rest.Client) -> None:
    for number in range(7):
        await client.create(resources.SECRETS, _secret(f"s{number}"), N)
    listed = await client.list(resources.SECRETS, N, limit=3)
    assert [item["metadata"]["name"] for item in listed.items] == [f"s{n}" for n in range(7)]


async def test_a_pod_is_bound_once_and_deleted_in_two_steps(client: rest.Client) -> None:
    pod = await _create_pod(client, "p")
    binding = {
        "kind": "Binding",
        "apiVersion": "v1",
        "metadata": {"name": "p", "uid": pod["metadata"]["uid"]},
        "target": {"kind": "Node", "name": "node-1"},
    }
    await client.create(resources.PODS, binding, N, subresource="binding", name="p")
    bound = await client.get(resources.PODS, "p", N)
    assert bound["spec"]["nodeName"] == "node-1"
    assert {c["type"]: c["status"] for c in bound["status"]["conditions"]}["PodScheduled"] == "True"
    with pytest.raises(status.StatusError) as caught:
        await client.create(resources.PODS, binding, N, subresource="binding", name="p")
    assert caught.value.code == 409
    await client.delete(resources.PODS, "p", N)
    assert (await client.get(resources.PODS, "p", N))["metadata"]["deletionTimestamp"]
    await client.delete(resources.PODS, "p", N, grace_period_seconds=0, uid=pod["metadata"]["uid"])
    assert (await client.list(resources.PODS, N)).items == []


async def test_a_pod_without_a_node_is_deleted_at_once(client: rest.Client) -> None:
    await _create_pod(client, "p")
    await client.delete(resources.PODS, "p", N)
    assert (await client.list(resources.PODS, N)).items == []


async def test_a_condition_is_patched_by_its_type(client: rest.Client) -> None:
    await _create_pod(client, "p")
    for message in ("first", "second"):
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        other = {"type": "Ready", "status": "False"}
        patch = {"status": {"conditions": [condition, other]}}
        await client.patch(resources.PODS, "p", patch, N, subresource="status")
    found = await client.get(resources.PODS, "p", N)
    said = {c["type"]: c.get("message") for c in found["status"]["conditions"]}
    assert said == {"PodScheduled": "second", "Ready": None}
    assert len(found["status"]["conditions"]) == 2


async def test_a_namespace_goes_when_it_is_finalized(client: rest.Client) -> None:
    await client.create(
        resources.NAMESPACES, {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}}
    )
    await client.delete(resources.NAMESPACES, "n")
    found = await client.get(resources.NAMESPACES, "n")
    assert found["status"]["phase"] == "Terminating"
    assert found["spec"]["finalizers"] == ["kubernetes"]
    found["spec"]["finalizers"] = []
    await client.update(resources.NAMESPACES, found, subresource="finalize")
    with pytest.raises(status.StatusError) as caught:
        await client.get(resources.NAMESPACES, "n")
    assert caught.value.code == 404


async def test_delete_collection_empties_a_namespace(client: rest.Client) -> None:
    for name in ("a", "b"):
        await client.create(resources.SECRETS, _secret(name), N)
    await client.delete_collection(resources.SECRETS, N)
    assert (await client.list(resources.SECRETS, N)).items == []
