"""lightkube: typed and generic resources, apply, patch, watch and wait; its asynchronous face too."""

from collections.abc import Iterator

import pytest
from lightkube import ApiError, AsyncClient, Client, KubeConfig, codecs, operators
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.rbac_v1 import PolicyRule
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod, Secret, ServiceAccount
from lightkube.resources.rbac_authorization_v1 import Role
from lightkube.types import CascadeType, PatchType

from strongroom.testing import manifests

PARTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: hello}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: runner
      containers: [{name: c, image: "nginx:1.17.1"}]
"""


@pytest.fixture
def kube(kubeconfig: str, namespace: str) -> Iterator[Client]:
    with Client(KubeConfig.from_file(kubeconfig), namespace=namespace, field_manager="tests") as made:
        yield made


def secret(name: str, **fields: object) -> Secret:
    return Secret(metadata=ObjectMeta(name=name), stringData={"k": "v"}, **fields)


def test_the_life_of_a_secret(kube: Client) -> None:
    made = kube.create(secret("a"))
    assert (made.type, made.data, made.stringData) == ("Opaque", {"k": "dg=="}, None)
    made.data["more"] = "eA=="
    assert kube.replace(made).data == {"k": "dg==", "more": "eA=="}
    with pytest.raises(ApiError) as stale:
        kube.replace(made)
    assert (stale.value.status.code, stale.value.status.reason) == (409, "Conflict")
    with pytest.raises(ApiError) as invalid:
        kube.create(secret("b", type="kubernetes.io/tls"))
    causes = invalid.value.status.details.causes
    assert [(cause.reason, cause.field) for cause in causes] == [
        ("FieldValueRequired", "data[tls.crt]"),
        ("FieldValueRequired", "data[tls.key]"),
    ]
    kube.delete(Secret, "a", cascade=CascadeType.BACKGROUND)
    with pytest.raises(ApiError) as missing:
        kube.get(Secret, "a")
    assert missing.value.status.message == 'secrets "a" not found'


def test_apply_and_patch(kube: Client, kubeconfig: str, namespace: str) -> None:
    typed = Secret(apiVersion="v1", kind="Secret", metadata=ObjectMeta(name="a"), data={"k": "dg=="})
    assert kube.apply(typed).metadata.managedFields[0].manager == "tests"
    other = Client(KubeConfig.from_file(kubeconfig), namespace=namespace, field_manager="other")
    typed.data = {"k": "eA=="}
    with pytest.raises(ApiError) as refused:
        other.apply(typed)
    assert refused.value.status.details.causes[0].message == 'conflict with "tests"'
    assert other.apply(typed, force=True).data == {"k": "eA=="}

    assert kube.patch(Secret, "a", {"data": {"m": "bQ=="}}, patch_type=PatchType.MERGE).data["m"] == "bQ=="
    remove = [{"op": "remove", "path": "/data/m"}]
    assert kube.patch(Secret, "a", remove, patch_type=PatchType.JSON).data == {"k": "eA=="}
    assert kube.patch(Secret, "a", {"data": {"s": "cw=="}}).data["s"] == "cw=="


def test_a_file_of_parts(kube: Client, namespace: str) -> None:
    kinds = [kube.apply(part).kind for part in codecs.load_all_yaml(PARTS)]
    assert kinds == ["ConfigMap", "ServiceAccount", "Deployment"]
    assert kube.get(Deployment, "web").spec.strategy.type == "RollingUpdate"
    assert kube.get(Deployment.Scale, "web").status.replicas == 0
    generic = create_namespaced_resource("apps", "v1", "Deployment", "deployments")
    assert [found.metadata.name for found in kube.list(generic)] == ["web"]
    rule = PolicyRule(apiGroups=[""], resources=["secrets"], verbs=["get"])
    assert kube.create(Role(metadata=ObjectMeta(name="r"), rules=[rule])).rules == [rule]
    assert kube.get(ServiceAccount, "runner").metadata.namespace == namespace
    kube.deletecollection(ConfigMap)
    assert "settings" not in [found.metadata.name for found in kube.list(ConfigMap)]


def test_lists_in_pages_and_by_label(kube: Client) -> None:
    for number in range(5):
        labels = {"odd": "yes"} if number % 2 else {}
        kube.create(Secret(metadata=ObjectMeta(name=f"s{number}", labels=labels)))
    assert [found.metadata.name for found in kube.list(Secret, chunk_size=2)] == [f"s{n}" for n in range(5)]

    def names(**labels: object) -> list[str]:
        return [found.metadata.name for found in kube.list(Secret, labels=labels)]

    assert names(odd="yes") == ["s1", "s3"]
    assert names(odd=operators.not_exists()) == ["s0", "s2", "s4"]
    assert names(odd=operators.in_(["yes", "no"])) == ["s1", "s3"]
    assert [found.metadata.name for found in kube.list(Secret, fields={"metadata.name": "s2"})] == ["s2"]


def test_watch(kube: Client) -> None:
    kube.create(secret("a"))
    seen = []
    for kind, obj in kube.watch(Secret):
        seen.append((kind, obj.metadata.name))
        if len(seen) == 1:
            kube.patch(Secret, "a", {"data": {"m": "bQ=="}})
            kube.delete(Secret, "a")
        if kind == "DELETED":
            break
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_a_pod(kube: Client) -> None:
    kube.create(codecs.from_dict(manifests.pod("p")))
    assert kube.wait(Pod, "p", for_conditions=["Ready"]).status.phase == "Running"
    assert list(kube.log("p")) == ["nginx: ready for start up\n"]
    script = "cat; echo err >&2; exit 3"
    done = kube.exec("p", command=["sh", "-c", script], stdin="in\n", stdout=True, stderr=True, timeout=30)
    assert (done.stdout, done.stderr, done.exit_code) == ("in\n", "err\n", 3)


async def test_without_blocking(kubeconfig: str, namespace: str) -> None:
    async with AsyncClient(KubeConfig.from_file(kubeconfig), namespace=namespace) as kube:
        await kube.create(secret("a"))
        async for kind, obj in kube.watch(Secret):
            assert (kind, obj.metadata.name) == ("ADDED", "a")
            break
        assert [found.metadata.name async for found in kube.list(Secret)] == ["a"]
