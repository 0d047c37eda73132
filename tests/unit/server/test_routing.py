from typing import Any

import pytest

from strongroom.server import routing
from strongroom.server.request import Request


async def _never(*_: Any) -> Any:
    raise AssertionError


def _request(line: str) -> Request:
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": []}
    return Request(scope, _never, _never)


def _route(line: str) -> dict[str, Any]:
    info = routing.route(_request(line))
    return {
        name: value for name, value in info._asdict().items() if value and name not in ("path", "is_resource")
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET /api/v1/secrets", "list secrets"),
        ("GET /api/v1/secrets/", "list secrets"),
        ("GET /api/v1/namespaces/n/secrets", "list secrets in n"),
        ("GET /api/v1/namespaces/n/secrets/a", "get secrets a in n"),
        ("GET /api/v1/namespaces/n/secrets?watch=1", "watch secrets in n"),
        ("GET /api/v1/namespaces/n/secrets?watch=true", "watch secrets in n"),
        ("GET /api/v1/namespaces/n/secrets?watch", "watch secrets in n"),
        ("GET /api/v1/namespaces/n/secrets?watch=false", "list secrets in n"),
        ("GET /api/v1/namespaces/n/secrets?watch=0", "list secrets in n"),
        ("GET /api/v1/namespaces/n/secrets/a?watch=1", "watch secrets a in n"),
        ("GET /api/v1/watch/namespaces/n/secrets", "watch secrets in n"),
        ("GET /api/v1/watch/secrets", "watch secrets"),
        ("POST /api/v1/namespaces/n/secrets", "create secrets in n"),
        ("PUT /api/v1/namespaces/n/secrets/a", "update secrets a in n"),
        ("PATCH /api/v1/namespaces/n/secrets/a", "patch secrets a in n"),
        ("DELETE /api/v1/namespaces/n/secrets/a", "delete secrets a in n"),
        ("DELETE /api/v1/namespaces/n/secrets", "deletecollection secrets in n"),
        ("GET /api/v1/namespaces", "list namespaces"),
        ("GET /api/v1/namespaces/n", "get namespaces n in n"),
        ("PUT /api/v1/namespaces/n/finalize", "update namespaces/finalize n in n"),
        ("PATCH /api/v1/namespaces/n/status", "patch namespaces/status n in n"),
        ("GET /api/v1/nodes/n/status", "get nodes/status n"),
        ("POST /api/v1/namespaces/n/pods/p/binding", "create pods/binding p in n"),
        ("GET /api/v1/namespaces/n/pods/p/log?follow=true", "get pods/log p in n"),
        ("GET /api/v1/namespaces/n/pods/p/proxy/a/b", "get pods/proxy/a/b p in n"),
        ("GET /apis/apps/v1/namespaces/n/deployments/d", "get deployments.apps d in n"),
        ("GET /api/v1/namespaces/status/secrets", "list secrets in status"),
    ],
)
def test_resources(line: str, expected: str) -> None:
    info = _route(line)
    resource = info["resource"] + (f".{info['group']}" if "group" in info else "")
    if "subresource" in info:
        resource += f"/{info['subresource']}"
    shown = " ".join(filter(None, [info["verb"], resource, info.get("name", "")]))
    if "namespace" in info:
        shown += f" in {info['namespace']}"
    assert shown == expected
    assert info["version"] == "v1"


@pytest.mark.parametrize("path", ["/apis//v1/secrets", "/apis//v1/namespaces/n/secrets/a"])
def test_no_group_is_not_the_core_group(path: str) -> None:
    assert "version" not in _route(f"GET {path}")


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/healthz", "/x/y/z/a"],
)
def test_paths_that_are_no_resources(path: str) -> None:
    assert _route(f"GET {path}") == {"verb": "get"}


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE"])
def test_method_without_a_verb(method: str) -> None:
    assert "verb" not in _route(f"{method} /api/v1/secrets")


def test_name_comes_from_the_field_selector() -> None:
    info = _route("GET /api/v1/namespaces/n/secrets?fieldSelector=metadata.name%3Da&labelSelector=x")
    assert info["name"] == "a"
    assert info["field_selector"] == "metadata.name=a"
    assert info["label_selector"] == "x"
    assert "name" not in _route("GET /api/v1/namespaces/n/secrets?fieldSelector=metadata.name!%3Da")
    assert "name" not in _route("GET /api/v1/namespaces/n/secrets?fieldSelector=metadata.name%3Da%5C")


def test_path_decides_also_where_the_selector_names_another() -> None:
    assert _route("GET /api/v1/namespaces/n/secrets/a?fieldSelector=metadata.name%3Db")["name"] == "a"


def test_a_path_that_is_known_from_a_creation_means_the_same_to_every_method() -> None:
    path = "/api/v1/namespaces/n/secrets"
    lines = [f"{method} {path}{query}" for method in ("POST", "GET", "DELETE") for query in ("", "?watch=1")]
    first = [_route(line) for line in lines]
    assert [_route(line) for line in reversed(lines)] == first[::-1]
    assert [info["verb"] for info in first] == [
        *("create", "create", "list", "watch"),
        *("deletecollection", "deletecollection"),
    ]


@pytest.mark.parametrize(
    ("query", "true"),
    [
        ("", False),
        ("a=0", False),
        ("a=False", False),
        ("a", True),
        ("a=f", True),
        ("a=no", True),
        ("b=1", False),
    ],
)
def test_only_0_and_false_are_not_true(query: str, true: bool) -> None:
    assert routing.truthy(_request(f"GET /?{query}"), "a") is true
