"""Operations of a resource as OpenAPI tells them."""

from typing import Any

from strongroom.api import openapi_paths, resources
from strongroom.api.strategy import Strategy, Subresource

SECRET = {"group": "", "version": "v1", "kind": "Secret"}


class Secrets(Strategy):
    resource = resources.SECRETS
    singular = "secret"


class Namespaces(Strategy):
    resource = resources.NAMESPACES
    singular = "namespace"
    verbs = ("create", "get", "list", "patch")
    subresources = (Subresource("status", "Namespace", ("get", "patch", "update")),)


class Pods(Strategy):
    resource = resources.PODS
    singular = "pod"
    subresources = (Subresource("eviction", "Eviction", ("create",), "policy", "v1"),)


def paths(strategy: Strategy) -> dict[str, Any]:
    return dict(openapi_paths.paths(strategy))


def test_a_namespaced_resource() -> None:
    assert {path: sorted(set(item) - {"parameters"}) for path, item in paths(Secrets()).items()} == {
        "/api/v1/secrets": ["get"],
        "/api/v1/namespaces/{namespace}/secrets": ["delete", "get", "post"],
        "/api/v1/namespaces/{namespace}/secrets/{name}": ["delete", "get", "patch", "put"],
    }


def test_a_cluster_wide_resource_has_the_verbs_that_it_has() -> None:
    assert {path: sorted(set(item) - {"parameters"}) for path, item in paths(Namespaces()).items()} == {
        "/api/v1/namespaces": ["get", "post"],
        "/api/v1/namespaces/{name}": ["get", "patch"],
        "/api/v1/namespaces/{name}/status": ["get", "patch", "put"],
    }


def test_a_patch_tells_kubectl_that_the_server_validates_fields() -> None:
    patch = paths(Secrets())["/api/v1/namespaces/{namespace}/secrets/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == SECRET
    assert "fieldValidation" in [p["name"] for p in patch["parameters"] if p["in"] == "query"]
    assert list(patch["requestBody"]["content"]) == [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ]


def test_bodies_and_answers_refer_to_schemas() -> None:
    collection = paths(Secrets())["/api/v1/namespaces/{namespace}/secrets"]
    assert schema_of(collection["post"]["requestBody"]) == "io.k8s.api.core.v1.Secret"
    assert schema_of(collection["post"]["responses"]["201"]) == "io.k8s.api.core.v1.Secret"
    assert schema_of(collection["get"]["responses"]["200"]) == "io.k8s.api.core.v1.SecretList"
    assert schema_of(collection["delete"]["responses"]["200"]).endswith("meta.v1.Status")
    assert collection["get"]["x-kubernetes-action"] == "list"
    assert collection["post"]["x-kubernetes-action"] == "post"


def test_a_subresource_has_the_kind_of_its_body() -> None:
    post = paths(Pods())["/api/v1/namespaces/{namespace}/pods/{name}/eviction"]["post"]
    assert post["x-kubernetes-group-version-kind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}
    assert schema_of(post["requestBody"]) == "io.k8s.api.policy.v1.Eviction"


def test_operation_ids_differ() -> None:
    ids = [
        operation["operationId"]
        for strategy in (Secrets(), Namespaces(), Pods())
        for item in paths(strategy).values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(ids) == len(set(ids))


def schema_of(described: dict[str, Any]) -> str:
    reference: str = described["content"]["application/json"]["schema"]["$ref"]
    return reference.removeprefix("#/components/schemas/")
