"""Scene 7: Secrets from manifests: data, stringData, the default type, create and apply."""

import base64
import json
from pathlib import Path
from typing import Any

from strongroom.testing.kubectl import Kubectl

DATA = """\
apiVersion: v1
kind: Secret
metadata:
  name: secret-demo
data:
  username: cm9vdA==
  password: aWt1YmVybmV0ZXM=
"""
STRING_DATA = """\
apiVersion: v1
kind: Secret
metadata:
  name: secret-stringdata-demo
stringData:
  username: admin
  password: s3cr3t
data:
  username: cm9vdA==
type: Opaque
"""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def stored(kubectl: Kubectl, name: str) -> Any:
    return json.loads(kubectl.ok("get", "secret", name, "-o", "json"))


def decoded(secret: Any) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_create_from_a_file_with_data_and_no_type(kubectl: Kubectl, tmp_path: Path) -> None:
    file = tmp_path / "secret-demo.yaml"
    file.write_text(DATA)
    assert kubectl.ok("create", "-f", file) == "secret/secret-demo created\n"
    secret = stored(kubectl, "secret-demo")
    assert secret["type"] == "Opaque"
    assert decoded(secret) == {"username": "root", "password": "ikubernetes"}
    assert "annotations" not in secret["metadata"]


def test_apply_string_data_is_merged_over_data_and_never_given_back(kubectl: Kubectl, tmp_path: Path) -> None:
    file = tmp_path / "secret-stringdata-demo.yaml"
    file.write_text(STRING_DATA)
    assert kubectl.ok("apply", "-f", file) == "secret/secret-stringdata-demo created\n"
    secret = stored(kubectl, "secret-stringdata-demo")
    assert decoded(secret) == {"username": "admin", "password": "s3cr3t"}
    assert "stringData" not in secret


def test_the_last_applied_annotation_carries_what_was_applied(kubectl: Kubectl, tmp_path: Path) -> None:
    file = tmp_path / "secret-stringdata-demo.yaml"
    file.write_text(STRING_DATA)
    kubectl.ok("apply", "-f", file)
    annotation = stored(kubectl, "secret-stringdata-demo")["metadata"]["annotations"][LAST_APPLIED]
    assert annotation == (
        '{"apiVersion":"v1","data":{"username":"cm9vdA=="},"kind":"Secret","metadata":{"annotations":{},'
        f'"name":"secret-stringdata-demo","namespace":"{kubectl.namespace}"}},'
        '"stringData":{"password":"s3cr3t","username":"admin"},"type":"Opaque"}\n'
    )


def test_apply_again_says_what_it_did(kubectl: Kubectl, tmp_path: Path) -> None:
    file = tmp_path / "secret-demo.yaml"
    file.write_text(DATA)
    assert kubectl.ok("apply", "-f", file) == "secret/secret-demo created\n"
    assert kubectl.ok("apply", "-f", file) == "secret/secret-demo unchanged\n"
    file.write_text(DATA.replace("aWt1YmVybmV0ZXM=", "bmV3").replace("  username: cm9vdA==\n", ""))
    assert kubectl.ok("apply", "-f", file) == "secret/secret-demo configured\n"
    assert decoded(stored(kubectl, "secret-demo")) == {"password": "new"}
