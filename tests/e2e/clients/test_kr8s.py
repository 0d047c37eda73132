"""kr8s, with and without blocking: objects that keep themselves up to date, waits, labels, watches."""

import http.client
from typing import Any

import kr8s
import kr8s.asyncio
import pytest
from kr8s.asyncio.objects import Secret as AsyncSecret
from kr8s.objects import Deployment, Pod, Secret

from strongroom.testing import manifests

WAIT = 40
pytestmark = pytest.mark.filterwarnings("ignore:Kubernetes version:UserWarning")


@pytest.fixture
def kube(kubeconfig: str) -> Any:
    return kr8s.api(kubeconfig=kubeconfig)


def test_the_life_of_a_secret(kube: Any, namespace: str) -> None:
    secret = Secret(manifests.secret("a", {"k": "v"}), api=kube)
    assert not secret.exists()
    secret.create()
    assert (secret.exists(), secret.raw.data, secret.namespace) == (True, {"k": "dg=="}, namespace)
    secret.label({"tier": "gold"})
    secret.annotate({"note": "here"})
    secret.patch({"data": {"m": "bQ=="}})
    secret.patch([{"op": "remove", "path": "/data/k"}], type="json")
    again = Secret.get("a", api=kube)
    assert (again.labels, again.annotations, again.raw.data) == (
        {"tier": "gold"},
        {"note": "here"},
        {"m": "bQ=="},
    )
    again.remove_label("tier")
    secret.refresh()
    assert "tier" not in secret.labels
    with pytest.raises(kr8s.ServerError) as refused:
        Secret(manifests.secret("a", {}), api=kube).create()
    assert refused.value.status["reason"] == "AlreadyExists"
    secret.delete()
    secret.wait("delete", timeout=WAIT)
    with pytest.raises(kr8s.NotFoundError):
        Secret.get("a", api=kube)


def test_kinds_by_discovery(kube: Any) -> None:
    assert kube.version()["gitVersion"].startswith("v1.36.")
    assert kube.whoami() == "kubernetes-admin"
    assert kube.lookup_kind("deploy.apps") == ("deployment.apps/v1", "deployments", True)
    assert {"v1", "apps/v1", "rbac.authorization.k8s.io/v1"} <= set(kube.api_versions())
    assert "secrets" in [resource["name"] for resource in kube.api_resources()]


def test_selectors_and_watches(kube: Any, namespace: str) -> None:
    for name, labels in (("a", {"tier": "gold"}), ("b", {}), ("c", {"tier": "gold"})):
        Secret({"metadata": {"name": name, "labels": labels}}, api=kube).create()

    def names(**options: Any) -> list[str]:
        return [found.name for found in kube.get("secrets", **options)]

    assert names(label_selector="tier=gold") == ["a", "c"]
    assert names(field_selector="metadata.name=b") == ["b"]
    assert set(names(namespace=kr8s.ALL, label_selector={"tier": "gold"})) >= {"a", "c"}
    seen = []
    for kind, found in kube.watch("secrets", namespace=namespace):
        seen.append((kind, found.name))
        if found.name == "c" and kind == "ADDED":
            found.delete()
        if kind == "DELETED":
            break
    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c"), ("DELETED", "c")]


def test_scale(kube: Any) -> None:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "nginx:1.17.1"}]},
    }
    spec = {"paused": True, "replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    deployment = Deployment({"metadata": {"name": "web"}, "spec": spec}, api=kube)
    deployment.create()
    deployment.scale(2)
    assert Deployment.get("web", api=kube).replicas == 2
    deployment.delete(propagation_policy="Background")


def test_a_pod(kube: Any) -> None:
    pod = Pod(manifests.pod("p"), api=kube)
    pod.create()
    pod.wait("condition=Ready", timeout=WAIT)
    assert pod.ready()
    assert list(pod.logs()) == ["nginx: ready for start up"]
    done = pod.exec(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)
    pod.exec(["sh", "-c", "until wget -q -O /dev/null 127.0.0.1; do sleep 0.1; done"])
    with pod.portforward(80, local_port="auto") as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
    pod.delete(grace_period=1)
    pod.wait("delete", timeout=WAIT)


async def test_without_blocking(kubeconfig: str) -> None:
    kube = await kr8s.asyncio.api(kubeconfig=kubeconfig)
    secret = await AsyncSecret(manifests.secret("a", {"k": "v"}), api=kube)
    await secret.create()
    assert [found.name async for found in kube.get("secrets")] == ["a"]
    async for kind, found in kube.watch("secrets"):
        assert (kind, found.name) == ("ADDED", "a")
        break
    await secret.delete()
    await secret.wait("delete", timeout=WAIT)
