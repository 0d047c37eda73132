"""Deployments and ReplicaSets, as objects: what kubectl reads of them and changes in them."""

import json
from typing import Any

import pytest

from strongroom.testing.kubectl import Kubectl


def stored(kubectl: Kubectl, kind: str = "deployment") -> Any:
    return json.loads(kubectl.ok("get", kind, "web", "-ojson"))


@pytest.fixture
def one(kubectl: Kubectl) -> Kubectl:
    """A namespace with the deployment `web`, which no one acts upon: it is paused, and has no replicas."""
    manifest = kubectl.ok(
        "create", "deployment", "web", "--image=nginx:1", "--replicas=0", "--dry-run=client", "-ojson"
    )
    deployment = json.loads(manifest)
    deployment["spec"]["paused"] = True
    assert kubectl.ok("apply", "-f", "-", stdin=json.dumps(deployment)) == "deployment.apps/web created\n"
    return kubectl


def test_columns(one: Kubectl) -> None:
    header, row = one.ok("get", "deploy", "-owide").splitlines()
    assert header.split() == [
        "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"
    ]  # fmt: skip
    cells = row.split()
    assert [*cells[:4], *cells[5:]] == ["web", "0/0", "0", "0", "nginx", "nginx:1", "app=web"]
    assert "deployment.apps/web" in one.ok("get", "all")


def test_scale(one: Kubectl) -> None:
    assert one.ok("scale", "deployment", "web", "--replicas=3") == "deployment.apps/web scaled\n"
    assert stored(one)["spec"]["replicas"] == 3
    assert one.fails("scale", "deployment", "web", "--current-replicas=1", "--replicas=2") == (
        "error: Expected replicas to be 1, was 3\n"
    )
    header, row = one.ok("get", "deployment", "web", "--subresource=scale").splitlines()
    assert header.split() == ["NAME", "DESIRED", "AVAILABLE", "AGE"]
    assert row.split()[:2] == ["web", "3"]


def test_changes_to_the_template(one: Kubectl) -> None:
    generation = stored(one)["metadata"]["generation"]
    assert one.ok("set", "image", "deployment/web", "nginx=nginx:2") == "deployment.apps/web image updated\n"
    one.ok("set", "env", "deployment/web", "MODE=test")
    one.ok("set", "resources", "deployment/web", "--limits=cpu=500m,memory=64Mi")
    container = stored(one)["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["env"]) == ("nginx:2", [{"name": "MODE", "value": "test"}])
    assert container["resources"] == {"limits": {"cpu": "500m", "memory": "64Mi"}}
    assert stored(one)["metadata"]["generation"] == generation + 3
    described = one.ok("describe", "deployment", "web")
    assert "RollingUpdateStrategy:  25% max unavailable, 25% max surge" in described


def test_pause_and_resume(one: Kubectl) -> None:
    assert one.ok("rollout", "resume", "deployment/web") == "deployment.apps/web resumed\n"
    assert "paused" not in stored(one)["spec"]
    assert one.ok("rollout", "pause", "deployment/web") == "deployment.apps/web paused\n"
    assert stored(one)["spec"]["paused"] is True


def test_the_selector_stays(one: Kubectl) -> None:
    patch = '{"spec":{"selector":{"matchLabels":{"x":"y"}}}}'
    assert one.fails("patch", "deployment", "web", "-p", patch) == (
        'The Deployment "web" is invalid: \n'
        '* spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template '
        "`labels`\n"
        '* spec.selector: Invalid value: {"matchLabels":{"app":"web","x":"y"}}: field is immutable\n'
    )


def test_another_strategy(one: Kubectl) -> None:
    assert "may not be specified when strategy `type` is 'Recreate'" in one.fails(
        "patch", "deployment", "web", "-p", '{"spec":{"strategy":{"type":"Recreate"}}}'
    )
    patch = '{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}'
    assert one.ok("patch", "deployment", "web", "-p", patch) == "deployment.apps/web patched\n"
    assert stored(one)["spec"]["strategy"] == {"type": "Recreate"}


def test_a_replica_set_of_ones_own(kubectl: Kubectl) -> None:
    manifest = {
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "nginx:1"}]},
            },
        },
    }
    assert kubectl.ok("create", "-f", "-", stdin=json.dumps(manifest)) == "replicaset.apps/web created\n"
    header, row = kubectl.ok("get", "rs").splitlines()
    assert header.split() == ["NAME", "DESIRED", "CURRENT", "READY", "AGE"]
    assert row.split()[:4] == ["web", "0", "0", "0"]
    assert stored(kubectl, "rs")["status"]["replicas"] == 0
    assert "Pods Status:" in kubectl.ok("describe", "rs", "web")
    assert "replicaset.apps" in kubectl.ok("delete", "rs", "web")
