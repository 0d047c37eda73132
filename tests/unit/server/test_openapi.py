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


async def test_the_old_document_is_there_for_clients_that_insist(server: APIServer) -> None:
    assert (await server.get("/openapi/v2")).json["swagger"] == "2.0"
    asked = {"accept": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}
    answer = await server.get("/openapi/v2", headers=asked)
    assert answer.headers["content-type"].startswith("application/com.github.proto-openapi.spec.v2")
    assert answer.response.body.startswith(b"\x0a\x032.0\x12") and answer.response.body.endswith(b"\x42\x00")
