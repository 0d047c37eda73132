import pytest

from strongroom.testing.api_server import APIServer

SECRET = "/api/v1/namespaces/default/secrets/a"


async def test_missing(server: APIServer) -> None:
    answer = await server.get(SECRET)
    assert answer.status == 404
    assert answer.text == (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        '"message":"secrets \\"a\\" not found","reason":"NotFound",'
        '"details":{"name":"a","kind":"secrets"},"code":404}\n'
    )


async def test_headers_of_every_answer(server: APIServer) -> None:
    await server.create_secret("a")
    first, second = await server.get(SECRET), await server.get(SECRET)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "no-cache, private"
    assert first.headers["audit-id"] != second.headers["audit-id"]
    assert len(first.headers["audit-id"]) == 36


async def test_audit_id_of_the_client_comes_back(server: APIServer) -> None:
    answer = await server.get(SECRET, headers={"Audit-ID": "mine"})
    assert answer.headers["audit-id"] == "mine"


async def test_revision_that_is_reached(server: APIServer) -> None:
    created = await server.create_secret("a")
    version = created["metadata"]["resourceVersion"]
    for value in ("0", "1", version):
        assert (await server.get(f"{SECRET}?resourceVersion={value}")).json == created


async def test_revision_that_is_no_number(server: APIServer) -> None:
    answer = await server.get(f"{SECRET}?resourceVersion=x")
    assert answer.status == 400
    assert answer.json["message"].startswith("invalid resource version: ")


@pytest.mark.parametrize(
    ("query", "agent", "pretty"),
    [
        ("", "kubectl/v1", False),
        ("", "curl/8", True),
        ("", "Wget/1", True),
        ("", "Mozilla/5.0 (X11)", True),
        ("?pretty=false", "curl/8", False),
        ("?pretty=true", "kubectl/v1", True),
    ],
)
async def test_pretty(server: APIServer, query: str, agent: str, pretty: bool) -> None:
    await server.create_secret("a")
    answer = await server.get(SECRET + query, headers={"user-agent": agent})
    assert answer.text.startswith('{\n  "kind": "Secret",') is pretty
    assert answer.text.endswith("}\n")
    error = await server.get(f"{SECRET}x{query}", headers={"user-agent": agent})
    assert error.text.startswith('{\n  "kind": "Status",') is pretty


async def test_yaml(server: APIServer) -> None:
    await server.create_secret("a")
    answer = await server.get(SECRET, headers={"accept": "application/yaml"})
    assert answer.headers["content-type"] == "application/yaml"
    assert answer.text.startswith("apiVersion: v1\ndata:\n  key: dmFsdWU=\nkind: Secret\n")


async def test_partial_metadata(server: APIServer) -> None:
    created = await server.create_secret("a")
    accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    answer = await server.get(SECRET, headers={"accept": accept})
    assert answer.json == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": created["metadata"],
    }


async def test_list_form_of_one_object(server: APIServer) -> None:
    await server.create_secret("a")
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert (await server.get(SECRET, headers={"accept": accept})).status == 406


async def test_table_of_one(server: APIServer) -> None:
    created = await server.create_secret("a")
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    answer = await server.get(SECRET, headers={"accept": accept})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["metadata"] == {"resourceVersion": created["metadata"]["resourceVersion"]}
    assert [column["name"] for column in answer.json["columnDefinitions"]] == ["Name", "Type", "Data", "Age"]
    assert answer.json["rows"][0]["cells"][:3] == ["a", "Opaque", 1]
    assert answer.json["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/vnd.kubernetes.protobuf,application/json", "Secret"),
        ("application/cbor,application/json", "Secret"),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", "Table"),
        ("application/json;as=Unknown;v=v1;g=meta.k8s.io,application/json", "Secret"),
        ("*/*", "Secret"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "Secret"),
    ],
)
async def test_first_clause_that_can_be_met(server: APIServer, accept: str, kind: str) -> None:
    await server.create_secret("a")
    assert (await server.get(SECRET, headers={"accept": accept})).json["kind"] == kind


@pytest.mark.parametrize(
    "accept", ["application/vnd.kubernetes.protobuf", "text/html", "application/cbor", "application/json;q=0"]
)
async def test_nothing_acceptable(server: APIServer, accept: str) -> None:
    await server.create_secret("a")
    answer = await server.get(SECRET, headers={"accept": accept})
    assert answer.status == 406
    assert answer.json["reason"] == "NotAcceptable"
    assert answer.json["message"] == (
        "only the following media types are accepted: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )
    missing = await server.get(f"{SECRET}-missing", headers={"accept": accept})
    assert missing.status == 406
