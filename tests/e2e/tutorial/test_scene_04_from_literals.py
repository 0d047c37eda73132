"""Scene 4: a Secret from literals, seen as a row, as YAML and decoded."""

import base64

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl


def test_create_get_and_decode(kubectl: Kubectl) -> None:
    created = kubectl.ok(
        "create",
        "secret",
        "generic",
        "mysql-auth-secret",
        "--from-literal=username=root",
        "--from-literal=password=ikubernetes",
    )
    assert created == "secret/mysql-auth-secret created\n"

    expect.check(
        kubectl.ok("get", "secrets", "mysql-auth-secret"),
        """\
NAME                TYPE     DATA   AGE
mysql-auth-secret   Opaque   2      <age>
""",
    )
    shown = kubectl.ok("get", "secrets", "mysql-auth-secret", "-oyaml")
    expect.check(
        shown,
        f"""\
apiVersion: v1
data:
  password: aWt1YmVybmV0ZXM=
  username: cm9vdA==
kind: Secret
metadata:
  creationTimestamp: "<time>"
  name: mysql-auth-secret
  namespace: {kubectl.namespace}
  resourceVersion: "<number>"
  uid: <uid>
type: Opaque
""",
    )
    password = kubectl.ok("get", "secret", "mysql-auth-secret", "-o", "jsonpath={.data.password}")
    assert base64.b64decode(password) == b"ikubernetes"
