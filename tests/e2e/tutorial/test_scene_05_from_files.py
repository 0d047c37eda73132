"""Scene 5: a Secret from files, which give it its keys."""

from pathlib import Path

import pytest

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with username.txt and password.txt."""
    (tmp_path / "username.txt").write_text("root")
    (tmp_path / "password.txt").write_text("ikubernetes")
    return tmp_path


def test_files_name_the_keys(kubectl: Kubectl, files: Path) -> None:
    sources = ("--from-file=./username.txt", "--from-file=./password.txt")
    created = kubectl.ok("create", "secret", "generic", "mysql-auth", *sources, cwd=files)
    assert created == "secret/mysql-auth created\n"
    expect.check(
        kubectl.ok("get", "secret", "mysql-auth", "-oyaml"),
        f"""\
apiVersion: v1
data:
  password.txt: aWt1YmVybmV0ZXM=
  username.txt: cm9vdA==
kind: Secret
metadata:
  creationTimestamp: "<time>"
  name: mysql-auth
  namespace: {kubectl.namespace}
  resourceVersion: "<number>"
  uid: <uid>
type: Opaque
""",
    )
    expect.check(
        expect.sorted_after(kubectl.ok("describe", "secret", "mysql-auth"), "===="),
        f"""\
Name:         mysql-auth
Namespace:    {kubectl.namespace}
Labels:       <none>
Annotations:  <none>

Type:  Opaque

Data
====
password.txt:  11 bytes
username.txt:  4 bytes
""",
    )


def test_a_given_key_and_a_whole_directory(kubectl: Kubectl, files: Path) -> None:
    kubectl.ok("create", "secret", "generic", "one", "--from-file=user=username.txt", cwd=files)
    assert kubectl.ok("get", "secret", "one", "-ojsonpath={.data}") == '{"user":"cm9vdA=="}'
    kubectl.ok("create", "secret", "generic", "all", "--from-file=.", cwd=files)
    shown = kubectl.ok("get", "secret", "all", "-ogo-template={{range $k, $v := .data}}{{$k}} {{end}}")
    assert shown == "password.txt username.txt "


def test_a_file_that_is_not_there(latest: Kubectl, files: Path) -> None:
    shown = latest.fails("create", "secret", "generic", "a", "--from-file=./absent.txt", cwd=files)
    assert shown.startswith("error: error reading ./absent.txt: no such file or directory")
    assert latest.ok("get", "secrets", "-oname") == ""
