"""What Kubernetes' kinds look like: read from `_generated_schema.zip`, each part only when asked for.

The file is made by `scripts/hatch_build.py` from the OpenAPI definitions and `protobuf_table.txt`. The kinds
that are not Kubernetes' but ours stand in `own_kinds.json`, in the same words.
"""

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from strongroom.machinery.codec import json, protobuf, structs, types
from strongroom.machinery.gvk import Resource
from strongroom.machinery.patch.schema import FieldSchema, Schema

_GENERATED: Final = Path(__file__).with_name("_generated_schema.zip")
_OWN: Final = Path(__file__).with_name("own_kinds.json")
_OWN_GROUPS: Final = frozenset(("delivery",))


@dataclass(frozen=True, slots=True)
class Owners:
    """What server-side apply needs beside the types; `scripts/hatch_build.py` says what the parts mean."""

    atomic: frozenset[str]
    fields: dict[str, dict[str, str]]
    defaults: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Types:
    """The part that decoding needs."""

    kubernetes: str
    kinds: dict[str, str]
    table: types.TypeTable
    structs: structs.Structs
    merges: dict[str, dict[str, tuple[str, str]]]
    owners: Owners


def _read(member: str) -> Any:
    try:
        with zipfile.ZipFile(_GENERATED) as archive:
            return json.decode(archive.read(member))
    except FileNotFoundError:
        raise RuntimeError(f"{_GENERATED} is missing: `make gen` writes it") from None


@cache
def _types() -> _Types:
    loaded, own = _read("types.json"), json.decode(_OWN.read_bytes())
    table = types.TypeTable(loaded["types"] | own["types"])
    owners = loaded.get("owners")
    if owners is None:
        raise RuntimeError(f"{_GENERATED} is of an earlier version: `make gen` writes it")
    return _Types(
        loaded["kubernetes"],
        loaded["kinds"] | own["kinds"],
        table,
        structs.Structs(table),
        loaded["merges"],
        Owners(frozenset(owners["atomic"]), owners["fields"], owners["defaults"]),
    )


def definitions() -> dict[str, dict[str, Any]]:
    """All OpenAPI definitions by full name (`io.k8s.api.core.v1.Secret`), with descriptions.

    They are read anew each time: some megabytes that only `/openapi/v3` needs, and once."""
    loaded: dict[str, dict[str, Any]] = _read("definitions.json")
    own: dict[str, dict[str, Any]] = json.decode(_OWN.read_bytes())["definitions"]
    return loaded | own


def definition(name: str) -> dict[str, Any]:
    """One OpenAPI definition by its full name. Raises KeyError."""
    return definitions()[name]


def definition_name(message: str) -> str:
    """`io.k8s.api.core.v1.Secret` for the message `core.v1.Secret`."""
    group, rest = message.split(".", 1)
    if group == "meta":
        return f"io.k8s.apimachinery.pkg.apis.meta.{rest}"
    if group in _OWN_GROUPS:
        return f"dev.strongroom.{message}"
    return f"io.k8s.api.{message}"


def for_kind(group: str, version: str, kind: str) -> str | None:
    """The message of a kind (`core.v1.Secret`); None: not a kind that we know."""
    return _types().kinds.get(f"{group}/{version}/{kind}")


def kubernetes_version() -> str:
    """The Kubernetes release that the schemas are of: `v1.36.0`."""
    return _types().kubernetes


def table() -> types.TypeTable:
    """The fields of all messages."""
    return _types().table


def owners() -> Owners:
    """How fields and lists are owned."""
    return _types().owners


@cache
def has_field(message: str, name: str) -> bool:
    """Whether objects of the message have such a field."""
    return any(field.name == name for field in table().json_fields(message))


def decoder(message: str) -> structs.Decode:
    """What turns decoded JSON into an object of the message."""
    return _types().structs.decoder(message)


def complete(message: str, given: dict[str, Any]) -> dict[str, Any]:
    """`given` with the fields that are printed in any case, in the order in which Go prints them all."""
    return _types().structs.zeros.complete(message, given)


@cache
def protobuf_decoder() -> protobuf.Decoder:
    """What decodes protobuf messages of all kinds."""
    return protobuf.Decoder(table())


class _MergeSchema:
    """Strategic merge's view of a message."""

    __slots__ = ("_fields", "_message")

    def __init__(self, message: str) -> None:
        self._message = message
        self._fields: dict[str, FieldSchema] | None = None

    def field(self, name: str) -> FieldSchema | None:
        if self._fields is None:
            self._fields = self._load()
        return self._fields.get(name)

    def _load(self) -> dict[str, FieldSchema]:
        merges = _types().merges.get(self._message, {})
        fields = {}
        for field in table().json_fields(self._message):
            strategy, key = merges.get(field.name, ("", ""))
            inner = field.type.element if field.type.kind == "list" and field.type.element else field.type
            child = _merge_schema(inner.message) if inner.kind == "message" else None
            strategies = frozenset(strategy.split(",")) if strategy else frozenset[str]()
            fields[field.name] = FieldSchema(strategies, key, child)
        return fields


@cache
def _merge_schema(message: str) -> Schema:
    return _MergeSchema(message)


def merge_schema(resource: Resource) -> Schema:
    """How the fields of the resource's kind merge in a strategic merge patch. Raises KeyError."""
    message = for_kind(resource.group, resource.version, resource.kind)
    if message is None:
        raise KeyError(resource.group_kind)
    return _merge_schema(message)
