import re

import pytest

from strongroom.testing.api_server import APIServer


async def test_index_leads_to_documents_that_may_be_kept(server: APIServer) -> None:
    index = await server.get("/openapi/v3")
    url = index.json["paths"]["api/v1"]["serverRelativeURL"]
    path, _, asked = url.partition("?hash=")
    document = await server.get(url)
    assert document.status == 200
    assert document.json["openapi"].startswith("3.0")
    assert document.headers["cache-control"] == "public, immutable"
    assert document.headers["etag"] == f'"{asked}"'
    assert document.headers["expires"].endswith("GMT")
    again = await server.get(url, headers={"if-none-match": document.headers["etag"]})
    assert again.status == 304
    wrong = await server.get(f"{path}?hash=0")
    assert wrong.status == 301
    assert wrong.headers["location"] == url
    plain = await server.get(path)
    assert plain.headers["cache-control"] == "no-cache, private"


async def test_unknown_document(server: APIServer) -> None:
    assert (await server.get("/openapi/v3/apis/foo/v1")).status == 404


PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
OLD_NAME = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


async def test_one_document_for_all_groups(server: APIServer) -> None:
    answer = await server.get("/openapi/v2")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["swagger"] == "2.0"
    assert {"io.k8s.api.core.v1.Secret", "io.k8s.api.apps.v1.Deployment"} <= set(answer.json["definitions"])
    again = await server.get("/openapi/v2", headers={"if-none-match": answer.headers["etag"]})
    assert again.status == 304
    references = set(re.findall(r'"#/definitions/([^"]+)"', answer.response.body.decode()))
    assert references <= set(answer.json["definitions"])


@pytest.mark.parametrize("asked", [PROTOBUF, OLD_NAME, f"{OLD_NAME}, application/json;q=0.1"])
async def test_the_one_document_in_protobuf(server: APIServer, asked: str) -> None:
    answer = await server.get("/openapi/v2", headers={"accept": asked})
    assert (answer.status, answer.headers["content-type"]) == (200, PROTOBUF)
    assert answer.response.body.startswith(b"\x0a\x032.0\x12")


@pytest.mark.parametrize("path", ["/openapi/v2", "/openapi/v3/api/v1"])
async def test_documents_in_a_form_that_is_not_there(server: APIServer, path: str) -> None:
    refused = await server.get(path, headers={"accept": "application/cbor"})
    assert (refused.status, refused.response.body) == (406, b"")
    several = await server.get(path, headers={"accept": "application/cbor, application/json;q=0.5"})
    assert (several.status, several.headers["content-type"]) == (200, "application/json")


async def test_the_index_is_json_whatever_is_asked_for(server: APIServer) -> None:
    index = await server.get("/openapi/v3", headers={"accept": "application/cbor"})
    assert (index.status, index.headers["content-type"]) == (200, "application/json")
