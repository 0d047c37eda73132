"""`/openapi/v3`: the index, and one OpenAPI 3.0 document for each group and version. `/openapi/v2`: one for
all.

Made when first asked for, then kept; all of it follows from the served kinds and the schemas of the package.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from strongroom.api import openapi_paths, openapi_v2, schema
from strongroom.api.strategy import Strategy
from strongroom.machinery.codec import json, swagger

_PATCH: Final = {
    "description": "Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.",
    "type": "object",
}
_REFERENCE: Final = re.compile(rb'"#/components/schemas/([^"]+)"')


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of a document, and the hash of them that its address carries."""

    body: bytes
    hash: str

    @property
    def etag(self) -> str:
        return f'"{self.hash}"'


class OpenAPI:
    """The documents of a set of kinds."""

    def __init__(self, strategies: Iterable[Strategy]) -> None:
        self._by_path: dict[str, list[Strategy]] = {}
        for strategy in strategies:
            resource = strategy.resource
            root = f"apis/{resource.group}" if resource.group else "api"
            self._by_path.setdefault(f"{root}/{resource.version}", []).append(strategy)

    @cached_property
    def index(self) -> Document:
        """The body of `/openapi/v3`: the address of each document, its hash included."""
        paths = {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={document.hash}"}
            for path, document in self._documents.items()
        }
        return _document({"paths": paths})

    def document(self, path: str) -> Document | None:
        """The document of `api/v1` or `apis/‹group›/‹version›`; None when nothing is served there."""
        return self._documents.get(path)

    @cached_property
    def v2(self) -> Document:
        """The body of `/openapi/v2` in JSON."""
        return _document(self._v2())

    @cached_property
    def v2_protobuf(self) -> Document:
        """The body of `/openapi/v2` in protobuf."""
        return _hashed(swagger.encode(self._v2()))

    def _v2(self) -> dict[str, Any]:
        parts = [json.decode(found.body) for found in self._documents.values()]
        return openapi_v2.document(parts, _info())

    @cached_property
    def _documents(self) -> dict[str, Document]:
        known = {**schema.definitions(), openapi_paths.PATCH_SCHEMA: _PATCH}
        return {
            path: _document(_build(strategies, known)) for path, strategies in sorted(self._by_path.items())
        }


def _info() -> dict[str, str]:
    return {"title": "Kubernetes", "version": schema.kubernetes_version()}


def _build(strategies: Iterable[Strategy], known: dict[str, Any]) -> dict[str, Any]:
    paths = {path: item for strategy in strategies for path, item in openapi_paths.paths(strategy)}
    return {
        "openapi": "3.0.0",
        "info": _info(),
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": _schemas(paths, known)},
    }


def _schemas(paths: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The schemas that the paths refer to, and those that they refer to in turn."""
    found: dict[str, Any] = {}
    names = _references(paths)
    while names:
        name = names.pop()
        if name not in found and name in known:
            found[name] = known[name]
            names |= _references(known[name])
    return dict(sorted(found.items()))


def _references(node: Any) -> set[str]:
    return {name.decode() for name in _REFERENCE.findall(json.encode(node))}


def _document(content: dict[str, Any]) -> Document:
    return _hashed(json.encode(content))


def _hashed(body: bytes) -> Document:
    return Document(body, hashlib.sha512(body).hexdigest().upper())
