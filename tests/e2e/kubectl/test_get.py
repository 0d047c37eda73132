"""`kubectl get`: tables for every kind, the other output formats, selection, and what is not there."""

import json

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings"},
    "data": {"a": "1", "b": "2"},
}


@pytest.fixture
def secrets(kubectl: Kubectl) -> Kubectl:
    """Two secrets, one of them labelled."""
    labelled = manifests.secret("with-label", {"user": "admin", "password": "x"})
    labelled["metadata"]["labels"] = {"app": "web"}
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.secret("plain", {"k": "v"}), labelled))
    return kubectl


def test_secrets_table(secrets: Kubectl) -> None:
    expect.check(
        secrets.ok("get", "secrets"),
        """\
NAME         TYPE     DATA   AGE
plain        Opaque   1      <age>
with-label   Opaque   2      <age>
""",
    )


def test_labels_wide_and_no_headers(secrets: Kubectl) -> None:
    expect.check(
        secrets.ok("get", "secrets", "--show-labels", "-l", "app=web"),
        "NAME  TYPE  DATA  AGE  LABELS\nwith-label  Opaque  2  <age>  app=web\n",
    )
    expect.check(
        secrets.ok("get", "secrets", "-L", "app", "--no-headers"),
        "plain  Opaque  1  <age>\nwith-label  Opaque  2  <age>  web\n",
    )
    expect.check(
        secrets.ok("get", "secret", "plain", "-owide"), "NAME  TYPE  DATA  AGE\nplain  Opaque  1  <age>\n"
    )


def test_selection_by_field(secrets: Kubectl) -> None:
    assert secrets.ok("get", "secrets", "--field-selector=metadata.name=plain", "-oname") == "secret/plain\n"
    assert secrets.ok("get", "secrets", "--field-selector=type!=Opaque", "-oname") == ""
    assert secrets.ok("get", "secrets", "-l", "app notin (web)", "-oname") == "secret/plain\n"


def test_programmable_outputs(secrets: Kubectl) -> None:
    assert secrets.ok("get", "secret", "plain", "-ojsonpath={.data.k}") == "dg=="
    assert secrets.ok("get", "secret", "plain", "-ogo-template={{.data.k | base64decode}}") == "v"
    listed = secrets.ok("get", "secrets", "-o", "custom-columns=N:.metadata.name,T:.type")
    expect.check(listed, "N  T\nplain  Opaque\nwith-label  Opaque\n")
    items = json.loads(secrets.ok("get", "secrets", "-ojson"))
    assert items["kind"] == "List"
    assert [item["metadata"]["name"] for item in items["items"]] == ["plain", "with-label"]
    assert all(item["kind"] == "Secret" and item["apiVersion"] == "v1" for item in items["items"])


def test_sorting(secrets: Kubectl) -> None:
    shown = secrets.ok("get", "secrets", "--sort-by=.metadata.labels.app", "-oname")
    assert shown.splitlines() == ["secret/plain", "secret/with-label"]


def test_several_kinds_at_once(secrets: Kubectl) -> None:
    secrets.ok("create", "-f", "-", stdin=manifests.text(CONFIG_MAP))
    expect.check(
        secrets.ok("get", "secret/plain", "cm/settings"),
        """\
NAME           TYPE     DATA   AGE
secret/plain   Opaque   1      <age>

NAME                 DATA   AGE
configmap/settings   2      <age>
""",
    )


def test_every_namespace(secrets: Kubectl) -> None:
    rows = secrets.ok("get", "secrets", "-A").splitlines()
    assert rows[0].split() == ["NAMESPACE", "NAME", "TYPE", "DATA", "AGE"]
    assert [secrets.namespace, "plain", "Opaque", "1"] in [row.split()[:4] for row in rows]


def test_default_service_account_and_root_certificate(kubectl: Kubectl) -> None:
    expect.until(lambda: kubectl("get", "sa", "default").code == 0, what="the default service account")
    expect.check(kubectl.ok("get", "sa", "default"), "NAME  AGE\ndefault  <age>\n")
    expect.until(lambda: kubectl("get", "cm", "kube-root-ca.crt").code == 0, what="the root certificate")
    certificate = kubectl.ok("get", "cm", "kube-root-ca.crt", "-ojsonpath={.data.ca\\.crt}")
    assert certificate.startswith("-----BEGIN CERTIFICATE-----")


def test_namespaces_and_nodes(kubectl: Kubectl) -> None:
    expect.check(
        kubectl.ok("get", "ns", kubectl.namespace), f"NAME  STATUS  AGE\n{kubectl.namespace}  Active  <age>\n"
    )
    expect.check(
        kubectl.ok("get", "nodes"), "NAME  STATUS  ROLES  AGE  VERSION\nn1  Ready  <none>  <age>  <word>\n"
    )
    wide = kubectl.ok("get", "node", "n1", "-owide").splitlines()
    assert wide[0].split()[5] == "INTERNAL-IP"
    assert "containerd://" in wide[1]


def test_nothing_there(kubectl: Kubectl) -> None:
    assert kubectl.fails("get", "secret", "missing") == (
        'Error from server (NotFound): secrets "missing" not found\n'
    )
    empty = kubectl("get", "secrets")
    assert (empty.code, empty.stdout) == (0, "")
    assert empty.stderr == f"No resources found in {kubectl.namespace} namespace.\n"
    assert kubectl.fails("get", "turnips") == 'error: the server doesn\'t have a resource type "turnips"\n'


def test_raw_paths(kubectl: Kubectl) -> None:
    assert kubectl.ok("get", "--raw", "/readyz") == "ok"
    assert kubectl.ok("get", "--raw", "/livez") == "ok"
    assert kubectl.ok("get", "--raw", "/healthz") == "ok"
