"""kubectl 1.35, between the oldest and the newest that the other tests drive: the verbs of every day."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing import cluster as clusters
from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl

BINARY = Path(__file__).resolve().parents[3] / ".tools" / "kubectl-1.35" / "kubectl"


@pytest.fixture
def between(cluster: clusters.Cluster, namespace: str) -> Kubectl:
    if not BINARY.exists():
        pytest.skip("no kubectl 1.35 on this machine: scripts/test-tools")
    return cluster.kubectl(BINARY, namespace)


def stored(kubectl: Kubectl, name: str) -> Any:
    return json.loads(kubectl.ok("get", name, "-ojson"))


def test_the_life_of_a_secret(between: Kubectl) -> None:
    created = between.ok("create", "secret", "generic", "s", "--from-literal=user=admin")
    assert created == "secret/s created\n"
    header, row = between.ok("get", "secret", "s").splitlines()
    assert header.split() == ["NAME", "TYPE", "DATA", "AGE"]
    assert row.split()[:3] == ["s", "Opaque", "1"]
    assert "user:  5 bytes" in between.ok("describe", "secret", "s")
    assert between.ok("patch", "secret", "s", "-p", '{"stringData":{"more":"x"}}') == "secret/s patched\n"
    assert between.ok("label", "secret", "s", "tier=gold") == "secret/s labeled\n"
    assert between.ok("annotate", "secret", "s", "note=a") == "secret/s annotated\n"
    assert between.ok("get", "secret", "-l", "tier=gold", "-oname") == "secret/s\n"
    replaced = stored(between, "secret/s")
    replaced["data"] = {"only": base64.b64encode(b"this").decode()}
    assert between.ok("replace", "-f", "-", stdin=json.dumps(replaced)) == "secret/s replaced\n"
    assert between.ok("get", "secret", "s", "-ojsonpath={.data}") == '{"only":"dGhpcw=="}'
    assert between.ok("delete", "secret", "s").startswith('secret "s" deleted')
    assert between.fails("get", "secret", "s") == 'Error from server (NotFound): secrets "s" not found\n'


def test_apply_on_either_side(between: Kubectl) -> None:
    first, second = (manifests.text(manifests.secret("s", {"k": value})) for value in ("a", "b"))
    assert between.ok("apply", "-f", "-", stdin=first) == "secret/s created\n"
    assert between.ok("apply", "-f", "-", stdin=first).startswith("secret/s ")
    changes = between("diff", "-f", "-", stdin=second)
    assert changes.code == 1, str(changes)
    assert "kind: Secret" in changes.stdout
    assert between.ok("apply", "-f", "-", stdin=second) == "secret/s configured\n"
    applied = between.ok("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=first)
    assert applied == "secret/s serverside-applied\n"
    assert stored(between, "secret/s")["data"] == {"k": "YQ=="}


def test_what_the_server_tells_of_itself(between: Kubectl) -> None:
    assert "Server Version: v1.36." in between.ok("version")
    assert "WARNING" not in between("version").stderr
    assert "secrets " in between.ok("api-resources", "--namespaced", "--verbs=list,get")
    assert "Data contains the secret data" in between.ok("explain", "secret.data")
    assert between.ok("auth", "can-i", "create", "secrets") == "yes\n"
    assert "kubernetes-admin" in between.ok("auth", "whoami")
    assert between.ok("create", "token", "default").count(".") == 2


def test_a_pod(between: Kubectl) -> None:
    between.ok("run", "p", "--image=nginx:1.17.1", "--image-pull-policy=IfNotPresent")
    between.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    assert between.ok("exec", "p", "--", "echo", "hello") == "hello\n"
    assert between("logs", "p").code == 0
    between.ok("delete", "pod", "p", "--grace-period=1")
