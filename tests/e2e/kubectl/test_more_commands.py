"""Commands that have no test elsewhere: all that each prints, as it prints it of a kube-apiserver 1.36."""

from pathlib import Path

import pytest

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl

ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m1, labels: {set: x}}\ndata: {a: c}\n"
KUSTOMIZATION = "namePrefix: pre-\nresources: [one.yaml]\nsecretGenerator: [{name: gen, literals: [a=b]}]\n"
GENERATED = "pre-gen-k695gkmbtk"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A manifest and a kustomization of it."""
    (tmp_path / "one.yaml").write_text(ONE)
    (tmp_path / "kustomization.yaml").write_text(KUSTOMIZATION)
    return tmp_path


def says(kubectl: Kubectl, command: str, stdout: str = "", stderr: str = "", code: int = 0) -> None:
    """`<ns>` in the texts is the namespace."""
    done = kubectl(*command.split(" "))
    expect.check(done.stdout, stdout.replace("<ns>", kubectl.namespace))
    assert (done.stderr, done.code) == (stderr.replace("<ns>", kubectl.namespace), code), str(done)


def test_replace_force_deletes_and_creates(latest: Kubectl, folder: Path) -> None:
    manifest = folder / "one.yaml"
    latest.ok("create", "-f", manifest)
    uid = latest.ok("get", "configmap", "m1", "-o", "jsonpath={.metadata.uid}")
    says(latest, f"replace --force -f {manifest}",
         'configmap "m1" deleted from <ns> namespace\nconfigmap/m1 replaced\n')  # fmt: skip
    assert latest.ok("get", "configmap", "m1", "-o", "jsonpath={.metadata.uid}") != uid
    says(latest, f"replace --force -f {manifest} --dry-run=server",
         stderr="error: --dry-run can not be used when --force is set\n", code=1)  # fmt: skip


def test_kustomizations(latest: Kubectl, folder: Path) -> None:
    says(latest, f"apply -k {folder}", f"configmap/pre-m1 created\nsecret/{GENERATED} created\n")
    says(latest, f"diff -k {folder}")
    says(latest, f"delete -k {folder}",
         f'configmap "pre-m1" deleted from <ns> namespace\nsecret "{GENERATED}" deleted from <ns> namespace\n'
         )  # fmt: skip


def test_what_was_applied_last(latest: Kubectl, folder: Path) -> None:
    says(latest, f"apply -f {folder / 'one.yaml'}", "configmap/m1 created\n")
    says(latest, "apply view-last-applied configmap m1",
         "apiVersion: v1\ndata:\n  a: c\nkind: ConfigMap\nmetadata:\n  annotations: {}\n  labels:\n"
         "    set: x\n  name: m1\n  namespace: <ns>\n")  # fmt: skip
    says(latest, f"apply set-last-applied -f {folder / 'one.yaml'}", "configmap/m1 configured\n")
    says(latest, "label configmap m1 --list", "set=x\n")
    says(latest, "get configmap m1 -o jsonpath-as-json={.metadata.labels}",
         '[\n    {\n        "set": "x"\n    }\n]\n')  # fmt: skip


def test_waiting(latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "s", "--from-literal=k=v")
    says(latest, "wait --for=create secret/s --timeout=1s", "secret/s condition met\n")
    says(latest, "wait --for=jsonpath={.type}=Opaque secret/s --timeout=5s", "secret/s condition met\n")
    says(latest, "wait --for=jsonpath={.type}=Other secret/s --timeout=1s",
         stderr="error: timed out waiting for the condition on secrets/s\n", code=1)  # fmt: skip
    says(latest, "wait --for=delete secret/nope --timeout=5s")
    says(latest, "get secrets --output-watch-events -w --request-timeout=1s",
         "EVENT      NAME   TYPE     DATA   AGE\nADDED      s      Opaque   1      <age>\n")  # fmt: skip
    says(latest, "get secrets --watch-only --request-timeout=1s")


def test_deleting_by_what_they_are(latest: Kubectl) -> None:
    for name in ("a", "b"):
        latest.ok("create", "secret", "generic", name, "--from-literal=k=v")
    latest.ok("label", "secret", "a", "set=x")
    says(
        latest,
        "delete secret a --dry-run=server",
        'secret "a" deleted from <ns> namespace (server dry run)\n',
    )
    says(latest, "delete secret -l set=x", 'secret "a" deleted from <ns> namespace\n')
    says(latest, "delete secrets --all", 'secret "b" deleted from <ns> namespace\n')
    says(latest, "delete secret b --ignore-not-found")
    says(latest, "delete secret b", stderr='Error from server (NotFound): secrets "b" not found\n', code=1)


def test_events_and_what_is_not_served(latest: Kubectl) -> None:
    says(latest, "events --for=pod/nope", stderr="No events found in <ns> namespace.\n")
    says(latest, "top pod", stderr="error: Metrics API not available\n", code=1)
