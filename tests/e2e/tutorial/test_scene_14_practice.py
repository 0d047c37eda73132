"""Scene 14: the whole way in a namespace of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import expect
from strongroom.testing.api import API
from strongroom.testing.kubectl import Kubectl

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: secret
  namespace: dev
type: Opaque
data:
  username: YWRtaW4=
  password: MTIzNDU2
"""
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: pod-secret
  namespace: dev
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: nginx
    image: nginx:1.17.1
    volumeMounts:
    - name: config
      mountPath: /secret/config
  volumes:
  - name: config
    secret:
      secretName: secret
"""


@pytest.fixture
def dev(kubectl: Kubectl, api: API) -> Iterator[None]:
    assert kubectl.ok("create", "namespace", "dev") == "namespace/dev created\n"
    yield
    api.request("DELETE", "/api/v1/namespaces/dev")
    expect.until(
        lambda: api.request("GET", "/api/v1/namespaces/dev").status == 404, what="namespace dev is gone"
    )


@pytest.mark.usefixtures("dev")
def test_practice(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(SECRET)
    assert kubectl.ok("create", "-f", "secret.yaml", cwd=tmp_path) == "secret/secret created\n"
    expect.check(
        expect.sorted_after(kubectl.ok("describe", "secret", "secret", "-n", "dev"), "===="),
        """\
Name:         secret
Namespace:    dev
Labels:       <none>
Annotations:  <none>

Type:  Opaque

Data
====
password:  6 bytes
username:  5 bytes
""",
    )
    (tmp_path / "pod-secret.yaml").write_text(POD)
    assert kubectl.ok("create", "-f", "pod-secret.yaml", cwd=tmp_path) == "pod/pod-secret created\n"
    kubectl.ok("wait", "--for=condition=Ready", "pod/pod-secret", "-n", "dev", "--timeout=40s")
    expect.check(
        kubectl.ok("get", "pod", "pod-secret", "-n", "dev"),
        """\
NAME         READY   STATUS    RESTARTS   AGE
pod-secret   1/1     Running   0          <age>
""",
    )
    # The tutorial leaves out the two dashes; no supported version of kubectl takes that any more.
    session = kubectl.on_terminal(
        ["exec", "-it", "pod-secret", "-n", "dev", "--", "/bin/sh"],
        typed="cd /secret/config; ls; more username; echo; more password; echo\nexit\n",
    )
    assert session.code == 0, str(session)
    words = session.stdout.split()
    assert {"password", "username", "admin", "123456"} <= set(words), str(session)
