"""The client against an API in memory."""

from contextlib import aclosing

import orjson
import pytest

from strongroom.client import rest, transport
from strongroom.machinery import gvk, status
from strongroom.testing import fake_api

SECRETS = gvk.Resource("", "v1", "secrets", "Secret")


def _secret(name: str, **data: str) -> gvk.Object:
    return {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name}, "data": data}


@pytest.fixture
def api() -> fake_api.FakeAPI:
    return fake_api.FakeAPI([SECRETS])


@pytest.fixture
def client(api: fake_api.FakeAPI) -> rest.Client:
    return rest.Client(api, "test/1")


async def test_an_object_goes_its_way_from_create_to_delete(client: rest.Client) -> None:
    created = await client.create(SECRETS, _secret("a", k="dg=="), "n")
    assert created["metadata"]["namespace"] == "n"
    created["data"]["k"] = "dw=="
    updated = await client.update(SECRETS, created, "n")
    patched = await client.patch(SECRETS, "a", {"data": {"l": "eA=="}}, "n")
    assert patched["data"] == {"k": "dw==", "l": "eA=="}
    assert await client.get(SECRETS, "a", "n") == patched
    with pytest.raises(status.StatusError, match="has been modified"):
        await client.update(SECRETS, updated, "n")
    await client.delete(SECRETS, "a", "n", uid=patched["metadata"]["uid"])
    with pytest.raises(status.StatusError, match='secrets "a" not found'):
        await client.get(SECRETS, "a", "n")


async def test_the_caller_is_named_and_asks_for_json(api: fake_api.FakeAPI, client: rest.Client) -> None:
    await client.list(SECRETS)
    assert api.calls[0].headers == {"accept": "application/json", "user-agent": "test/1"}


async def test_listed_objects_say_their_kind(api: fake_api.FakeAPI, client: rest.Client) -> None:
    for name in ("b", "a"):
        await client.create(SECRETS, _secret(name), "n")
    result = await client.list(SECRETS, "n")
    assert [item["metadata"]["name"] for item in result.items] == ["a", "b"]
    assert {(item["kind"], item["apiVersion"]) for item in result.items} == {("Secret", "v1")}
    assert result.resource_version == str(api.revision)


def test_a_list_does_not_print_its_objects() -> None:
    assert "czNjcmV0" not in repr(rest.ListResult([_secret("a", k="czNjcmV0")], "5"))


async def test_delete_collection_takes_what_matches(api: fake_api.FakeAPI, client: rest.Client) -> None:
    for namespace in ("n", "n", "m"):
        await client.create(SECRETS, _secret(f"s{api.revision}"), namespace)
    await client.delete_collection(SECRETS, "n")
    assert api.names(SECRETS, "n") == []
    assert len(api.names(SECRETS, "m")) == 1


async def test_a_watch_yields_what_happens_until_it_ends(api: fake_api.FakeAPI, client: rest.Client) -> None:
    await client.create(SECRETS, _secret("a"), "n")
    seen = []
    async for event in client.watch(SECRETS, "n", initial_events=True):
        seen.append((event.type, event.object["metadata"].get("name")))
        if event.type == "BOOKMARK":
            await client.create(SECRETS, _secret("b"), "n")
            await client.delete(SECRETS, "a", "n")
            api.end_watches()
    assert seen == [("ADDED", "a"), ("BOOKMARK", None), ("ADDED", "b"), ("DELETED", "a")]
    assert api.watchers == 0


async def test_a_watch_that_is_cut_raises(api: fake_api.FakeAPI, client: rest.Client) -> None:
    with pytest.raises(transport.ConnectionFailed):
        async for _ in client.watch(SECRETS, initial_events=True):
            api.cut()


async def test_a_watch_left_early_is_ended_at_the_server(api: fake_api.FakeAPI, client: rest.Client) -> None:
    async with aclosing(client.watch(SECRETS, initial_events=True)) as events:
        await anext(events)
        assert api.watchers == 1
    assert api.watchers == 0


async def test_a_refused_watch_raises_its_status(api: fake_api.FakeAPI, client: rest.Client) -> None:
    api.watch_lists = False
    with pytest.raises(status.StatusError) as caught:
        async for _ in client.watch(SECRETS, initial_events=True):
            pytest.fail("there are no events")
    assert caught.value.code == 400


class _Scripted(fake_api.FakeAPI):
    """Answers requests from a list."""

    def __init__(self, *answers: transport.Response) -> None:
        super().__init__([SECRETS])
        self.answers = list(answers)

    async def request(self, *args: object, **kwargs: object) -> transport.Response:
        self.queries = [*getattr(self, "queries", []), dict(kwargs["query"])]  # type: ignore[call-overload]
        return self.answers.pop(0)


async def test_a_list_follows_its_pages() -> None:
    def page(names: list[str], token: str) -> transport.Response:
        items = [{"metadata": {"name": name}} for name in names]
        body = {"metadata": {"resourceVersion": "9", "continue": token}, "items": items}
        return transport.Response(200, {}, orjson.dumps(body))

    api = _Scripted(page(["a", "b"], "t1"), page(["c"], ""))
    result = await rest.Client(api, "test").list(SECRETS, limit=2, resource_version="0")
    assert [item["metadata"]["name"] for item in result.items] == ["a", "b", "c"]
    assert api.queries == [{"resourceVersion": "0", "limit": "2"}, {"limit": "2", "continue": "t1"}]


async def test_a_busy_server_is_asked_again_when_it_says(api: fake_api.FakeAPI) -> None:
    busy = transport.Response(429, {"retry-after": "2"}, b"Too many requests, please try again later.")
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    done = transport.Response(200, {}, b'{"kind":"Secret"}')
    client = rest.Client(_Scripted(busy, busy, done), "test", sleep=sleep)
    assert await client.get(SECRETS, "a", "n") == {"kind": "Secret"}
    assert slept == [2, 2]
    with pytest.raises(status.StatusError, match="Too many requests"):
        await rest.Client(_Scripted(*[busy] * 5), "test", sleep=sleep).get(SECRETS, "a", "n")
    assert len(slept) == 6
