"""Secrets: decoding, types, limits, immutability; no value in any text."""

from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.core.v1 import base64_data, secret
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery import names, status

STRATEGY = STRATEGIES[resources.SECRETS]
CANARY = "canary-4f1d"


def b64(text: str) -> str:
    return base64_data.encode(text.encode())


def make(kind: str | None = None, data: Any = None, **fields: Any) -> dict[str, Any]:
    """A Secret as the registry has it after decoding."""
    obj: dict[str, Any] = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s", "namespace": "n"}}
    obj |= {"type": kind, "data": data, **fields}
    STRATEGY.convert(obj)
    STRATEGY.default(obj)
    STRATEGY.prepare_for_create(obj)
    return obj


def errors(obj: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(obj)]


def changes(new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate_update(new, old)]


def test_the_type_is_opaque_by_default() -> None:
    assert make()["type"] == make("")["type"] == "Opaque"
    assert make("my/own")["type"] == "my/own"
    assert errors(make("my/own")) == []


def test_string_data_is_merged_and_never_kept() -> None:
    obj = make(data={"a": b64("1"), "b": b64("2")}, stringData={"b": "é", "c": ""})
    assert obj["data"] == {"a": b64("1"), "b": b64("é"), "c": ""}
    assert "stringData" not in obj


def test_fields_come_in_kubernetes_order_without_empty_ones() -> None:
    obj = make("Opaque", {"b": b64("2"), "a": None}, immutable=False)
    assert list(obj) == ["kind", "apiVersion", "metadata", "immutable", "data", "type"]
    assert list(obj["data"].items()) == [("a", ""), ("b", b64("2"))]
    assert list(make(data={}, immutable=None)) == ["kind", "apiVersion", "metadata", "type"]


def test_converting_twice_is_converting_once() -> None:
    obj = make(data={"b": b64("2")}, stringData={"a": "1"}, immutable=True)
    again = {**obj, "data": dict(obj["data"])}
    STRATEGY.convert(again)
    STRATEGY.default(again)
    assert again == obj


def test_data_that_is_not_base64() -> None:
    with pytest.raises(status.StatusError) as caught:
        make(data={"k": f"{CANARY}!"})
    assert str(caught.value) == (
        'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 6'
    )


@pytest.mark.parametrize("key", ["", "a b", "a/b", ".", "..", "..x", "k" * 254])
def test_keys(key: str) -> None:
    (message,) = names.config_map_key(key)
    shown = f'data[{key}]: Invalid value: "{key}": {message}'
    assert errors(make(data={key: b64(CANARY)})) == [shown]


def test_a_key_says_it_in_kubernetes_words() -> None:
    assert errors(make(data={"a b": ""})) == [
        'data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric characters, '
        "'-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
        "'[-._a-zA-Z0-9]+')"
    ]


def test_size_counts_values_only() -> None:
    half = b64("x" * (512 * 1024))
    assert errors(make(data={"a": half, "b" * 253: half})) == []
    assert errors(make(data={"a": half, "b": half, "c": b64("x")})) == [
        "data: Too long: may not be more than 1048576 bytes"
    ]


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("kubernetes.io/service-account-token", {},
         ["metadata.annotations[kubernetes.io/service-account.name]: Required value"]),
        ("kubernetes.io/dockercfg", {}, ["data[.dockercfg]: Required value"]),
        ("kubernetes.io/dockerconfigjson", {}, ["data[.dockerconfigjson]: Required value"]),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": ""},
         ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": unexpected end of JSON '
          'input']),
        ("kubernetes.io/dockercfg", {".dockercfg": "xyz"},
         ['data[.dockercfg]: Invalid value: "<secret contents redacted>": '
          "invalid character 'x' looking for beginning of value"]),
        ("kubernetes.io/dockercfg", {".dockercfg": f'"{CANARY}"'},
         ['data[.dockercfg]: Invalid value: "<secret contents redacted>": json: cannot unmarshal string '
          'into Go '
          "value of type map[string]interface {}"]),
        ("kubernetes.io/basic-auth", {},
         ["data[username]: Required value", "data[password]: Required value"]),
        ("kubernetes.io/ssh-auth", {}, ["data[ssh-privatekey]: Required value"]),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": ""}, ["data[ssh-privatekey]: Required value"]),
        ("kubernetes.io/tls", {}, ["data[tls.crt]: Required value", "data[tls.key]: Required value"]),
        ("kubernetes.io/tls", {"tls.crt": ""}, ["data[tls.key]: Required value"]),
        ("kubernetes.io/dockercfg", {".dockercfg": "{}"}, []),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": '{"auths":{}}'}, []),
        ("kubernetes.io/basic-auth", {"password": ""}, []),
        ("kubernetes.io/basic-auth", {"username": "u"}, []),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": "k"}, []),
        ("kubernetes.io/tls", {"tls.crt": "", "tls.key": ""}, []),
        ("bootstrap.kubernetes.io/token", {}, []),
        ("helm.sh/release.v1", {}, []),
    ],
)  # fmt: skip
def test_types(kind: str, data: dict[str, str], expected: list[str]) -> None:
    assert errors(make(kind, {key: b64(value) for key, value in data.items()})) == expected


