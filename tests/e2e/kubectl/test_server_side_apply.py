"""kubectl apply --server-side: owners, conflicts, force, removal, the way from client-side apply and back."""

import base64
import json
from typing import Any

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def secret(data: dict[str, str], **metadata: object) -> str:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return manifests.text(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", **metadata}, "data": encoded}
    )


def apply(kubectl: Kubectl, document: str, *flags: str) -> str:
    return kubectl.ok("apply", "--server-side", "-f", "-", *flags, stdin=document)


def stored(kubectl: Kubectl) -> Any:
    return json.loads(kubectl.ok("get", "secret", "a", "-ojson", "--show-managed-fields"))


def decoded(kubectl: Kubectl) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in stored(kubectl)["data"].items()}


def owners(kubectl: Kubectl) -> dict[tuple[str, str], Any]:
    entries = stored(kubectl)["metadata"]["managedFields"]
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in entries}


def test_create_change_and_give_up(kubectl: Kubectl) -> None:
    assert apply(kubectl, secret({"k": "v", "l": "w"})) == "secret/a serverside-applied\n"
    assert owners(kubectl) == {("kubectl", "Apply"): {"f:data": {"f:k": {}, "f:l": {}}}}
    before = stored(kubectl)
    assert apply(kubectl, secret({"k": "v", "l": "w"})) == "secret/a serverside-applied\n"
    assert stored(kubectl) == before
    apply(kubectl, secret({"k": "x"}, labels={"app": "web"}))
    assert decoded(kubectl) == {"k": "x"}
    assert owners(kubectl) == {
        ("kubectl", "Apply"): {"f:data": {"f:k": {}}, "f:metadata": {"f:labels": {"f:app": {}}}}
    }


def test_conflict_and_force(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "a", "--from-literal=k=v", "--from-literal=l=w")
    shown = kubectl.fails("apply", "--server-side", "-f", "-", stdin=secret({"k": "x"}))
    assert shown.startswith(
        'error: Apply failed with 1 conflict: conflict with "kubectl-create" using v1: .data.k\n'
    )
    shown = kubectl.fails("apply", "--server-side", "-f", "-", stdin=secret({"k": "x", "l": "x"}))
    assert shown.startswith(
        'error: Apply failed with 2 conflicts: conflicts with "kubectl-create" using v1:\n'
        "- .data.k\n- .data.l\n"
    )
    assert decoded(kubectl) == {"k": "v", "l": "w"}
    apply(kubectl, secret({"k": "x"}), "--force-conflicts")
    assert decoded(kubectl) == {"k": "x", "l": "w"}
    assert owners(kubectl) == {
        ("kubectl", "Apply"): {"f:data": {"f:k": {}}},
        ("kubectl-create", "Update"): {"f:data": {".": {}, "f:l": {}}, "f:type": {}},
    }


def test_two_appliers_share_a_key(kubectl: Kubectl) -> None:
    apply(kubectl, secret({"k": "v", "l": "w"}), "--field-manager=one")
    apply(kubectl, secret({"k": "v"}), "--field-manager=two")
    apply(kubectl, secret({"l": "w"}), "--field-manager=one")
    assert decoded(kubectl) == {"k": "v", "l": "w"}
    apply(kubectl, secret({}), "--field-manager=two")
    assert decoded(kubectl) == {"l": "w"}


def test_managers_are_shown_on_demand_only(kubectl: Kubectl) -> None:
    apply(kubectl, secret({"k": "v"}))
    assert "managedFields" not in kubectl.ok("get", "secret", "a", "-oyaml")
    assert "managedFields" not in kubectl.ok("get", "secret", "a", "-ojson")
    assert "manager: kubectl" in kubectl.ok("get", "secret", "a", "-oyaml", "--show-managed-fields")


def test_dry_run_and_diff(kubectl: Kubectl) -> None:
    assert apply(kubectl, secret({"k": "v"}), "--dry-run=server") == (
        "secret/a serverside-applied (server dry run)\n"
    )
    assert kubectl.ok("get", "secrets", "-oname") == ""
    apply(kubectl, secret({"k": "v"}))
    same = kubectl("diff", "--server-side", "-f", "-", stdin=secret({"k": "v"}))
    assert (same.code, same.stdout) == (0, ""), str(same)
    other = kubectl("diff", "--server-side", "-f", "-", stdin=secret({"k": "v"}, labels={"app": "web"}))
    assert other.code == 1, str(other)
    assert "+    app: web" in other.stdout
    assert "labels" not in stored(kubectl)["metadata"]


def test_what_is_no_field_is_refused(kubectl: Kubectl) -> None:
    document = json.loads(secret({"k": "v"}))
    shown = kubectl.fails(
        "apply", "--server-side", "-f", "-", stdin=manifests.text({**document, "nope": True})
    )
    assert shown == (
        f"Error from server: failed to create typed patch object ({kubectl.namespace}/a; /v1, Kind=Secret): "
        ".nope: field not declared in schema\n"
    )


def test_from_client_side_apply_and_back(kubectl: Kubectl) -> None:
    kubectl.ok("apply", "-f", "-", stdin=secret({"k": "v", "l": "w"}))
    assert ("kubectl-client-side-apply", "Update") in owners(kubectl)
    apply(kubectl, secret({"k": "x"}))
    # One's own past is no conflict, and what is given up goes with it.
    assert decoded(kubectl) == {"k": "x"}
    shown = json.loads(kubectl.ok("apply", "view-last-applied", "secret/a", "-ojson"))
    assert shown["data"] == json.loads(secret({"k": "x"}))["data"]
    kubectl.ok("apply", "-f", "-", stdin=secret({"k": "y"}))
    assert decoded(kubectl) == {"k": "y"}


def test_what_another_edited_does_conflict(kubectl: Kubectl) -> None:
    kubectl.ok("apply", "-f", "-", stdin=secret({"k": "v"}))
    edit = json.dumps({"data": {"k": base64.b64encode(b"edited").decode()}})
    kubectl.ok("patch", "secret", "a", "--field-manager=editor", "-p", edit)
    shown = kubectl.fails("apply", "--server-side", "-f", "-", stdin=secret({"k": "x"}))
    assert 'conflict with "editor" using v1: .data.k' in shown
    assert decoded(kubectl) == {"k": "edited"}


def test_keyed_lists_are_joined(kubectl: Kubectl) -> None:
    def account(*names: str) -> str:
        secrets = [{"name": name} for name in names]
        return manifests.text(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "s"}, "secrets": secrets}
        )

    def names() -> str:
        return kubectl.ok("get", "serviceaccount", "s", "-ojsonpath={.secrets[*].name}")

    apply(kubectl, account("a", "b"), "--field-manager=one")
    apply(kubectl, account("c"), "--field-manager=two")
    assert names() == "a b c"
    apply(kubectl, account("b"), "--field-manager=one")
    assert names() == "b c"


def test_managers_can_be_cleared(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "a", "--from-literal=k=v")
    kubectl.ok("patch", "secret", "a", "--type=merge", "-p", '{"metadata":{"managedFields":[{}]}}')
    assert "managedFields" not in stored(kubectl)["metadata"]
    shown = kubectl.fails("apply", "--server-side", "-f", "-", stdin=secret({"k": "x"}))
    assert 'conflict with "before-first-apply" using v1: .data.k' in shown
