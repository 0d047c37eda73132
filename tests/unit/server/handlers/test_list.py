import gzip

import orjson
import pytest

from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"
ALL = "/api/v1/secrets"


async def _names(server: APIServer, path: str) -> list[str]:
    answer = await server.get(path)
    assert answer.status == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json["items"]]


async def _fill(server: APIServer, *names: str) -> None:
    for name in names:
        await server.create_secret(name, metadata={"name": name, "labels": {"n": name[:1], "all": "yes"}})


async def test_empty_list_has_items(server: APIServer) -> None:
    answer = await server.get(SECRETS)
    assert answer.text == (
        f'{{"kind":"SecretList","apiVersion":"v1","metadata":{{"resourceVersion":"{server.cache.revision}"}},'
        '"items":[]}\n'
    )


async def test_items_carry_no_kind_and_come_in_key_order(server: APIServer) -> None:
    await _fill(server, "b", "a-b", "a")
    await server.create_secret("z", "kube-public")
    items = (await server.get(ALL)).json["items"]
    assert [item["metadata"]["name"] for item in items] == ["a", "a-b", "b", "z"]
    assert all("kind" not in item and "apiVersion" not in item for item in items)
    assert await _names(server, SECRETS) == ["a", "a-b", "b"]


async def test_namespace_is_not_taken_for_another_with_the_same_beginning(server: APIServer) -> None:
    await server.request("POST", "/api/v1/namespaces", {"metadata": {"name": "default2"}})
    await server.create_secret("a")
    await server.create_secret("b", "default2")
    assert await _names(server, SECRETS) == ["a"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("labelSelector=n", ["a1", "a2", "b1"]),
        ("labelSelector=n%3Da".replace("%3D", "="), ["a1", "a2"]),
        ("labelSelector=n!=a", ["b1", "none"]),
        ("labelSelector=!n", ["none"]),
        ("fieldSelector=metadata.name=a2", ["a2"]),
        ("fieldSelector=metadata.name!=a2", ["a1", "b1", "none"]),
        ("fieldSelector=metadata.namespace=kube-system", []),
        ("fieldSelector=type=Opaque", ["a1", "a2", "b1"]),
        ("fieldSelector=type=x/y", ["none"]),
        ("labelSelector=n=a&fieldSelector=metadata.name=b1", []),
    ],
)
async def test_selectors(server: APIServer, query: str, names: list[str]) -> None:
    await _fill(server, "a1", "a2", "b1")
    await server.create_secret("none", type="x/y")
    pairs = [(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&")]
    answer = await server.get(SECRETS, query=pairs)
    assert [item["metadata"]["name"] for item in answer.json["items"]] == names


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ([("fieldSelector", "spec.x=1")], "field label not supported: spec.x"),
        ([("labelSelector", "a in b")], None),
        ([("limit", "x")], 'strconv.ParseInt: parsing "x": invalid syntax'),
        ([("resourceVersion", "x")], None),
        ([("continue", "!!")], None),
        ([("continue", "e30")], None),
        (
            [("continue", "e30"), ("resourceVersion", "5")],
            "specifying resource version is not allowed when using continue",
        ),
    ],
)
async def test_bad_options(server: APIServer, query: list[tuple[str, str]], message: str | None) -> None:
    answer = await server.get(SECRETS, query=query)
    assert answer.status == 400
    assert message is None or answer.json["message"] == message


async def test_unknown_field_of_other_kinds(server: APIServer) -> None:
    answer = await server.get("/api/v1/configmaps", query=[("fieldSelector", "data=1")])
    assert answer.json["message"] == (
        '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("resourceVersionMatch=Exact", "is forbidden unless resourceVersion is provided"),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        ("resourceVersionMatch=Some&resourceVersion=1", 'Unsupported value: "Some"'),
        ("resourceVersionMatch=Exact&resourceVersion=1&continue=x", "is forbidden when continue is provided"),
        ("sendInitialEvents=true", "sendInitialEvents is forbidden for list"),
    ],
)
async def test_invalid_combinations(server: APIServer, query: str, text: str) -> None:
    answer = await server.get(f"{SECRETS}?{query}")
    assert answer.status == 422
    assert answer.json["message"].startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert text in answer.json["message"]


async def test_pages(server: APIServer) -> None:
    await _fill(server, "a", "b", "c", "d", "e")
    first = (await server.get(f"{SECRETS}?limit=2")).json
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 3
    second = (
        await server.get(SECRETS, query=[("limit", "2"), ("continue", first["metadata"]["continue"])])
    ).json
    assert [item["metadata"]["name"] for item in second["items"]] == ["c", "d"]
    assert second["metadata"]["remainingItemCount"] == 1
    last = (
        await server.get(SECRETS, query=[("limit", "2"), ("continue", second["metadata"]["continue"])])
    ).json
    assert [item["metadata"]["name"] for item in last["items"]] == ["e"]
    assert "continue" not in last["metadata"]
    assert "remainingItemCount" not in last["metadata"]