def test_a_service_account_token_names_its_account() -> None:
    obj = make(secret.SERVICE_ACCOUNT_TOKEN)
    obj["metadata"]["annotations"] = {secret.SERVICE_ACCOUNT_NAME: "sa"}
    assert errors(obj) == []
    obj["metadata"]["annotations"] = {secret.SERVICE_ACCOUNT_NAME: ""}
    assert errors(obj) == ["metadata.annotations[kubernetes.io/service-account.name]: Required value"]


def test_the_status_of_a_missing_key() -> None:
    obj = make("kubernetes.io/tls", {"tls.crt": ""})
    error = status.invalid(resources.SECRETS, "x", STRATEGY.validate(obj))
    assert error.to_dict() == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": 'Secret "x" is invalid: data[tls.key]: Required value', "reason": "Invalid",
        "details": {"name": "x", "kind": "Secret", "causes": [
            {"reason": "FieldValueRequired", "message": "Required value", "field": "data[tls.key]"}]},
        "code": 422,
    }  # fmt: skip


FROZEN = "Forbidden: field is immutable when `immutable` is set"
DATA = {"k": b64("v")}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"kind": "b/c"}, ['type: Invalid value: "b/c": field is immutable']),
        ({"kind": "b/c"}, {}, ['type: Invalid value: "Opaque": field is immutable']),
        ({"immutable": True}, {}, [f"immutable: {FROZEN}"]),
        ({"immutable": True}, {"immutable": False}, [f"immutable: {FROZEN}"]),
        ({"immutable": True}, {"immutable": True, "data": {"k": "bmV3"}}, [f"data: {FROZEN}"]),
        ({"immutable": True}, {"data": {}}, [f"immutable: {FROZEN}", f"data: {FROZEN}"]),
        ({"immutable": True}, {"immutable": True}, []),
        ({"immutable": False}, {"immutable": True, "data": {"k": "bmV3"}}, []),
        ({"immutable": False}, {}, []),
        ({}, {"data": {"a b": ""}},
         [f'data[a b]: Invalid value: "a b": {names.config_map_key("a b")[0]}']),
    ],
)  # fmt: skip
def test_updates(old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    assert changes(make(**{"data": dict(DATA), **new}), make(**{"data": dict(DATA), **old})) == expected


def test_metadata_of_an_immutable_secret_may_change() -> None:
    new = make(data=dict(DATA), immutable=True)
    new["metadata"]["labels"] = {"a": "b"}
    assert changes(new, make(data=dict(DATA), immutable=True)) == []


def test_a_bad_tls_pair_is_a_warning() -> None:
    obj = make(secret.TLS, {"tls.crt": b64("junk"), "tls.key": b64(CANARY)})
    assert STRATEGY.warnings(obj, None) == ("tls: failed to find any PEM data in certificate input",)
    assert STRATEGY.warnings(make(data={"tls.crt": b64("junk")}), None) == ()


def test_row_and_fields() -> None:
    obj = make("a/b", {"k": b64(CANARY), "l": ""})
    obj["metadata"]["creationTimestamp"] = "2026-01-02T03:04:00Z"
    assert STRATEGY.row(obj, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == ["s", "a/b", 2, "5s"]
    assert STRATEGY.selectable_fields(obj) == {
        "metadata.name": "s", "metadata.namespace": "n", "type": "a/b",
    }  # fmt: skip


@pytest.mark.parametrize("kind", [secret.OPAQUE, secret.DOCKERCONFIGJSON, secret.BASIC_AUTH, secret.TLS])
def test_no_value_reaches_an_error_text(kind: str) -> None:
    encoded = b64(CANARY * 100_000)
    obj = make(kind, {"..": encoded, ".dockerconfigjson": encoded, "tls.crt": encoded, "a b": encoded})
    found = errors(obj) + changes(obj, make("x/y", immutable=True)) + list(STRATEGY.warnings(obj, None))
    assert len(found) > 3
    assert not any(CANARY in text or encoded[:12] in text for text in found)
