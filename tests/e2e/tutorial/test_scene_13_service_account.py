"""Scene 13: a Pod that may not pull its image, and one that may, by its ServiceAccount."""

import json

import pytest

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl
from strongroom.testing.registry import Registry

HOST = "registry.cn-zhangjiakou.aliyuncs.com"
IMAGE = f"{HOST}/stree/stree:v1"
ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: imagepull-aliyun-sa
imagePullSecrets:
- name: aliyun-registry
"""
POD = f"""\
apiVersion: v1
kind: Pod
metadata:
  name: stree-serviceaccount
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: stree
    image: {IMAGE}
    imagePullPolicy: Always
"""

pytestmark = pytest.mark.usefixtures("private_registry")


def row(kubectl: Kubectl) -> list[str]:
    return kubectl.ok("get", "pod", "stree-serviceaccount", "--no-headers").split()


def test_without_credentials_the_image_is_not_pulled(kubectl: Kubectl) -> None:
    assert kubectl.ok("create", "-f", "-", stdin=POD) == "pod/stree-serviceaccount created\n"
    expect.until(
        lambda: row(kubectl)[1:3] == ["0/1", "ImagePullBackOff"], timeout=80, what="ImagePullBackOff"
    )
    pulling = f'Pulling image "{IMAGE}"'
    back_off = f'Back-off pulling image "{IMAGE}"'
    told = {("Scheduled", f"Successfully assigned {kubectl.namespace}/stree-serviceaccount to n1")}
    told |= {("Pulling", pulling), ("Failed", "Error: ErrImagePull")}
    told |= {("BackOff", back_off), ("Failed", "Error: ImagePullBackOff")}

    def events() -> list[tuple[str, str, str]]:
        found = kubectl.ok(
            "events", "--for", "pod/stree-serviceaccount", "-ojson"
        )  # nothing when none are there yet
        items = json.loads(found)["items"] if found else []
        return [(each["reason"], each["message"], each["type"]) for each in items]

    expect.until(lambda: told <= {event[:2] for event in events()}, timeout=40, what=f"all of {told}")
    (refused,) = [text for _, text, _ in events() if text.startswith("Failed to pull image")]
    assert refused.startswith(f'Failed to pull image "{IMAGE}": ')
    assert "401 Unauthorized" in refused or "pull access denied" in refused
    assert {kind for reason, _, kind in events() if reason in ("Failed",)} == {"Warning"}
    described = kubectl.ok("describe", "pod", "stree-serviceaccount")
    assert described.index("default-scheduler  Successfully assigned") < described.index(pulling)
    assert "Reason:       ImagePullBackOff" in described


def test_by_the_service_account_it_is(kubectl: Kubectl, private_registry: Registry) -> None:
    name, password = next(iter(private_registry.users.items()))
    flags = (f"--docker-server={HOST}", f"--docker-username={name}", f"--docker-password={password}")
    kubectl.ok("create", "secret", "docker-registry", "aliyun-registry", *flags)
    expect.check(
        kubectl.ok("describe", "secrets"),
        f"""\
Name:         aliyun-registry
Namespace:    {kubectl.namespace}
Labels:       <none>
Annotations:  <none>

Type:  kubernetes.io/dockerconfigjson

Data
====
.dockerconfigjson:  <number> bytes
""",
    )
    created = kubectl.ok("create", "-f", "-", stdin=ACCOUNT)
    assert created == "serviceaccount/imagepull-aliyun-sa created\n"
    expect.check(
        kubectl.ok("get", "sa", "imagepull-aliyun-sa", "-oyaml"),
        f"""\
apiVersion: v1
imagePullSecrets:
- name: aliyun-registry
kind: ServiceAccount
metadata:
  creationTimestamp: "<time>"
  name: imagepull-aliyun-sa
  namespace: {kubectl.namespace}
  resourceVersion: "<number>"
  uid: <uid>
""",
    )
    pod = POD.replace("spec:\n", "spec:\n  serviceAccount: imagepull-aliyun-sa\n")
    assert kubectl.ok("create", "-f", "-", stdin=pod) == "pod/stree-serviceaccount created\n"
    kubectl.ok("wait", "--for=condition=Ready", "pod/stree-serviceaccount", "--timeout=40s")
    assert row(kubectl)[1:4] == ["1/1", "Running", "0"]
    stored = json.loads(kubectl.ok("get", "pod", "stree-serviceaccount", "-ojson"))["spec"]
    assert stored["imagePullSecrets"] == [{"name": "aliyun-registry"}]
    assert stored["serviceAccountName"] == "imagepull-aliyun-sa"
