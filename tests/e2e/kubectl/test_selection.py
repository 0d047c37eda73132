"""`kubectl get` that chooses, orders, pages and follows; every output format over the same objects."""

import json
from pathlib import Path

import pytest
import yaml

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

SIZES = {"a": 3, "b": 1, "c": 2}
FORMATS = {
    "name": "secret/a\nsecret/b\nsecret/c\n",
    "jsonpath={.items[*].metadata.name}": "a b c",
    'jsonpath={range .items[?(@.type=="example.com/b")]}{.metadata.name}{end}': "b",
    "go-template={{range .items}}{{.metadata.name}}={{len .data}} {{end}}": "a=3 b=1 c=2 ",
    "custom-columns=NAME:.metadata.name,TYPE:.type": (
        "NAME   TYPE\na      example.com/a\nb      example.com/b\nc      example.com/c\n"
    ),
    "custom-columns=NAME:.metadata.name,NONE:.nothing": (
        "NAME   NONE\na      <none>\nb      <none>\nc      <none>\n"
    ),
}

newest = pytest.mark.parametrize("kubectl", ["kubectl-1.37"], indirect=True)
"""Where the version of kubectl makes no difference."""


@pytest.fixture
def three(kubectl: Kubectl) -> Kubectl:
    """Secrets a, b, c: each with a type of its own, a label and as many keys as `SIZES` says."""
    secrets = []
    for name, size in SIZES.items():
        secret = manifests.secret(name, {f"k{i}": "v" for i in range(size)}, type=f"example.com/{name}")
        secret["metadata"]["labels"] = {"size": str(size), "set": "x"}
        secrets.append(secret)
    kubectl.ok("create", "-f", "-", stdin=manifests.text(*secrets))
    return kubectl


def names(kubectl: Kubectl, *flags: str) -> str:
    return kubectl.ok("get", "secrets", *flags, "-oname").replace("secret/", "").replace("\n", "")


def column(kubectl: Kubectl, *flags: str) -> list[str]:
    lines = kubectl.ok("get", "secrets", "--no-headers", *flags).splitlines()
    return [line.split()[0] for line in lines]


def test_formats(three: Kubectl, tmp_path: Path) -> None:
    for how, expected in FORMATS.items():
        assert three.ok("get", "secrets", "-o", how) == expected
    listed = yaml.safe_load(three.ok("get", "secrets", "-oyaml"))
    assert listed == json.loads(three.ok("get", "secrets", "-ojson"))
    assert (listed["kind"], listed["apiVersion"]) == ("List", "v1")
    columns = tmp_path / "columns"
    columns.write_text("NAME SIZE\n.metadata.name .metadata.labels.size\n")
    shown = three.ok("get", "secrets", "-o", f"custom-columns-file={columns}")
    assert shown.split() == ["NAME", "SIZE", "a", "3", "b", "1", "c", "2"]


def test_selectors(three: Kubectl) -> None:
    assert names(three, "-l", "size=1") == "b"
    assert names(three, "-l", "size!=1,set") == "ac"
    assert names(three, "-l", "size in (1,2)") == "bc"
    assert names(three, "-l", "size>1,set notin (y)") == "ac"
    assert names(three, "-l", "!size") == ""
    assert names(three, "--field-selector", "type=example.com/a") == "a"
    assert names(three, "--field-selector", "metadata.name!=a,type!=example.com/c") == "b"
    assert names(three, "-l", "set=x", "--field-selector", "metadata.name=c") == "c"
    shown = three.fails("get", "secrets", "--field-selector", "turnip=1")
    assert shown.endswith("field label not supported: turnip\n")
    shown = three.fails("get", "configmaps", "--field-selector", "turnip=1")
    assert shown.endswith(
        '"turnip" is not a known field selector: only "metadata.name", "metadata.namespace"\n'
    )
    assert "unable to parse requirement" in three.fails("get", "secrets", "-l", "a in b")


def test_order_and_pages(three: Kubectl) -> None:
    assert column(three, "--sort-by=.metadata.labels.size") == ["b", "c", "a"]
    assert column(three, "--sort-by={.metadata.name}") == ["a", "b", "c"]
    for size in ("0", "1", "2"):
        assert column(three, f"--chunk-size={size}") == ["a", "b", "c"]
        assert names(three, f"--chunk-size={size}") == "abc"


@newest
def test_columns_that_are_asked_for(three: Kubectl) -> None:
    expect.check(
        three.ok("get", "secret", "b", "--show-labels", "--show-kind", "-L", "size"),
        "NAME  TYPE  DATA  AGE  SIZE  LABELS\nsecret/b  example.com/b  1  <age>  1  set=x,size=1\n",
    )
    rows = [line.split() for line in three.ok("get", "secrets", "-A", "--no-headers").splitlines()]
    assert [row[1] for row in rows if row[0] == three.namespace] == ["a", "b", "c"]
    both = three("get", "secrets", "a", "absent", "-oname")
    assert (both.code, both.stdout) == (1, "secret/a\n")
    assert both.stderr == 'Error from server (NotFound): secrets "absent" not found\n'


@newest
def test_objects_of_files_and_of_several_kinds(three: Kubectl) -> None:
    three.ok("create", "configmap", "c", "--from-literal=k=v")
    file = manifests.text(manifests.secret("a", {}), {**manifests.secret("c", {}), "kind": "ConfigMap"})
    assert three.ok("get", "-f", "-", "-oname", stdin=file) == "secret/a\nconfigmap/c\n"
    shown = three.ok("get", "secrets,configmaps", "-oname").splitlines()
    assert shown[:4] == ["secret/a", "secret/b", "secret/c", "configmap/c"]
    assert three.ok("get", "all") == ""


@newest
def test_watching_a_selection_ends_with_the_time(three: Kubectl) -> None:
    shown = three("get", "secrets", "-w", "-l", "size=1", "--request-timeout=1s")
    expect.check(shown.stdout, "NAME  TYPE  DATA  AGE\nb  example.com/b  1  <age>\n")


def test_waiting(three: Kubectl) -> None:
    met = ("wait", "--for=jsonpath={.type}=example.com/a", "secret/a")
    assert three.ok(*met) == "secret/a condition met\n"
    assert three.ok("wait", "--for=jsonpath={.data.k0}", "secrets", "--all", "--timeout=10s") == (
        "secret/a condition met\nsecret/b condition met\nsecret/c condition met\n"
    )
    shown = three.fails("wait", "--for=jsonpath={.type}=other", "secret/a", "--timeout=500ms")
    assert shown == "error: timed out waiting for the condition on secrets/a\n"
    waiting = three.start("wait", "--for=create", "secret/late", "--timeout=20s")
    three.ok("create", "secret", "generic", "late")
    output, _ = waiting.communicate(timeout=25)
    assert (waiting.returncode, output) == (0, b"secret/late condition met\n")
    three.ok("delete", "secret", "late")
    three.ok("wait", "--for=delete", "secret/late", "--timeout=5s")
