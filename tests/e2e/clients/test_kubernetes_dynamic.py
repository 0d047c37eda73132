"""The official Python client's dynamic face: kinds found by discovery, plain dictionaries in and out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import config, dynamic
from kubernetes.dynamic.exceptions import (
    ConflictError,
    NotFoundError,
    ResourceNotFoundError,
    UnprocessibleEntityError,
)

from strongroom.testing import manifests


@pytest.fixture
def found(kubeconfig: str, tmp_path: Path) -> Iterator[dynamic.DynamicClient]:
    with config.new_client_from_config(kubeconfig) as made:
        yield dynamic.DynamicClient(made, cache_file=str(tmp_path / "discovery"))


def test_kinds_by_discovery(found: dynamic.DynamicClient) -> None:
    secrets = found.resources.get(api_version="v1", kind="Secret")
    assert (secrets.name, secrets.namespaced, secrets.group_version) == ("secrets", True, "v1")
    assert {"get", "list", "watch", "create", "patch", "deletecollection"} <= set(secrets.verbs)
    deployments = found.resources.get(api_version="apps/v1", kind="Deployment")
    assert (deployments.short_names, deployments.categories) == (["deploy"], ["all"])
    assert set(deployments.subresources) == {"status", "scale"}
    with pytest.raises(ResourceNotFoundError):
        found.resources.get(api_version="storage.k8s.io/v1", kind="StorageClass")


def test_the_life_of_an_object(found: dynamic.DynamicClient, namespace: str) -> None:
    secrets = found.resources.get(api_version="v1", kind="Secret")
    made = secrets.create(body=manifests.secret("a", {"k": "v"}), namespace=namespace)
    assert made.data.k == "dg=="
    with pytest.raises(ConflictError):
        secrets.create(body=manifests.secret("a", {}), namespace=namespace)
    with pytest.raises(UnprocessibleEntityError):
        secrets.create(body=manifests.secret("b", {}, type="kubernetes.io/tls"), namespace=namespace)
    patched = secrets.patch(
        name="a",
        namespace=namespace,
        body={"data": {"m": "bQ=="}},
        content_type="application/merge-patch+json",
    )
    assert patched.to_dict()["data"] == {"k": "dg==", "m": "bQ=="}
    applied = secrets.server_side_apply(
        body=manifests.secret("a", {"mine": "x"}), namespace=namespace, field_manager="dynamic"
    )
    assert applied.data.mine == "eA=="
    assert [item.metadata.name for item in secrets.get(namespace=namespace).items] == ["a"]
    for event in secrets.watch(namespace=namespace, timeout=20):
        assert (event["type"], event["object"].metadata.name) == ("ADDED", "a")
        break
    assert secrets.delete(name="a", namespace=namespace).status == "Success"
    with pytest.raises(NotFoundError):
        secrets.get(name="a", namespace=namespace)
