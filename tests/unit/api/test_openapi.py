"""The documents of `/openapi/v3`: what kubectl looks for in them."""

import hashlib
import json
import re
from typing import Any

from strongroom.api import openapi, resources
from strongroom.api.strategy import Strategy, Subresource
from strongroom.machinery.gvk import Resource


class Secrets(Strategy):
    resource = resources.SECRETS
    singular = "secret"


class Pods(Strategy):
    resource = resources.PODS
    singular = "pod"
    returns_deleted = True
    subresources = (Subresource("eviction", "Eviction", ("create",), "policy", "v1"),)


class Roles(Strategy):
    resource = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
    singular = "clusterrole"


API = openapi.OpenAPI([Secrets(), Pods(), Roles()])


def document(path: str) -> dict[str, Any]:
    found = API.document(path)
    assert found is not None
    loaded: dict[str, Any] = json.loads(found.body)
    return loaded


def test_the_index_names_each_document_with_the_hash_of_its_bytes() -> None:
    paths = json.loads(API.index.body)["paths"]
    assert sorted(paths) == ["api/v1", "apis/rbac.authorization.k8s.io/v1"]
    for path, entry in paths.items():
        found = API.document(path)
        assert found is not None
        digest = hashlib.sha512(found.body).hexdigest().upper()
        assert entry == {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
        assert (found.hash, found.etag) == (digest, f'"{digest}"')


def test_documents_are_made_once_and_equal_each_time() -> None:
    assert API.document("api/v1") is API.document("api/v1")
    again = openapi.OpenAPI([Secrets(), Pods(), Roles()])
    assert again.index == API.index


def test_nothing_is_served_elsewhere() -> None:
    assert API.document("apis/apps/v1") is None


def test_every_reference_has_its_schema() -> None:
    found = API.document("api/v1")
    assert found is not None
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', found.body.decode()))
    schemas = json.loads(found.body)["components"]["schemas"]
    assert names <= set(schemas)
    assert "io.k8s.api.core.v1.Secret" in schemas
    assert "io.k8s.api.core.v1.SecretList" in schemas
    assert "io.k8s.api.rbac.v1.ClusterRole" not in schemas
