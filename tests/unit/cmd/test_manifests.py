"""What of an object goes to another cluster."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.cmd import manifests


def secret(**fields: Any) -> dict[str, Any]:
    metadata = {
        "name": "a",
        "namespace": "n",
        "uid": "u",
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{}],
        "ownerReferences": [{}],
        "labels": {"x": "y"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "value", "mine": "1"},
    }
    return {"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": {"k": "dg=="}, **fields}


def test_what_belongs_to_one_cluster_stays_there() -> None:
    made = manifests.exported(resources.SECRETS, secret(type="Opaque", status={}), values=True)
    assert made == {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "a", "namespace": "n", "labels": {"x": "y"}, "annotations": {"mine": "1"}},
        "data": {"k": "dg=="},
        "type": "Opaque",
    }


def test_without_values_there_are_none_and_it_says_so() -> None:
    given = secret()
    made = manifests.exported(resources.SECRETS, given, values=False)
    assert made["data"] == {"k": ""} and given["data"] == {"k": "dg=="}
    assert made["metadata"]["annotations"] == {"mine": "1", manifests.WITHHELD: "withheld"}
    assert "dg==" not in str(made) and "value'" not in str(made["metadata"]["annotations"].get("mine"))


@pytest.mark.parametrize(
    ("of", "obj", "moved"),
    [
        (resources.SECRETS, secret(), True),
        (resources.SECRETS, secret(type="kubernetes.io/service-account-token"), False),
        (resources.SECRETS, secret(type="kubernetes.io/dockerconfigjson"), True),
        (resources.CONFIG_MAPS, {"metadata": {"name": "kube-root-ca.crt"}}, False),
        (resources.CONFIG_MAPS, {"metadata": {"name": "mine"}}, True),
        (resources.NAMESPACES, {"metadata": {"name": "kube-system"}}, False),
        (resources.NAMESPACES, {"metadata": {"name": "prod"}}, True),
        (resources.SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, False),
        (
            resources.SERVICE_ACCOUNTS,
            {"metadata": {"name": "default"}, "imagePullSecrets": [{"name": "registry"}]},
            True,
        ),
    ],
)
def test_what_each_cluster_makes_itself_is_not_moved(of: Any, obj: dict[str, Any], moved: bool) -> None:
    assert manifests.is_moved(of, obj) is moved


def test_lists_are_taken_apart_and_empty_documents_left_out() -> None:
    listed = {"kind": "List", "apiVersion": "v1", "items": [secret(), secret()]}
    assert len(list(manifests.objects([None, listed, secret()]))) == 3
    for wrong in ("text", {"kind": "Secret"}, {"kind": "Secret", "metadata": {"name": "a"}}, {"items": [3]}):
        with pytest.raises(ValueError, match="document 2"):
            list(manifests.objects([secret(), wrong]))


@pytest.mark.parametrize("name", ["secrets", "Secret", "roles", "roles.rbac.authorization.k8s.io"])
def test_resources_are_known_by_their_names(name: str) -> None:
    assert manifests.resource(name).plural == name.lower().split(".")[0].rstrip("s") + "s"
    with pytest.raises(KeyError):
        manifests.resource("widgets")
