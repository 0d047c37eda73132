"""Calls become requests, answers become objects or errors."""

import pytest

from strongroom.client import requests
from strongroom.machinery import gvk, status

SECRETS = gvk.Resource("", "v1", "secrets", "Secret")
DEPLOYMENTS = gvk.Resource("apps", "v1", "deployments", "Deployment")


def test_get_names_the_object() -> None:
    request = requests.get(SECRETS, "a", "n")
    assert (request.method, request.path, request.body) == ("GET", "/api/v1/namespaces/n/secrets/a", b"")


def test_list_sends_only_what_is_set() -> None:
    assert requests.list_page(DEPLOYMENTS, None, requests.ListOptions()).query == ()
    request = requests.list_page(
        DEPLOYMENTS, "n", requests.ListOptions("metadata.name=a", "app", "7", 500, "token")
    )
    assert request.path == "/apis/apps/v1/namespaces/n/deployments"
    assert dict(request.query) == {
        "fieldSelector": "metadata.name=a",
        "labelSelector": "app",
        "resourceVersion": "7",
        "limit": "500",
        "continue": "token",
    }


def test_watch_asks_for_initial_events_as_the_api_wants_it() -> None:
    request = requests.watch(
        SECRETS, None, requests.ListOptions(), bookmarks=True, initial_events=True, timeout_seconds=60
    )
    assert dict(request.query) == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "timeoutSeconds": "60",
    }
    plain = requests.watch(
        SECRETS, None, requests.ListOptions(resource_version="5"), bookmarks=False, initial_events=False
    )
    assert dict(plain.query) == {"resourceVersion": "5", "watch": "true"}


def test_writes_say_what_they_send() -> None:
    obj = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}}
    created = requests.create(SECRETS, obj, "n", "", "")
    assert (created.method, created.path) == ("POST", "/api/v1/namespaces/n/secrets")
    assert created.headers == {"content-type": "application/json"}
    assert requests.create(SECRETS, obj, "n", "binding", "p").path == "/api/v1/namespaces/n/secrets/p/binding"
    updated = requests.update(SECRETS, obj, "n", "status")
    assert (updated.method, updated.path) == ("PUT", "/api/v1/namespaces/n/secrets/a/status")
    patched = requests.patch(SECRETS, "a", {"x": 1}, "n", "", requests.MERGE_PATCH)
    assert patched.headers == {"content-type": "application/merge-patch+json"}
    assert patched.body == b'{"x":1}'


def test_a_body_does_not_print() -> None:
    obj = {"metadata": {"name": "a"}, "data": {"k": "czNjcmV0"}}
    assert "czNjcmV0" not in repr(requests.create(SECRETS, obj, "n", "", ""))


def test_delete_has_a_body_only_when_it_says_something() -> None:
    assert requests.delete(SECRETS, "a", "n").body == b""
    request = requests.delete(SECRETS, "a", "n", grace_period_seconds=0, uid="u", resource_version="5")
    assert request.body == (
        b'{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,'
        b'"preconditions":{"uid":"u","resourceVersion":"5"}}'
    )
    collection = requests.delete(SECRETS, None, "n", options=requests.ListOptions(label_selector="app"))
    assert (collection.path, collection.query) == (
        "/api/v1/namespaces/n/secrets",
        (("labelSelector", "app"),),
    )


def test_an_answer_is_its_object() -> None:
    assert requests.decode(201, {}, b'{"kind":"Secret"}') == {"kind": "Secret"}


def test_a_status_is_its_error() -> None:
    body = status.not_found(SECRETS, "a").body()
    with pytest.raises(status.StatusError, match='secrets "a" not found') as caught:
        requests.decode(404, {}, body)
    assert (caught.value.code, caught.value.reason) == (404, "NotFound")


def test_plain_text_is_an_error_with_the_reason_of_its_code() -> None:
    error = requests.error(429, {"retry-after": "3"}, b"Too many requests, please try again later.\n")
    assert (error.reason, error.message) == ("TooManyRequests", "Too many requests, please try again later.")
    assert error.retry_after == 3
    assert requests.error(502, {}, b"").message == "the server answered 502"


@pytest.mark.parametrize("body", [b"{s3cret", b"[]", b""])
def test_success_without_an_object_is_an_error_that_does_not_quote_it(body: bytes) -> None:
    with pytest.raises(status.StatusError) as caught:
        requests.decode(200, {}, body)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("", 0), ("soon", 0), ("-1", 0), ("²", 0)])
def test_retry_after_is_read_when_it_is_a_number(value: str, seconds: int) -> None:
    assert requests.retry_after({"retry-after": value}) == seconds


def test_metadata_alone_is_asked_for_by_its_media_type() -> None:
    assert requests.get(SECRETS, "a", "n").headers == {}
    headers = requests.get(SECRETS, "a", "n", metadata_only=True).headers
    assert headers == {"accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}


def test_a_deletion_says_what_becomes_of_dependents_only_when_asked() -> None:
    assert requests.delete(SECRETS, "a", "n").body == b""
    body = requests.delete(SECRETS, "a", "n", propagation_policy="Orphan").body
    assert body == b'{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Orphan"}'
