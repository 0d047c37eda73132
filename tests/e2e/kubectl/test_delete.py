"""`kubectl delete`: what is chosen, what becomes of dependents, and for what it waits."""

import json

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl


def names(kubectl: Kubectl, *what: str) -> list[str]:
    return kubectl.ok("get", *what, "-oname").splitlines()


def pod(name: str, **metadata: object) -> dict[str, object]:
    """A pod that no one runs: it goes at once only when it is told to."""
    made = manifests.pod(name, nodeName="nowhere")
    return {**made, "metadata": {**made["metadata"], **metadata}}


def test_by_files_fields_and_in_dry_runs(kubectl: Kubectl) -> None:
    for name in ("a", "b", "c"):
        kubectl.ok("create", "secret", "generic", name, f"--type=example.com/{name}")
    for how in ("client", "server"):
        shown = kubectl.ok("delete", "secrets", "--all", f"--dry-run={how}", "-oname")
        assert shown.split() == ["secret/a", "secret/b", "secret/c"]
    assert len(names(kubectl, "secrets")) == 3
    kubectl.ok("delete", "secrets", "--field-selector=type=example.com/a")
    assert names(kubectl, "secrets") == ["secret/b", "secret/c"]
    file = manifests.text(manifests.secret("b", {}), manifests.secret("absent", {}))
    deleted = kubectl("delete", "-f", "-", "-oname", stdin=file)
    assert (deleted.code, deleted.stdout) == (1, "secret/b\n")
    assert deleted.stderr == (
        'Error from server (NotFound): error when deleting "STDIN": secrets "absent" not found\n'
    )
    assert kubectl.ok("delete", "-f", "-", "--ignore-not-found", stdin=file) == ""
    assert kubectl.fails("delete", "secrets") == (
        "error: resource(s) were provided, but no name was specified\n"
    )


def test_a_finalizer_is_waited_for(kubectl: Kubectl) -> None:
    secret = manifests.secret("a", {"k": "v"})
    secret["metadata"]["finalizers"] = ["example.com/hold"]
    kubectl.ok("create", "-f", "-", stdin=manifests.text(secret))
    kubectl.ok("delete", "secret", "a", "--wait=false")
    assert kubectl.ok("get", "secret", "a", "-ojsonpath={.metadata.deletionTimestamp}")
    shown = kubectl("delete", "secret", "a", "--timeout=500ms")
    *warnings, last = shown.stderr.splitlines()
    assert (shown.code, last) == (1, "error: timed out waiting for the condition on secrets/a")
    # kubectl 1.32 takes the end that its time-out makes of its watch for the server's now and then, with a
    # kube-apiserver as with us: with a second or more to wait it has never said so.
    assert all("Unexpected watch close - watch lasted less than a second" in each for each in warnings)
    waiting = kubectl.start("delete", "secret", "a", "--timeout=20s")
    assert waiting.stdout is not None
    assert waiting.stdout.readline().startswith(b'secret "a" deleted')
    kubectl.ok("patch", "secret", "a", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    waiting.communicate(timeout=25)
    assert waiting.returncode == 0
    assert names(kubectl, "secrets") == []


def test_pods_with_grace_now_and_by_force(kubectl: Kubectl) -> None:
    kubectl.ok("create", "-f", "-", stdin=manifests.text(pod("a"), pod("b")))
    kubectl.ok("delete", "pod", "a", "--wait=false", "--grace-period=20")
    metadata = json.loads(kubectl.ok("get", "pod", "a", "-ojson"))["metadata"]
    assert metadata["deletionGracePeriodSeconds"] == 20
    assert kubectl.ok("get", "pod", "a", "--no-headers").split()[2] == "Terminating"
    kubectl.ok("delete", "pod", "b", "--now", "--wait=false")
    metadata = json.loads(kubectl.ok("get", "pod", "b", "-ojson"))["metadata"]
    assert metadata["deletionGracePeriodSeconds"] == 1
    forced = kubectl("delete", "pod", "a", "b", "--grace-period=0", "--force")
    assert forced.code == 0
    assert "Warning: Immediate deletion does not wait for confirmation" in forced.stderr
    assert names(kubectl, "pods") == []


@pytest.mark.parametrize("how", ["background", "foreground", "orphan"])
def test_what_becomes_of_dependents(latest: Kubectl, how: str) -> None:
    latest.ok("create", "configmap", "owner")
    uid = latest.ok("get", "configmap", "owner", "-ojsonpath={.metadata.uid}")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    dependent = manifests.secret("dependent", {"k": "v"})
    dependent["metadata"]["ownerReferences"] = [{**reference, "blockOwnerDeletion": True}]
    latest.ok("create", "-f", "-", stdin=manifests.text(dependent))
    latest.ok("delete", "configmap", "owner", f"--cascade={how}", "--timeout=20s")
    if how == "orphan":
        left = json.loads(latest.ok("get", "secret", "dependent", "-ojson"))
        assert "ownerReferences" not in left["metadata"]
    else:
        expect.until(lambda: names(latest, "secrets") == [], what="the dependent to go")


def test_a_namespace_takes_along_what_it_holds(kubectl: Kubectl) -> None:
    name = f"{kubectl.namespace}-gone"
    kubectl.ok("create", "namespace", name)
    kubectl.ok("create", "secret", "generic", "a", "-n", name)
    kubectl.ok("delete", "namespace", name, "--timeout=30s")
    assert kubectl.fails("get", "namespace", name) == (
        f'Error from server (NotFound): namespaces "{name}" not found\n'
    )
    assert names(kubectl, "secrets", "-n", name) == []
    assert kubectl.fails("delete", "namespace", "default") == (
        'Error from server (Forbidden): namespaces "default" is forbidden: '
        "this namespace may not be deleted\n"
    )


def test_replace_by_force_makes_another_object(latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "a", "--from-literal=k=v")
    uid = latest.ok("get", "secret", "a", "-ojsonpath={.metadata.uid}")
    other = manifests.text(manifests.secret("a", {"k": "w"}, type="example.com/other"))
    assert latest.fails("replace", "-f", "-", stdin=other) == (
        'The Secret "a" is invalid: type: Invalid value: "example.com/other": field is immutable\n'
    )
    replaced = latest.ok("replace", "--force", "-f", "-", stdin=other).splitlines()
    assert replaced[0].startswith('secret "a" deleted') and replaced[1] == "secret/a replaced"
    assert latest.ok("get", "secret", "a", "-ojsonpath={.type}") == "example.com/other"
    assert latest.ok("get", "secret", "a", "-ojsonpath={.metadata.uid}") != uid
