"""Scene 2: the kinds of Secrets that kubectl makes, and the types that they have."""

import json
from pathlib import Path

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl


def test_each_kind_has_its_type(kubectl: Kubectl, certificate: tuple[Path, Path]) -> None:
    key, cert = certificate
    create = ("create", "secret")
    assert kubectl.ok(*create, "generic", "a-generic", "--from-literal=k=v") == "secret/a-generic created\n"
    login = ("--docker-username=u", "--docker-password=p", "--docker-email=e@example.com")
    assert kubectl.ok(*create, "docker-registry", "a-registry", *login) == "secret/a-registry created\n"
    assert kubectl.ok(*create, "tls", "a-tls", f"--key={key}", f"--cert={cert}") == "secret/a-tls created\n"
    kubectl.ok("create", "serviceaccount", "robot")
    annotations = {"kubernetes.io/service-account.name": "robot"}
    token = manifests.secret("a-token", {}, type="kubernetes.io/service-account-token")
    token["metadata"]["annotations"] = annotations
    assert kubectl.ok("create", "-f", "-", stdin=manifests.text(token)) == "secret/a-token created\n"
    expect.check(
        kubectl.ok("get", "secrets"),
        """\
NAME         TYPE                                  DATA   AGE
a-generic    Opaque                                1      <age>
a-registry   kubernetes.io/dockerconfigjson        1      <age>
a-tls        kubernetes.io/tls                     2      <age>
a-token      kubernetes.io/service-account-token   <number>   <age>
""",
    )


def test_a_type_of_ones_own_and_one_that_has_rules(latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "mine", "--type=example.com/mine", "--from-literal=k=v")
    assert latest.ok("get", "secret", "mine", "-ojsonpath={.type}") == "example.com/mine"
    shown = latest.fails("create", "secret", "generic", "login", "--type=kubernetes.io/basic-auth")
    assert shown == (
        'error: failed to create secret Secret "login" is invalid: '
        "[data[username]: Required value, data[password]: Required value]\n"
    )
    selected = latest.ok("get", "secrets", "--field-selector=type=example.com/mine", "-ojson")
    assert [item["metadata"]["name"] for item in json.loads(selected)["items"]] == ["mine"]


def test_kubectl_tells_which_kinds_there_are(latest: Kubectl) -> None:
    shown = latest.ok("create", "secret", "--help")
    assert all(kind in shown for kind in ("docker-registry", "generic", "tls"))