async def test_page_that_ends_exactly_is_the_last(server: APIServer) -> None:
    await _fill(server, "a", "b")
    assert "continue" not in (await server.get(f"{SECRETS}?limit=2")).json["metadata"]


async def test_pages_are_of_one_snapshot(server: APIServer) -> None:
    await _fill(server, "a", "b", "c", "d")
    first = (await server.get(f"{SECRETS}?limit=2")).json
    await server.request("DELETE", f"{SECRETS}/c")
    await _fill(server, "bb", "e")
    await server.request(
        "PATCH", f"{SECRETS}/d", {"data": {"key": ""}}, content_type="application/merge-patch+json"
    )
    token = first["metadata"]["continue"]
    rest = (await server.get(SECRETS, query=[("continue", token)])).json
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c", "d"]
    assert rest["items"][1]["data"] == {"key": "dmFsdWU="}
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_pages_with_a_selector_do_not_count(server: APIServer) -> None:
    await _fill(server, "a1", "b1", "a2", "b2", "a3")
    first = (await server.get(SECRETS, query=[("limit", "2"), ("labelSelector", "n=a")])).json
    assert [item["metadata"]["name"] for item in first["items"]] == ["a1", "a2"]
    assert "remainingItemCount" not in first["metadata"]
    token = first["metadata"]["continue"]
    rest = (
        await server.get(SECRETS, query=[("limit", "2"), ("labelSelector", "n=a"), ("continue", token)])
    ).json
    assert [item["metadata"]["name"] for item in rest["items"]] == ["a3"]


async def test_limit_is_ignored_for_any_version(server: APIServer) -> None:
    await _fill(server, "a", "b")
    answer = await server.get(f"{SECRETS}?limit=1&resourceVersion=0")
    assert len(answer.json["items"]) == 2


async def test_exact_version(server: APIServer) -> None:
    await _fill(server, "a")
    version = server.cache.revision
    await _fill(server, "b")
    exact = await server.get(f"{SECRETS}?resourceVersion={version}&resourceVersionMatch=Exact")
    assert [item["metadata"]["name"] for item in exact.json["items"]] == ["a"]
    assert exact.json["metadata"]["resourceVersion"] == str(version)
    newer = await server.get(f"{SECRETS}?resourceVersion={version}&resourceVersionMatch=NotOlderThan")
    assert len(newer.json["items"]) == 2
    assert len((await server.get(f"{SECRETS}?resourceVersion={version}")).json["items"]) == 2


async def test_large_list_is_compressed_for_who_takes_it(server: APIServer) -> None:
    for number in range(3):
        await server.create_secret(f"s{number}", data={"k": "A" * 60_000})
    plain = await server.get(SECRETS)
    assert "content-encoding" not in plain.headers
    packed = await server.get(SECRETS, headers={"accept-encoding": "gzip, deflate"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert orjson.loads(gzip.decompress(packed.response.body)) == plain.json
    small = await server.get(f"{SECRETS}/s1", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers


async def test_table(server: APIServer) -> None:
    await _fill(server, "a", "b")
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    answer = (await server.get(f"{SECRETS}?limit=1", headers=accept)).json
    assert answer["metadata"]["continue"]
    assert [row["cells"][0] for row in answer["rows"]] == ["a"]
    whole = (await server.get(f"{SECRETS}?includeObject=Object", headers=accept)).json
    assert whole["rows"][0]["object"]["data"] == {"key": "dmFsdWU="}
    none = (await server.get(f"{SECRETS}?includeObject=None", headers=accept)).json
    assert none["rows"][0]["object"] is None
    assert (await server.get(f"{SECRETS}?includeObject=x", headers=accept)).status == 400


async def test_partial_metadata_list(server: APIServer) -> None:
    await _fill(server, "a")
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    answer = (await server.get(SECRETS, headers={"accept": accept})).json
    assert answer["kind"] == "PartialObjectMetadataList"
    assert list(answer["items"][0]) == ["kind", "apiVersion", "metadata"]


async def test_yaml(server: APIServer) -> None:
    await _fill(server, "a")
    answer = await server.get(SECRETS, headers={"accept": "application/yaml"})
    assert answer.text.startswith("apiVersion: v1\nitems:\n- data:")
