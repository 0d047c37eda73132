"""What is served, in the words of discovery: legacy documents, and one aggregated one with an ETag.

All of it follows from the catalog and is encoded once, at the start.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from strongroom.api.strategy import Strategy, Subresource
from strongroom.machinery import status
from strongroom.machinery.gvk import Resource
from strongroom.server import negotiation, responses
from strongroom.server.request import Request

Document = dict[str, Any]
_AGGREGATED_GROUP: Final = "apidiscovery.k8s.io"
_AGGREGATED_KIND: Final = "APIGroupDiscoveryList"
_REPEATED: Final = ("as", "g", "v")


class Discovery:
    """Answers `/api`, `/apis`, and the documents below them that name groups and versions."""

    def __init__(self, strategies: Sequence[Strategy], server_address: str) -> None:
        self._documents: dict[str, Document] = {}
        by_version: dict[tuple[str, str], list[Strategy]] = {}
        for strategy in strategies:
            key = (strategy.resource.group, strategy.resource.version)
            by_version.setdefault(key, []).append(strategy)
        self._by_version = {
            key: sorted(found, key=lambda s: s.resource.plural) for key, found in sorted(by_version.items())
        }
        self._aggregated = {
            (root, version): _Aggregated(self._group_discovery(core=root == "/api", version=version))
            for root in ("/api", "/apis")
            for version in ("v2", "v2beta1")
        }
        self._build(server_address)

    def _build(self, server_address: str) -> None:
        self._documents["/api"] = {
            "kind": "APIVersions",
            "versions": [version for group, version in self._by_version if not group],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
        }
        groups = [self._group(name) for name in dict.fromkeys(g for g, _ in self._by_version if g)]
        self._documents["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        for group in groups:
            self._documents[f"/apis/{group['name']}"] = {"kind": "APIGroup", "apiVersion": "v1", **group}
        for (name, version), found in self._by_version.items():
            head: Document = {"kind": "APIResourceList"}
            if name:
                head["apiVersion"] = "v1"
            head["groupVersion"] = f"{name}/{version}" if name else version
            resources = [entry for strategy in found for entry in _resources(strategy)]
            head["resources"] = sorted(resources, key=lambda entry: str(entry["name"]))
            self._documents[f"/apis/{name}/{version}" if name else f"/api/{version}"] = head

    def _group(self, name: str) -> Document:
        versions = [
            {"groupVersion": f"{group}/{version}", "version": version}
            for group, version in self._by_version
            if group == name
        ]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _group_discovery(self, *, core: bool, version: str) -> Document:
        items: dict[str, Document] = {}
        for (group, group_version), found in self._by_version.items():
            if bool(group) is core:
                continue
            item = items.setdefault(group, {"metadata": {"name": group} if group else {}, "versions": []})
            resources = [_discovered(strategy) for strategy in found]
            item["versions"].append(
                {"version": group_version, "resources": resources, "freshness": "Current"}
            )
        return {
            "kind": _AGGREGATED_KIND,
            "apiVersion": f"{_AGGREGATED_GROUP}/{version}",
            "metadata": {},
            "items": list(items.values()),
        }

    @property
    def paths(self) -> list[str]:
        """All paths that are answered here."""
        return list(self._documents)

    def has(self, path: str) -> bool:
        return path.rstrip("/") in self._documents

    async def serve(self, request: Request) -> None:
        """Answer a path that `has` knows. Raises StatusError 405, 406.

        Kubernetes lists groups, and the versions of one, by whatever method; resources by GET alone.
        """
        path = request.path.rstrip("/")
        if request.method != "GET" and (path.count("/") == 3 or not path.startswith("/apis")):
            raise status.method_not_allowed()
        if path in ("/api", "/apis"):
            for version, content_type in _asked_aggregated(request.header(b"accept")):
                await self._aggregated[path, version].send(request, content_type)
                return
        await responses.decoded(request, 200, self._documents[path], negotiation.choose(request))


class _Aggregated:
    def __init__(self, document: Document) -> None:
        self._body = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
        self._etag = f'"{hashlib.sha512(self._body).hexdigest().upper()}"'.encode()

    async def send(self, request: Request, content_type: bytes) -> None:
        headers = [(b"etag", self._etag), (b"vary", b"Accept")]
        kind = (b"content-type", content_type)
        if self._etag in request.headers.get(b"if-none-match", b""):
            await responses.send(request, 304, b"", kind, headers, cache=responses.PUBLIC)
        else:
            await responses.send(request, 200, self._body, kind, headers, cache=responses.PUBLIC)


def _asked_aggregated(accept: str) -> Iterator[tuple[str, bytes]]:
    """The first clause of `Accept` that asks for aggregated discovery, if no plain one stands before it."""
    for clause in accept.split(","):
        media, *parameters = [part.strip() for part in clause.split(";")]
        given: Mapping[str, str] = dict(p.partition("=")[::2] for p in parameters)
        if media != negotiation.JSON:
            continue
        if given.get("as") != _AGGREGATED_KIND:
            return
        if given.get("g") == _AGGREGATED_GROUP and given.get("v") in ("v2", "v2beta1"):
            version = given["v"]
            yield version, f"{media};g={_AGGREGATED_GROUP};v={version};as={_AGGREGATED_KIND}".encode()
            return


def storage_version_hash(resource: Resource) -> str:
    """How a client notices that a kind is stored in another version than before."""
    text = f"{resource.group}/{resource.version}/{resource.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _resources(strategy: Strategy) -> Iterator[Document]:
    resource = strategy.resource
    entry: Document = {
        "name": resource.plural,
        "singularName": strategy.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": sorted(strategy.verbs),
    }
    if strategy.short_names:
        entry["shortNames"] = list(strategy.short_names)
    if strategy.categories:
        entry["categories"] = list(strategy.categories)
    if "get" in strategy.verbs:
        entry["storageVersionHash"] = storage_version_hash(strategy.view_of or resource)
    yield entry
    for sub in strategy.subresources:
        below: Document = {
            "name": f"{resource.plural}/{sub.name}",
            "singularName": "",
            "namespaced": resource.namespaced,
        }
        if sub.group:
            below["group"] = sub.group
        if sub.version:
            below["version"] = sub.version
        yield {**below, "kind": sub.kind, "verbs": sorted(sub.verbs)}


def _discovered(strategy: Strategy) -> Document:
    resource = strategy.resource
    entry: Document = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": strategy.singular,
        "verbs": sorted(strategy.verbs),
    }
    if strategy.short_names:
        entry["shortNames"] = list(strategy.short_names)
    if strategy.categories:
        entry["categories"] = list(strategy.categories)
    if strategy.subresources:
        entry["subresources"] = [_subresource(resource, sub) for sub in strategy.subresources]
    return entry


def _subresource(resource: Resource, sub: Subresource) -> Document:
    kind = {
        "group": sub.group or resource.group,
        "version": sub.version or resource.version,
        "kind": sub.kind,
    }
    return {"subresource": sub.name, "responseKind": kind, "verbs": sorted(sub.verbs)}
