"""What reviews are sent back as, and how they are refused: as Kubernetes 1.36 was seen to answer."""

import pytest

from strongroom.testing.api_server import APIServer

AUTHENTICATION, AUTHORIZATION = "/apis/authentication.k8s.io/v1", "/apis/authorization.k8s.io/v1"
LOCAL = f"{AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
PATH = {"nonResourceAttributes": {"path": "/", "verb": "get"}}
HERE = {"user": "u", "resourceAttributes": {"namespace": "default", "verb": "get"}}


def entry(version: str, fields: object, **more: str) -> dict[str, object]:
    return {
        "manager": "unknown",
        "operation": "Update",
        "apiVersion": version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


@pytest.mark.parametrize(
    ("path", "spec", "fields"),
    [
        (
            f"{AUTHENTICATION}/tokenreviews",
            {"token": "t", "audiences": ["a"]},
            {"f:audiences": {}, "f:token": {}},
        ),
        (
            f"{AUTHORIZATION}/selfsubjectaccessreviews",
            PATH,
            {"f:nonResourceAttributes": {".": {}, "f:path": {}, "f:verb": {}}},
        ),
        (
            f"{AUTHORIZATION}/subjectaccessreviews",
            {"groups": ["g"], **PATH},
            {"f:groups": {}, "f:nonResourceAttributes": {".": {}, "f:path": {}, "f:verb": {}}},
        ),
        (
            LOCAL,
            HERE,
            {"f:resourceAttributes": {".": {}, "f:namespace": {}, "f:verb": {}}, "f:user": {}},
        ),
    ],
)
async def test_reviews_name_who_asks(server: APIServer, path: str, spec: object, fields: object) -> None:
    answer = (await server.request("POST", path, {"spec": spec})).json
    managed = answer["metadata"]["managedFields"]
    assert managed[0].pop("time")
    assert managed == [entry(answer["apiVersion"], {"f:spec": fields})]
    assert answer["spec"] == spec


async def test_a_token_request_names_who_asks_and_the_account(server: APIServer) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    account = (await server.request("POST", accounts, {"metadata": {"name": "a"}})).json["metadata"]
    body = {"metadata": {"labels": {"x": "y"}}, "spec": {"audiences": ["aud"]}}
    metadata = (await server.request("POST", f"{accounts}/a/token", body)).json["metadata"]
    managed = metadata.pop("managedFields")
    assert managed[0].pop("time") == metadata.pop("creationTimestamp")
    assert metadata == {
        "name": "a",
        "namespace": "default",
        "uid": account["uid"],
        "labels": {"x": "y"},
    }
    fields = {
        "f:metadata": {"f:labels": {".": {}, "f:x": {}}},
        "f:spec": {"f:audiences": {}, "f:expirationSeconds": {}},
    }
    assert managed == [entry("authentication.k8s.io/v1", fields, subresource="token")]


async def test_reviews_of_oneself_give_nothing_back_of_what_was_asked(server: APIServer) -> None:
    body = {"metadata": {"name": "x"}, "spec": {"namespace": "default"}}
    rules = (await server.request("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", body)).json
    assert (rules["metadata"], rules["spec"]) == ({}, {})
    me = (
        await server.request("POST", f"{AUTHENTICATION}/selfsubjectreviews", {"metadata": {"name": "x"}})
    ).json
    assert list(me["metadata"]) == ["creationTimestamp"]


@pytest.mark.parametrize(
    ("path", "spec", "shown", "text"),
    [
        (f"{AUTHORIZATION}/selfsubjectaccessreviews", PATH, '{"name":"x","managedFields":[', "must be empty"),
        (
            LOCAL,
            HERE,
            '{"name":"x","namespace":"default","managedFields":[',
            "must be empty except for namespace",
        ),
    ],
)
async def test_access_reviews_have_no_metadata(
    server: APIServer, path: str, spec: object, shown: str, text: str
) -> None:
    answer = await server.request("POST", path, {"metadata": {"name": "x"}, "spec": spec})
    assert answer.status == 422
    message = answer.json["message"]
    assert message.startswith(f'.authorization.k8s.io "" is invalid: metadata: Invalid value: {shown}')
    assert message.endswith(f"]}}: {text}")
    assert answer.json["details"]["group"] == "authorization.k8s.io"
    assert "kind" not in answer.json["details"]


async def test_a_namespace_of_a_kind_that_has_none_is_dropped(server: APIServer) -> None:
    body = {"metadata": {"namespace": "x"}, "spec": {"token": "t"}}
    answer = await server.request("POST", f"{AUTHENTICATION}/tokenreviews", body)
    assert answer.status == 201
    assert "namespace" not in answer.json["metadata"]
    assert answer.json["status"] == {"user": {}, "error": "invalid bearer token"}
