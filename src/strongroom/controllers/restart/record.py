"""What is noted in a workload of the Secrets that its Pods were started with. Pure.

The note is an annotation, so it outlives the controller, and is written in one request with the restart that
it belongs to: after a crash both are there or neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

ALL = "*"


@dataclass(frozen=True, slots=True)
class Seen:
    """A Secret as it was seen. `keys`: those that are used, None: all. `seal`: of their values, made with
    the key whose id is `key`."""

    uid: str
    resource_version: str
    keys: tuple[str, ...] | None
    seal: str
    key: str


@dataclass(frozen=True, slots=True)
class Restart:
    """A restart that is under way: its mark in the template, and the Secrets that it is for."""

    at: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """By name of the Secret."""

    secrets: Mapping[str, Seen] = field(default_factory=dict)
    restart: Restart | None = None


def dump(record: Record) -> str:
    """As text of an annotation."""
    secrets = {
        name: {
            "uid": seen.uid,
            "resourceVersion": seen.resource_version,
            "keys": ALL if seen.keys is None else list(seen.keys),
            "seal": seen.seal,
            "key": seen.key,
        }
        for name, seen in record.secrets.items()
    }
    found: dict[str, Any] = {"secrets": secrets}
    if record.restart is not None:
        found["restart"] = {"at": record.restart.at, "secrets": list(record.restart.secrets)}
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()


def parse(text: str) -> Record:
    """What somebody else wrote there counts as nothing seen."""
    try:
        found = orjson.loads(text)
        restart = found.get("restart")
        return Record(
            {str(name): _seen(seen) for name, seen in found["secrets"].items()},
            Restart(str(restart["at"]), tuple(map(str, restart["secrets"]))) if restart else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Record()


def _seen(seen: Mapping[str, Any]) -> Seen:
    keys = None if seen["keys"] == ALL else tuple(map(str, seen["keys"]))
    return Seen(str(seen["uid"]), str(seen["resourceVersion"]), keys, str(seen["seal"]), str(seen["key"]))
