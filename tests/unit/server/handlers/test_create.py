import re

import pytest

from strongroom.testing.api_server import APIServer

SECRETS = "/api/v1/namespaces/default/secrets"


async def _stored(server: APIServer) -> int:
    return len((await server.get(SECRETS)).json["items"])


async def test_created_object_is_answered_as_it_is_stored(server: APIServer) -> None:
    answer = await server.request(
        "POST", SECRETS, {"metadata": {"name": "a"}, "stringData": {"k": "v"}, "data": {"j": "dg=="}}
    )
    assert answer.status == 201
    assert list(answer.json) == ["kind", "apiVersion", "metadata", "data", "type"]
    assert answer.json["data"] == {"j": "dg==", "k": "dg=="}
    assert answer.json["type"] == "Opaque"
    assert answer.text.endswith("}\n")
    read = await server.get(f"{SECRETS}/a")
    assert read.text == answer.text


async def test_metadata_is_the_servers(server: APIServer) -> None:
    answer = await server.request(
        "POST",
        SECRETS,
        {
            "metadata": {
                "name": "a",
                "uid": "mine",
                "creationTimestamp": "2001-01-01T00:00:00Z",
                "deletionTimestamp": "2001-01-01T00:00:00Z",
                "deletionGracePeriodSeconds": 5,
                "selfLink": "/x",
                "generation": 7,
            }
        },
    )
    metadata = answer.json["metadata"]
    assert set(metadata) == {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
    }
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", metadata["uid"]
    )
    assert metadata["creationTimestamp"] != "2001-01-01T00:00:00Z"
    assert metadata["namespace"] == "default"


async def test_resource_version_must_be_empty(server: APIServer) -> None:
    answer = await server.request("POST", SECRETS, {"metadata": {"name": "a", "resourceVersion": "5"}})
    assert answer.status == 500
    assert answer.json["message"] == "resourceVersion should not be set on objects to be created"
    assert await _stored(server) == 0


async def test_generated_names(server: APIServer) -> None:
    first = (await server.request("POST", SECRETS, {"metadata": {"generateName": "a-"}})).json["metadata"]
    second = (await server.request("POST", SECRETS, {"metadata": {"generateName": "a-"}})).json["metadata"]
    assert re.fullmatch("a-[bcdfghjklmnpqrstvwxz2456789]{5}", first["name"])
    assert first["generateName"] == "a-"
    assert first["name"] != second["name"]


async def test_taken_name(server: APIServer) -> None:
    await server.create_secret("a")
    answer = await server.request("POST", SECRETS, {"metadata": {"name": "a"}})
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'secrets "a" already exists',
        "reason": "AlreadyExists",
        "details": {"name": "a", "kind": "secrets"},
        "code": 409,
    }


async def test_name_of_one_that_is_being_deleted(server: APIServer) -> None:
    await server.request("POST", SECRETS, {"metadata": {"name": "a", "finalizers": ["x.y/z"]}})
    await server.request("DELETE", f"{SECRETS}/a")
    answer = await server.request("POST", SECRETS, {"metadata": {"name": "a"}})
    assert answer.json["message"] == 'object is being deleted: secrets "a" already exists'


async def test_namespace_that_is_not_there(server: APIServer) -> None:
    answer = await server.request("POST", "/api/v1/namespaces/no/secrets", {"metadata": {"name": "a"}})
    assert answer.status == 404
    assert answer.json["message"] == 'namespaces "no" not found'
    assert answer.json["details"] == {"name": "no", "kind": "namespaces"}


async def test_namespace_in_the_body_differs(server: APIServer) -> None:
    answer = await server.request("POST", SECRETS, {"metadata": {"name": "a", "namespace": "kube-system"}})
    assert answer.status == 400
    assert answer.json["message"] == (
        "the namespace of the provided object does not match the namespace sent on the request"
    )
    assert "details" not in answer.json


