"""Changing what is there: label, annotate, patch, replace, edit, apply, delete."""

import base64
import json
from typing import Any

import pytest

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl


@pytest.fixture
def one(kubectl: Kubectl) -> Kubectl:
    """A namespace that holds the secret `a` with k=v."""
    kubectl.ok("create", "secret", "generic", "a", "--from-literal=k=v")
    return kubectl


def stored(kubectl: Kubectl, name: str = "a") -> Any:
    return json.loads(kubectl.ok("get", "secret", name, "-ojson"))


def decoded(kubectl: Kubectl, name: str = "a") -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in stored(kubectl, name)["data"].items()}


def test_label_and_annotate(one: Kubectl) -> None:
    assert one.ok("label", "secret", "a", "app=web", "tier=front") == "secret/a labeled\n"
    assert one.ok("annotate", "secret", "a", "note=x y") == "secret/a annotated\n"
    assert stored(one)["metadata"]["labels"] == {"app": "web", "tier": "front"}
    assert stored(one)["metadata"]["annotations"] == {"note": "x y"}
    assert "--overwrite is false" in one.fails("label", "secret", "a", "app=db")
    assert one.ok("label", "secret", "a", "tier-") == "secret/a unlabeled\n"
    assert stored(one)["metadata"]["labels"] == {"app": "web"}
    shown = one.fails("label", "secret", "a", "app=not ok")
    assert 'invalid label value: "app=not ok"' in shown


@pytest.mark.parametrize(
    ("how", "patch"),
    [
        ("strategic", '{"stringData":{"n":"1"}}'),
        ("merge", '{"data":{"n":"MQ=="}}'),
        ("json", '[{"op":"add","path":"/data/n","value":"MQ=="}]'),
    ],
)
def test_patch(one: Kubectl, how: str, patch: str) -> None:
    assert one.ok("patch", "secret", "a", f"--type={how}", "-p", patch) == "secret/a patched\n"
    assert decoded(one) == {"k": "v", "n": "1"}
    assert one.ok("patch", "secret", "a", f"--type={how}", "-p", patch) == "secret/a patched (no change)\n"


def test_patch_that_breaks_a_rule_changes_nothing(one: Kubectl) -> None:
    before = stored(one)
    shown = one.fails("patch", "secret", "a", "-p", '{"type":"kubernetes.io/tls"}')
    assert 'type: Invalid value: "kubernetes.io/tls": field is immutable' in shown
    shown = one.fails("patch", "secret", "a", "--type=json", "-p", '[{"op":"remove","path":"/data/x"}]')
    assert shown == "The request is invalid: the server rejected our request due to an error in our request\n"
    assert stored(one) == before


def test_immutable(one: Kubectl) -> None:
    one.ok("patch", "secret", "a", "-p", '{"immutable":true}')
    assert one.fails("patch", "secret", "a", "-p", '{"stringData":{"k":"w"}}') == (
        'The Secret "a" is invalid: data: Forbidden: field is immutable when `immutable` is set\n'
    )
    assert one.ok("label", "secret", "a", "still=possible") == "secret/a labeled\n"


def test_replace_and_its_conflict(one: Kubectl) -> None:
    old = stored(one)
    assert one.ok("replace", "-f", "-", stdin=manifests.text(manifests.secret("a", {"new": "1"}))) == (
        "secret/a replaced\n"
    )
    assert decoded(one) == {"new": "1"}
    shown = one.fails("replace", "-f", "-", stdin=json.dumps(old))
    assert shown == (
        'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled '
        'on secrets "a": '
        "the object has been modified; please apply your changes to the latest version and try again\n"
    )
    assert "NotFound" in one.fails("replace", "-f", "-", stdin=manifests.text(manifests.secret("b", {})))


def test_edit(one: Kubectl) -> None:
    changed = one(
        "edit", "secret", "a", env={"KUBE_EDITOR": f"sed -i s/dg==/{base64.b64encode(b'edited').decode()}/"}
    )
    assert (changed.code, changed.stdout) == (0, "secret/a edited\n"), str(changed)
    assert decoded(one) == {"k": "edited"}
    same = one("edit", "secret", "a", env={"KUBE_EDITOR": "true"})
    assert "Edit cancelled, no changes made." in same.stdout + same.stderr


def test_apply_over_an_object_that_was_created(one: Kubectl) -> None:
    applied = one("apply", "-f", "-", stdin=manifests.text(manifests.secret("a", {"n": "1"})))
    assert applied.stdout == "secret/a configured\n", str(applied)
    assert "missing the kubectl.kubernetes.io/last-applied-configuration annotation" in applied.stderr
    assert decoded(one) == {"k": "v", "n": "1"}


def test_apply_many_prune_and_diff(kubectl: Kubectl) -> None:
    objects = [manifests.secret(name, {"k": name}) for name in ("a", "b", "c")]
    for each in objects:
        each["metadata"]["labels"] = {"set": "1"}
    assert kubectl.ok("apply", "-f", "-", stdin=manifests.text(*objects)).splitlines() == [
        "secret/a created",
        "secret/b created",
        "secret/c created",
    ]
    pruned = kubectl.ok(
        "apply",
        "-f",
        "-",
        "--prune",
        "-l",
        "set=1",
        "--prune-allowlist=core/v1/Secret",
        stdin=manifests.text(objects[0]),
    )
    # kubectl never sees `stringData` come back, so it cannot tell that nothing has changed.
    assert pruned.splitlines() == ["secret/a configured", "secret/b pruned", "secret/c pruned"]
    same = kubectl("diff", "-f", "-", stdin=manifests.text(objects[0]))
    assert same.code == 0, str(same)
    other = manifests.secret("a", {"k": "changed"})
    other["metadata"]["labels"] = {"set": "1"}
    assert kubectl("diff", "-f", "-", stdin=manifests.text(other)).code == 1


def test_delete_by_name_selector_and_all(kubectl: Kubectl) -> None:
    for name in ("a", "b", "c", "d"):
        kubectl.ok("create", "secret", "generic", name)
    kubectl.ok("label", "secrets", "b", "gone=yes")
    assert deleted(kubectl.ok("delete", "secret", "a")) == ["a"]
    assert deleted(kubectl.ok("delete", "secrets", "-l", "gone=yes")) == ["b"]
    assert deleted(kubectl.ok("delete", "secrets", "--all")) == ["c", "d"]
    assert kubectl.ok("delete", "secret", "a", "--ignore-not-found") == ""
    assert kubectl.ok("get", "secrets", "-oname") == ""


def deleted(text: str) -> list[str]:
    """Names in lines such as `secret "a" deleted`, to which newer versions add the namespace."""
    lines = [line.split() for line in text.splitlines()]
    assert all(line[0] == "secret" and line[2] == "deleted" for line in lines), text
    return sorted(line[1].strip('"') for line in lines)


def test_set_last_applied_and_view(kubectl: Kubectl) -> None:
    kubectl.ok("apply", "-f", "-", stdin=manifests.text(manifests.secret("a", {"k": "v"})))
    shown = kubectl.ok("apply", "view-last-applied", "secret/a", "-ojson")
    assert json.loads(shown)["stringData"] == {"k": "v"}
