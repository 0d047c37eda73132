"""Requests that kubectl would never send: each gets the Status that Kubernetes gives, and nothing is
stored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from strongroom.testing import cluster as clusters
from strongroom.testing.api import API, Reply

MERGE = "application/merge-patch+json"
MEDIA_TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
PATCH_TYPES = (
    "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, "
    "application/apply-patch+yaml"
)


@pytest.fixture
def secrets(api: API, namespace: str) -> Iterator[str]:
    """The path of the namespace's secrets, among them `there`; in the end it is still alone and unchanged."""
    path = f"/api/v1/namespaces/{namespace}/secrets"
    before = api.ok("POST", path, {"metadata": {"name": "there"}, "data": {"k": "dg=="}})
    yield path
    assert api.ok("GET", path)["items"] == [
        {k: v for k, v in before.items() if k not in ("kind", "apiVersion")}
    ]


def failure(reply: Reply, code: int, reason: str) -> dict[str, Any]:
    """The Status of a failed request, checked for its shape."""
    status: dict[str, Any] = reply.json()
    assert reply.status == code, status
    assert reply.headers["Content-Type"] == "application/json"
    assert (status["kind"], status["apiVersion"], status["metadata"]) == ("Status", "v1", {})
    assert (status["status"], status["reason"], status["code"]) == ("Failure", reason, code), status
    return status


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "unexpected"),
        (b"", "unexpected end of JSON input"),
        (b"[]", "cannot unmarshal array"),
        (b'{"kind":"Pod","apiVersion":"v1"}', "Pod"),
        (b'{"kind":"Secret","apiVersion":"v2"}', "v2"),
        (b'{"metadata":{"name":"a"},"data":{"k":"***"}}', "illegal base64 data at input byte 0"),
        (b'{"metadata":{"name":"a"},"data":{"k":1}}', "cannot unmarshal number"),
        (b'{"metadata":{"name":7}}', "cannot unmarshal number"),
        (b"\xff\xfe", ""),
        (b'{"metadata":{"name":"a"},"data":' + b'{"a":' * 20000, ""),
    ],
)
def test_bodies_that_cannot_be_read(api: API, secrets: str, body: bytes, text: str) -> None:
    assert text in failure(api.request("POST", secrets, body), 400, "BadRequest")["message"]


@pytest.mark.parametrize("body", [b"a: [", b"\t- x", b"{a: b", b"a: b\na: c\n: :"])
def test_yaml_that_cannot_be_read(api: API, secrets: str, body: bytes) -> None:
    failure(api.request("POST", secrets, body, content_type="application/yaml"), 400, "BadRequest")


def test_protobuf_that_cannot_be_read(api: API, secrets: str) -> None:
    for body in (b"", b"k8s\0", b"k8s\0\xff\xff\xff", b"nonsense", b"k8s\0" + bytes(range(64))):
        reply = api.request("POST", secrets, body, content_type="application/vnd.kubernetes.protobuf")
        assert "the object provided is unrecognized" in failure(reply, 400, "BadRequest")["message"]


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"metadata": {}}, "metadata.name", "FieldValueRequired"),
        ({"metadata": {"name": "UPPER"}}, "metadata.name", "FieldValueInvalid"),
        ({"metadata": {"name": "a" * 254}}, "metadata.name", "FieldValueInvalid"),
        ({"metadata": {"name": "../etc"}}, "metadata.name", "FieldValueInvalid"),
        ({"metadata": {"name": "a"}, "data": {"..": ""}}, "data[..]", "FieldValueInvalid"),
        ({"metadata": {"name": "a"}, "data": {"a/b": ""}}, "data[a/b]", "FieldValueInvalid"),
        ({"metadata": {"name": "a"}, "data": {"k" * 254: ""}}, f"data[{'k' * 254}]", "FieldValueInvalid"),
        ({"metadata": {"name": "a"}, "stringData": {"": "x"}}, "data[]", "FieldValueInvalid"),
        ({"metadata": {"name": "a"}, "stringData": {"k": "x" * 1048577}}, "data", "FieldValueTooLong"),
        ({"metadata": {"name": "a", "labels": {"a b": "c"}}}, "metadata.labels", "FieldValueInvalid"),
        (
            {"metadata": {"name": "a", "annotations": {"a": "x" * 262145}}},
            "metadata.annotations",
            "FieldValueTooLong",
        ),
        ({"metadata": {"name": "a"}, "type": "kubernetes.io/tls"}, "data[tls.crt]", "FieldValueRequired"),
    ],
)
def test_objects_that_break_a_rule(api: API, secrets: str, body: object, field: str, reason: str) -> None:
    status = failure(api.request("POST", secrets, body), 422, "Invalid")
    causes = status["details"]["causes"]
    assert (causes[0]["field"], causes[0]["reason"]) == (field, reason), causes
    assert status["details"]["kind"] == "Secret"


def test_too_large_a_request(api: API, secrets: str) -> None:
    status = failure(api.request("POST", secrets, b" " * 3_145_729), 413, "RequestEntityTooLarge")
    assert status["message"] == "Request entity too large: limit is 3145728"