async def test_invalid_object_names_every_broken_rule(server: APIServer) -> None:
    answer = await server.request(
        "POST",
        SECRETS,
        {"metadata": {"name": "A_b"}, "data": {"": "", "..x": ""}, "type": "kubernetes.io/tls"},
    )
    assert answer.status == 422
    assert answer.json["reason"] == "Invalid"
    assert answer.json["message"].startswith(
        'Secret "A_b" is invalid: [metadata.name: Invalid value: "A_b": a lowercase'
    )
    assert {cause["field"] for cause in answer.json["details"]["causes"]} == {
        "metadata.name",
        "data[]",
        "data[..x]",
        "data[tls.crt]",
        "data[tls.key]",
    }
    assert answer.json["details"]["kind"] == "Secret"
    assert await _stored(server) == 0


@pytest.mark.parametrize("body", [b"{", b'{"metadata":', b"[]", b'"x"', b"\x00\x01", b"{}}", b"nothing"])
async def test_malformed_json(server: APIServer, body: bytes) -> None:
    answer = await server.request("POST", SECRETS, body)
    assert answer.status == 400
    assert answer.json["reason"] == "BadRequest"
    assert await _stored(server) == 0


@pytest.mark.parametrize("body", [b"a: [", b"a: b: c", b"\t- x", b"- a\n- b"])
async def test_malformed_yaml(server: APIServer, body: bytes) -> None:
    answer = await server.request("POST", SECRETS, body, content_type="application/yaml")
    assert answer.status == 400
    assert await _stored(server) == 0


async def test_yaml_body(server: APIServer) -> None:
    body = b"kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData: {port: '5432'}\n"
    answer = await server.request("POST", SECRETS, body, content_type="application/yaml")
    assert answer.status == 201
    assert answer.json["data"] == {"port": "NTQzMg=="}


