"""A stock kube-apiserver takes over an etcd that Strongroom wrote, and Strongroom one that it wrote.

Runs where a `kube-apiserver` is in PATH.
"""

import base64
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.testing import etcd as etcds
from strongroom.testing import expect, ports
from strongroom.testing.api import API, Access
from strongroom.testing.certificates import TestAuthority
from strongroom.testing.cluster import PROGRAM as OURS
from strongroom.testing.cluster import Cluster
from strongroom.testing.etcd import Etcd

Make = Callable[..., Cluster]
PROGRAM = shutil.which("kube-apiserver")
pytestmark = [
    pytest.mark.skipif(not PROGRAM, reason="needs a kube-apiserver"),
    pytest.mark.skipif(bool(etcds.missing()), reason=etcds.missing()),
]
TOKEN = "token-of-the-test"
PATHS = [
    *(f"/api/v1/{plural}" for plural in ("namespaces", "secrets", "configmaps", "serviceaccounts", "nodes")),
    *(f"/api/v1/{plural}" for plural in ("pods", "services", "endpoints", "resourcequotas")),
    *("/apis/apps/v1/deployments", "/apis/apps/v1/replicasets", "/apis/discovery.k8s.io/v1/endpointslices"),
    *(f"/apis/rbac.authorization.k8s.io/v1/{plural}" for plural in ("roles", "rolebindings")),
]
MANIFEST = """
{kind: Secret, apiVersion: v1, metadata: {name: ours}, stringData: {password: hunter2}}
---
{kind: ConfigMap, apiVersion: v1, metadata: {name: c}, data: {a: b}}
---
{kind: ServiceAccount, apiVersion: v1, metadata: {name: robot}}
---
{kind: Node, apiVersion: v1, metadata: {name: n9}}
---
{kind: Service, apiVersion: v1, metadata: {name: s}, spec: {selector: {app: d}, ports: [{port: 80}]}}
---
{kind: ResourceQuota, apiVersion: v1, metadata: {name: q}, spec: {hard: {secrets: "50"}}}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: d}
spec:
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec:
      containers:
      - {name: c, image: i, env: [{name: P, valueFrom: {secretKeyRef: {name: ours, key: password}}}]}
---
kind: Role
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: r}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: robot, namespace: default}]
"""


@contextmanager
def kube_apiserver(etcd: Etcd, folder: Path, encryption: Path) -> Iterator[Access]:
    assert PROGRAM is not None
    folder.mkdir()
    port, pair = ports.free_port(), TestAuthority(folder / "pki").issue("apiserver")
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
    command = [PROGRAM, "--etcd-servers", f"http://{etcd.members[0].address}", "--secure-port", str(port)]
    command += [
        "--bind-address",
        "127.0.0.1",
        "--advertise-address",
        "127.0.0.1",
        "--authorization-mode",
        "RBAC",
    ]
    command += ["--tls-cert-file", str(pair.certificate), "--tls-private-key-file", str(pair.key)]
    command += ["--service-account-issuer", "https://kubernetes.default.svc.cluster.local"]
    command += [
        "--service-account-signing-key-file",
        str(pair.key),
        "--service-account-key-file",
        str(pair.certificate),
    ]
    command += ["--token-auth-file", str(folder / "tokens.csv"), "--service-cluster-ip-range", "10.96.0.0/16"]
    command += ["--endpoint-reconciler-type", "none", "--encryption-provider-config", str(encryption)]
    command += ["--cert-dir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    trust = ssl.create_default_context(cafile=str(folder / "pki" / "ca.crt"))
    access = Access("127.0.0.1", port, trust, TOKEN)
    try:
        expect.until(lambda: is_ready(access) or process.poll() is not None, timeout=60)
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        yield access
    finally:
        process.terminate()
        process.wait()


def is_ready(access: Access) -> bool:
    try:
        with API(access) as api:
            return api.request("GET", "/readyz").status == 200
    except OSError:
        return False


def content(api: API) -> dict[str, Any]:
    found = {}
    for path in PATHS:
        for each in api.ok("GET", path)["items"]:
            # Kubernetes shows it as null where there is none.
            for condition in each.get("status", {}).get("conditions") or ():
                condition.pop("lastProbeTime", None)
            found[f"{path} {each['metadata'].get('namespace')}/{each['metadata']['name']}"] = each
    return found


@pytest.mark.parametrize("provider", ["aesgcm", "secretbox"])
def test_each_reads_what_the_other_wrote(provider: str, etcd: Etcd, make: Make, tmp_path: Path) -> None:
    config = tmp_path / "encryption.yaml"
    key = {"name": "k", "secret": base64.b64encode(os.urandom(32)).decode()}
    blocks = [{"resources": ["secrets", "configmaps"], "providers": [{provider: {"keys": [key]}}]}]
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    config.write_text(yaml.safe_dump({**head, "resources": blocks}))
    cluster = make(node=False, flags=("--store", etcd.url, "--encryption-config", str(config)))
    cluster.start()
    cluster.kubectl(OURS.parent / "kubectl").ok("apply", "-f", "-", stdin=MANIFEST)
    with API(Access.read(cluster.kubeconfig)) as api:
        expect.until(lambda: len(api.ok("GET", "/api/v1/pods")["items"]) == 1, what="the Deployment's Pod")
        time.sleep(1)  # what controllers still have to do
        ours = content(api)
    assert cluster.stop() == 0
    with kube_apiserver(etcd, tmp_path / "kube", config) as access, API(access) as api:
        read = content(api)
        assert {key: read.get(key) for key in ours} == ours
        namespaced = "/api/v1/namespaces/default"
        secret = api.ok("GET", f"{namespaced}/secrets/ours")
        assert secret["data"] == {"password": base64.b64encode(b"hunter2").decode()}
        api.ok("PUT", f"{namespaced}/secrets/ours", secret | {"data": {"password": "bmV3"}})
        api.ok("POST", f"{namespaced}/secrets", {"metadata": {"name": "theirs"}, "stringData": {"k": "v"}})
        api.ok("POST", f"{namespaced}/configmaps", {"metadata": {"name": "theirs"}, "data": {"k": "v"}})
        api.ok("DELETE", f"{namespaced}/configmaps/c")
        theirs = content(api)
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        again = content(api)
        for name in (
            "secrets",
            "configmaps",
            "serviceaccounts",
            "nodes",
            "deployments",
            "roles",
            "rolebindings",
        ):
            of = {key: each for key, each in theirs.items() if f"/{name} " in key}
            assert {key: again.get(key) for key in of} == of
        assert api.request("GET", f"{namespaced}/configmaps/c").status == 404
        changed = api.ok("GET", f"{namespaced}/secrets/theirs") | {"data": {"k": "bmV3"}}
        assert api.ok("PUT", f"{namespaced}/secrets/theirs", changed)["data"] == {"k": "bmV3"}
    assert cluster.stop() == 0


@pytest.fixture
def etcd() -> Iterator[Etcd]:
    with Etcd() as running:
        yield running
