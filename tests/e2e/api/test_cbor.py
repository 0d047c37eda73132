"""CBOR, which Kubernetes leaves off by default: clients that send it learn so by a 415, those that ask for it
by a 406, and both fall back on JSON as they do there."""

import pytest

from strongroom.testing.api import API, Reply

BODY = b"\xd9\xd9\xf7\xa1\x68metadata\xa1\x64name\x61a"
"""The self-describing tag, then {"metadata": {"name": "a"}}."""
KINDS = [
    "/api/v1/namespaces/{}/secrets",
    "/api/v1/namespaces/{}/configmaps",
    "/api/v1/namespaces/{}/serviceaccounts",
    "/api/v1/namespaces/{}/pods",
    "/api/v1/namespaces",
    "/api/v1/nodes",
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
]
REVIEWS = [
    "/apis/authentication.k8s.io/v1/tokenreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/api/v1/namespaces/{}/serviceaccounts/default/token",
]
UNKNOWN_BODY = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)
UNKNOWN_ANSWER = (
    "only the following media types are accepted: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)


def refusal(reply: Reply) -> tuple[int, str, str]:
    status = reply.json()
    assert (reply.headers["Content-Type"], status["kind"]) == ("application/json", "Status")
    return status["code"], status["reason"], status["message"]


@pytest.mark.parametrize("path", [*KINDS, *REVIEWS])
def test_bodies(api: API, namespace: str, path: str) -> None:
    path = path.format(namespace)
    media = "application/cbor"
    unsupported = (415, "UnsupportedMediaType", UNKNOWN_BODY)
    assert refusal(api.request("POST", path, BODY, content_type=media)) == unsupported
    if path.endswith(("reviews", "token")):
        return
    assert refusal(api.request("PUT", f"{path}/a", BODY, content_type=media)) == unsupported
    assert refusal(api.request("DELETE", f"{path}/a", BODY, content_type=media)) == unsupported
    assert api.request("GET", f"{path}/a").status == 404
    for media in ("application/cbor", "application/apply-patch+cbor"):
        assert refusal(api.request("PATCH", f"{path}/a", BODY, content_type=media)) == (
            415, "UnsupportedMediaType", "415: Unsupported Media Type"
        )  # fmt: skip


@pytest.mark.parametrize("path", [*KINDS, "/api/v1", "/apis"])
def test_answers(api: API, namespace: str, path: str) -> None:
    path = path.format(namespace)
    unacceptable = (406, "NotAcceptable", UNKNOWN_ANSWER)
    assert refusal(api.request("GET", path, headers={"Accept": "application/cbor"})) == unacceptable
    reply = api.request("GET", path, headers={"Accept": "application/cbor, application/json;q=0.9"})
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    reply.json()


def test_answers_to_changes_and_watches(api: API, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    unacceptable = (406, "NotAcceptable", UNKNOWN_ANSWER)
    accept = {"Accept": "application/cbor"}
    assert refusal(api.request("POST", path, {"metadata": {"name": "a"}}, headers=accept)) == unacceptable
    assert refusal(api.request("GET", f"{path}/a", headers=accept)) == unacceptable
    assert api.request("GET", f"{path}/a").status == 404
    for media in ("application/cbor-seq", "application/cbor;stream=watch"):
        watch = api.request("GET", f"{path}?watch=1&timeoutSeconds=1", headers={"Accept": media})
        assert refusal(watch) == unacceptable
