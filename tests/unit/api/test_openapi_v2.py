"""The Swagger document says what the OpenAPI documents say."""

import json
from typing import Any

import pytest

from strongroom.api import openapi, openapi_v2, resources
from strongroom.api.strategy import Strategy

ITEM = "/api/v1/namespaces/{namespace}/secrets/{name}"


class Secrets(Strategy):
    resource = resources.SECRETS
    singular = "secret"


class Deployments(Strategy):
    resource = resources.DEPLOYMENTS
    singular = "deployment"


API = openapi.OpenAPI([Secrets(), Deployments()])


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(API.v2.body)
    return loaded


def test_all_groups_are_in_one(document: dict[str, Any]) -> None:
    assert document["swagger"] == "2.0"
    assert {ITEM, "/apis/apps/v1/deployments"} <= set(document["paths"])
    assert {"io.k8s.api.core.v1.Secret", "io.k8s.api.apps.v1.Deployment"} <= set(document["definitions"])
    assert "#/components" not in API.v2.body.decode()


def test_made_once_in_either_form() -> None:
    assert API.v2 is API.v2
    assert API.v2_protobuf is API.v2_protobuf
    assert API.v2_protobuf.etag != API.v2.etag


def test_the_kind_and_merge_keys_stay_with_their_schemas(document: dict[str, Any]) -> None:
    secret = document["definitions"]["io.k8s.api.core.v1.Secret"]
    assert secret["x-kubernetes-group-version-kind"] == [{"group": "", "kind": "Secret", "version": "v1"}]
    containers = document["definitions"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["items"] == {"$ref": "#/definitions/io.k8s.api.core.v1.Container"}
    assert containers["x-kubernetes-patch-merge-key"] == "name"


def test_a_patch_says_what_it_consumes_and_that_the_server_validates(document: dict[str, Any]) -> None:
    patch = document["paths"][ITEM]["patch"]
    assert "application/strategic-merge-patch+json" in patch["consumes"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "", "version": "v1", "kind": "Secret"}
    by_name = {each["name"]: each for each in patch["parameters"]}
    assert by_name["fieldValidation"]["in"] == "query" and by_name["fieldValidation"]["type"] == "string"
    assert by_name["body"]["schema"] == {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch"}


def test_bodies_and_answers(document: dict[str, Any]) -> None:
    put = document["paths"][ITEM]["put"]
    reference = {"$ref": "#/definitions/io.k8s.api.core.v1.Secret"}
    assert put["parameters"][0] == {"in": "body", "name": "body", "schema": reference, "required": True}
    assert put["responses"]["200"] == {"description": "OK", "schema": reference}
    assert put["responses"]["401"] == {"description": "Unauthorized"}
    assert put["consumes"] == ["*/*"] and "application/json" in put["produces"]
    assert [each["in"] for each in document["paths"][ITEM]["parameters"]] == ["path", "path", "query"]


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (
            {"allOf": [{"$ref": "#/components/schemas/A"}], "description": "d", "default": {}},
            {"$ref": "#/definitions/A", "description": "d", "default": {}},
        ),
        (
            {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
            {"format": "int-or-string", "type": "string"},
        ),
        (
            {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/A"}},
            {"type": "object", "additionalProperties": {"$ref": "#/definitions/A"}},
        ),
        (
            {"properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}}},
            {"properties": {"items": {"type": "array", "items": {"$ref": "#/definitions/A"}}}},
        ),
    ],
)
def test_schemas(new: dict[str, Any], old: dict[str, Any]) -> None:
    assert openapi_v2.schema(new) == old