def test_media_types(api: API, secrets: str) -> None:
    reply = api.request("POST", secrets, b"x", content_type="text/plain")
    assert failure(reply, 415, "UnsupportedMediaType")["message"] == (
        f"the body of the request was in an unknown format - accepted media types include: {MEDIA_TYPES}"
    )
    reply = api.request("PATCH", f"{secrets}/there", b"{}", content_type="text/plain")
    status = failure(reply, 415, "UnsupportedMediaType")
    assert (status["message"], status["details"]) == ("415: Unsupported Media Type", {})
    reply = api.request("GET", secrets, headers={"Accept": "image/png"})
    assert failure(reply, 406, "NotAcceptable")["message"].startswith(
        "only the following media types are accepted: "
    )


def test_methods_and_paths(api: API, secrets: str) -> None:
    failure(api.request("POST", f"{secrets}/there", b"{}"), 405, "MethodNotAllowed")
    failure(api.request("PUT", secrets, b"{}"), 405, "MethodNotAllowed")
    failure(api.request("GET", "/api/v1/turnips"), 404, "NotFound")
    failure(api.request("GET", "/api/v7/secrets"), 404, "NotFound")
    reply = api.request("GET", "/nowhere")
    assert (reply.status, reply.body) == (404, b"404 page not found\n")
    status = failure(api.request("GET", f"{secrets}/missing"), 404, "NotFound")
    assert status["message"] == 'secrets "missing" not found'
    assert status["details"] == {"name": "missing", "kind": "secrets"}


def test_who_is_not_known_learns_nothing(cluster: clusters.Cluster, api: API, secrets: str) -> None:
    for token in ("", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "y" * 5000):
        reply = api.request("GET", f"{secrets}/there", headers={"Authorization": token})
        assert reply.status == 401, reply.body
        assert b"dg==" not in reply.body


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("labelSelector=a%20b%20c", "unable to parse requirement: found 'b', expected: in, notin, =, "),
        ("fieldSelector=data.k%3Dv", "field label not supported: data.k"),
        ("resourceVersion=x", 'invalid resource version: resourceVersion: Invalid value: "x": '),
        ("limit=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("continue=nonsense", "invalid continue token: continue key is not valid: "),
    ],
)
def test_query_parameters(api: API, secrets: str, query: str, text: str) -> None:
    status = failure(api.request("GET", f"{secrets}?{query}"), 400, "BadRequest")
    assert status["message"].startswith(text)


def test_writes_that_lost_the_race(api: API, secrets: str) -> None:
    there = api.ok("GET", f"{secrets}/there")
    stale = there | {"metadata": {**there["metadata"], "resourceVersion": "1"}, "data": {"k": "bmV3"}}
    assert failure(api.request("PUT", f"{secrets}/there", stale), 409, "Conflict")["message"] == (
        'Operation cannot be fulfilled on secrets "there": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    stale = {"metadata": {"resourceVersion": "1"}, "data": {"k": "bmV3"}}
    failure(api.request("PATCH", f"{secrets}/there", stale, content_type=MERGE), 409, "Conflict")
    body = {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
    failure(api.request("DELETE", f"{secrets}/there", body), 409, "Conflict")
    failure(api.request("POST", secrets, {"metadata": {"name": "there"}}), 409, "AlreadyExists")


@pytest.mark.parametrize(
    ("patch", "media_type", "code"),
    [
        (b"{", MERGE, 400),
        (b"[]", MERGE, 400),
        (b'{"data":{"k":"***"}}', MERGE, 422),
        (b'{"metadata":{"name":"other"}}', MERGE, 400),
        (b'{"type":"other"}', "application/strategic-merge-patch+json", 422),
        (b'[{"op":"test","path":"/type","value":"x"}]', "application/json-patch+json", 422),
        (b'[{"op":"jump"}]', "application/json-patch+json", 422),
        (b"{}", "application/json-patch+json", 400),
    ],
)
def test_patches(api: API, secrets: str, patch: bytes, media_type: str, code: int) -> None:
    before = api.ok("GET", f"{secrets}/there")
    reply = api.request("PATCH", f"{secrets}/there", patch, content_type=media_type)
    failure(reply, code, {400: "BadRequest", 422: "Invalid"}[code])
    assert api.ok("GET", f"{secrets}/there") == before


def test_values_of_refused_requests_are_in_no_log(cluster: clusters.Cluster, api: API, secrets: str) -> None:
    value = "refused-canary-5d0c"
    for body, code in (
        (json.dumps({"metadata": {"name": "a"}, "data": {"k": value}}).encode(), 400),
        (json.dumps({"metadata": {"name": "UPPER"}, "stringData": {"k": value}}).encode(), 422),
        (b'{"metadata":{"name":"a"},"stringData":{"k":"' + value.encode() + b'"', 400),
    ):
        reply = api.request("POST", secrets, body)
        assert reply.status == code
        assert value.encode() not in reply.body
    assert value not in cluster.output.read_text()