async def test_wrong_base64_is_refused_without_repeating_it(server: APIServer) -> None:
    answer = await server.request("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": "s3cr3t!"}})
    assert answer.status == 400
    assert answer.json["message"] == (
        'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 6'
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json-patch+json"])
async def test_media_type_of_the_body(server: APIServer, content_type: str) -> None:
    answer = await server.request("POST", SECRETS, {"metadata": {"name": "a"}}, content_type=content_type)
    assert answer.status == 415
    assert answer.json["message"] == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


async def test_body_over_the_limit(server: APIServer) -> None:
    body = b'{"metadata":{"name":"a"},"data":{"k":"' + b"A" * 3 * 1024 * 1024 + b'"}}'
    answer = await server.request("POST", SECRETS, body)
    assert answer.status == 413
    assert answer.json["message"] == "Request entity too large: limit is 3145728"
    assert await _stored(server) == 0


async def test_dry_run_stores_nothing(server: APIServer) -> None:
    before = server.cache.revision
    answer = await server.request("POST", f"{SECRETS}?dryRun=All", {"metadata": {"name": "a"}})
    assert answer.status == 201
    assert answer.json["metadata"]["uid"]
    assert "resourceVersion" not in answer.json["metadata"]
    assert server.cache.revision == before


async def test_dry_run_sees_that_the_name_is_taken(server: APIServer) -> None:
    await server.create_secret("a")
    answer = await server.request("POST", f"{SECRETS}?dryRun=All", {"metadata": {"name": "a"}})
    assert answer.status == 409


async def test_unknown_dry_run(server: APIServer) -> None:
    answer = await server.request("POST", f"{SECRETS}?dryRun=Some", {"metadata": {"name": "a"}})
    assert answer.status == 422
    assert answer.json["message"] == (
        'CreateOptions.meta.k8s.io "" is invalid: '
        'dryRun: Unsupported value: ["Some"]: supported values: "All"'
    )


async def test_unknown_field_warns(server: APIServer) -> None:
    answer = await server.request("POST", SECRETS, {"metadata": {"name": "a"}, "foo": 1})
    assert answer.status == 201
    assert answer.headers["warning"] == '299 - "unknown field \\"foo\\""'


async def test_unknown_field_is_refused_when_strict(server: APIServer) -> None:
    answer = await server.request(
        "POST",
        f"{SECRETS}?fieldValidation=Strict",
        b'{"metadata":{"name":"a"},"foo":1,"data":{"a":"","a":""}}',
    )
    assert answer.status == 400
    assert answer.json["message"] == (
        'Secret in version "v1" cannot be handled as a Secret: strict decoding error: '
        'unknown field "foo", duplicate field "data.a"'
    )
    assert await _stored(server) == 0


async def test_unknown_field_is_silent_when_ignored(server: APIServer) -> None:
    answer = await server.request(
        "POST", f"{SECRETS}?fieldValidation=Ignore", {"metadata": {"name": "a"}, "foo": 1}
    )
    assert answer.status == 201
    assert "warning" not in answer.headers


async def test_unknown_field_validation(server: APIServer) -> None:
    answer = await server.request("POST", f"{SECRETS}?fieldValidation=Loose", {"metadata": {"name": "a"}})
    assert answer.status == 422
    assert 'fieldValidation: Unsupported value: "Loose"' in answer.json["message"]


async def test_cluster_scoped_object_loses_its_namespace(server: APIServer) -> None:
    answer = await server.request("POST", "/api/v1/namespaces", {"metadata": {"name": "n", "namespace": "x"}})
    assert answer.status == 201
    assert "namespace" not in answer.json["metadata"]
    assert answer.json["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    assert answer.json["spec"] == {"finalizers": ["kubernetes"]}
    assert answer.json["status"] == {"phase": "Active"}


async def test_answer_as_yaml_and_as_table(server: APIServer) -> None:
    secret = {"metadata": {"name": "a"}, "data": {"k": "dg=="}}
    yaml = await server.request("POST", SECRETS, secret, headers={"accept": "application/yaml"})
    assert yaml.headers["content-type"] == "application/yaml"
    assert "\ndata:\n  k: dg==\n" in yaml.text
    table = await server.request(
        "POST",
        SECRETS,
        {"metadata": {"name": "b"}},
        headers={"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
    )
    assert table.json["kind"] == "Table"
    assert table.json["rows"][0]["cells"][0] == "b"


async def test_warnings_go_with_a_refusal_too(server: APIServer) -> None:
    pair = {"tls.crt": "x", "tls.key": "y"}
    tls = {"metadata": {"name": "a"}, "type": "kubernetes.io/tls", "stringData": pair}
    assert (await server.request("POST", SECRETS, tls)).status == 201
    taken = await server.request("POST", SECRETS, tls)
    assert taken.status == 409
    assert "failed to find any PEM data" in taken.headers["warning"]

    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
    twice = {"metadata": {"name": "A", "ownerReferences": [owner, owner]}}
    invalid = await server.request("POST", SECRETS, twice)
    assert invalid.status == 422
    assert ".metadata.ownerReferences contains duplicate entries" in invalid.headers["warning"]


async def test_finalizers_of_a_namespace_are_kept_as_they_are_given(server: APIServer) -> None:
    for name, given, kept in (
        ("a", ["kubernetes", "example.com/x"], ["kubernetes", "example.com/x"]),
        ("b", ["kubernetes", "kubernetes"], ["kubernetes", "kubernetes"]),
        ("c", ["example.com/x"], ["example.com/x", "kubernetes"]),
    ):
        body = {"metadata": {"name": name}, "spec": {"finalizers": given}}
        made = await server.request("POST", "/api/v1/namespaces", body)
        assert made.json["spec"]["finalizers"] == kept


async def test_a_dry_run_takes_what_only_the_store_would_refuse(server: APIServer) -> None:
    body = {"metadata": {"name": "a", "resourceVersion": "5"}}
    for query in ("?dryRun=All", "?dryRun=All&dryRun=All"):
        made = await server.request("POST", SECRETS + query, body)
        assert made.status == 201
        assert "resourceVersion" not in made.json["metadata"]
    assert (await server.request("POST", SECRETS, body)).status == 500


async def test_empty_lists_are_stored_as_none(server: APIServer) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    made = await server.request("POST", path, {"metadata": {"name": "a"}, "rules": []})
    assert made.json["rules"] is None
    assert (await server.get(f"{path}/a")).json["rules"] is None
