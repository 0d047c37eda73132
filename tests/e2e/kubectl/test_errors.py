"""Mistakes, as kubectl tells them to the person who made them. Nothing of them is stored."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  "
    "or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


@pytest.fixture(autouse=True)
def nothing_is_stored(kubectl: Kubectl) -> Iterator[None]:
    yield
    assert kubectl.ok("get", "secrets", "-oname") == ""


def create(kubectl: Kubectl, manifest: str) -> str:
    return kubectl.fails("create", "-f", "-", stdin=manifest)


def secret(name: str, body: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n{body}\n"


def test_wrong_base64(kubectl: Kubectl) -> None:
    assert create(kubectl, secret("a", "data:\n  k: 'not base64'")) == (
        'Error from server (BadRequest): error when creating "STDIN": Secret in version "v1" cannot '
        "be handled as a "
        "Secret: illegal base64 data at input byte 3\n"
    )


def test_bad_name(kubectl: Kubectl) -> None:
    assert create(kubectl, secret("Bad_Name", "")) == (
        f'The Secret "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": {SUBDOMAIN}\n'
    )


def test_bad_key(kubectl: Kubectl) -> None:
    assert create(kubectl, secret("a", "stringData:\n  'a b': x")) == (
        f'The Secret "a" is invalid: data[a b]: Invalid value: "a b": {KEY}\n'
    )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("kubernetes.io/tls", " \n* data[tls.crt]: Required value\n* data[tls.key]: Required value"),
        ("kubernetes.io/dockerconfigjson", " data[.dockerconfigjson]: Required value"),
        ("kubernetes.io/dockercfg", " data[.dockercfg]: Required value"),
        ("kubernetes.io/ssh-auth", " data[ssh-privatekey]: Required value"),
        ("kubernetes.io/basic-auth", " \n* data[username]: Required value\n* data[password]: Required value"),
        (
            "kubernetes.io/service-account-token",
            " metadata.annotations[kubernetes.io/service-account.name]: Required value",
        ),
    ],
)
def test_missing_keys_of_a_type(kubectl: Kubectl, kind: str, message: str) -> None:
    shown = create(kubectl, secret("a", f"type: {kind}\nstringData:\n  other: x"))
    assert shown == f'The Secret "a" is invalid:{message}\n'


def test_docker_configuration_that_is_no_json_is_not_repeated(kubectl: Kubectl) -> None:
    body = "type: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: topsecret"
    shown = create(kubectl, secret("a", body))
    assert shown.startswith(
        'The Secret "a" is invalid: data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": '
    )
    assert "topsecret" not in shown


def test_too_large(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 1_048_577)
    assert kubectl.fails("create", "secret", "generic", "big", f"--from-file={tmp_path / 'big'}") == (
        'error: failed to create secret Secret "big" is invalid: data: Too long: may not be more '
        "than 1048576 bytes\n"
    )


def test_request_over_the_limit(kubectl: Kubectl) -> None:
    manifest = manifests.text(manifests.secret("huge", {"k": "x" * 3_200_000}))
    shown = create(kubectl, manifest)
    assert shown.startswith("Error from server (RequestEntityTooLarge)")
    assert "limit is 3145728" in shown


def test_unknown_field(kubectl: Kubectl) -> None:
    assert create(kubectl, secret("a", "dta:\n  k: dg==")) == (
        'Error from server (BadRequest): error when creating "STDIN": Secret in version "v1" cannot '
        "be handled as a "
        'Secret: strict decoding error: unknown field "dta"\n'
    )


def test_wrong_type_of_a_field(kubectl: Kubectl) -> None:
    shown = create(kubectl, secret("a", "data: [1, 2]"))
    assert shown.startswith(
        'Error from server (BadRequest): error when creating "STDIN": Secret in version "v1"'
    )
    assert "cannot unmarshal array into Go struct field Secret.data" in shown


def test_existing_and_missing(kubectl: Kubectl) -> None:
    missing = kubectl.fails("delete", "secret", "a")
    assert missing == 'Error from server (NotFound): secrets "a" not found\n'
    kubectl.ok("create", "secret", "generic", "a")
    again = kubectl.fails("create", "secret", "generic", "a")
    assert again == 'error: failed to create secret secrets "a" already exists\n'
    kubectl.ok("delete", "secret", "a")


def test_missing_namespace(kubectl: Kubectl) -> None:
    assert kubectl.fails("create", "secret", "generic", "a", "-n", "nowhere") == (
        'error: failed to create secret namespaces "nowhere" not found\n'
    )
    assert kubectl.ok("get", "secrets", "-n", "nowhere", "-oname") == ""


def test_unknown_kind(kubectl: Kubectl) -> None:
    shown = create(kubectl, "apiVersion: v1\nkind: Turnip\nmetadata:\n  name: a\n")
    assert 'no matches for kind "Turnip" in version "v1"' in shown


def test_mistakes_kubectl_sees_itself(kubectl: Kubectl) -> None:
    assert "invalid literal source" in kubectl.fails("create", "secret", "generic", "a", "--from-literal=x")
    assert (
        kubectl.fails("create", "secret", "generic", "a", "--from-literal=k=1", "--from-literal=k=2")
        == "error: cannot add key k, another key by that name already exists\n"
    )


def test_wrong_credentials(kubectl: Kubectl) -> None:
    shown = kubectl.fails("get", "secrets", "--token", base64.b64encode(b"nobody" * 8).decode())
    assert "You must be logged in to the server" in shown
