"""Scene 3's help, and the documents it is made from."""

import json

import pytest

from strongroom.testing.kubectl import Kubectl


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("secret", "Secret", ["stringData", "immutable", "<map[string]string>"]),
        ("pod.spec.imagePullSecrets", "Pod", ["imagePullSecrets", "<[]LocalObjectReference>"]),
        ("pod.spec.containers.imagePullPolicy", "Pod", ["imagePullPolicy", "IfNotPresent", "<string>"]),
        ("serviceaccount.imagePullSecrets", "ServiceAccount", ["imagePullSecrets"]),
    ],
)
def test_explain(kubectl: Kubectl, path: str, kind: str, words: list[str]) -> None:
    shown = kubectl.ok("explain", path)
    assert shown.splitlines()[0].split() == ["KIND:", kind]
    assert all(word in shown for word in words), shown


def test_explain_recursive_and_unknown(kubectl: Kubectl) -> None:
    assert "secretKeyRef" in kubectl.ok("explain", "pod.spec", "--recursive")
    unknown = kubectl("explain", "secret.nothing")
    assert (unknown.code, unknown.stderr) == (1, 'error: field "nothing" does not exist\n')


def test_resources_that_are_served(kubectl: Kubectl) -> None:
    rows = {
        line.split()[0]: line.split() for line in kubectl.ok("api-resources", "--no-headers").splitlines()
    }
    assert rows["secrets"] == ["secrets", "v1", "true", "Secret"]
    assert rows["pods"] == ["pods", "po", "v1", "true", "Pod"]
    assert rows["namespaces"] == ["namespaces", "ns", "v1", "false", "Namespace"]
    assert {"configmaps", "serviceaccounts", "nodes", "events"} <= set(rows)
    assert "v1" in kubectl.ok("api-versions").split()


def test_version(kubectl: Kubectl) -> None:
    versions = json.loads(kubectl.ok("version", "-ojson"))
    assert versions["serverVersion"]["major"] == "1"


def test_discovery_both_ways(kubectl: Kubectl) -> None:
    plain = json.loads(kubectl.ok("get", "--raw", "/api/v1"))
    assert plain["kind"] == "APIResourceList"
    secrets = next(each for each in plain["resources"] if each["name"] == "secrets")
    assert secrets["kind"] == "Secret" and {"get", "list", "watch", "create"} <= set(secrets["verbs"])
