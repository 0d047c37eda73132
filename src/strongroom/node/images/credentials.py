"""Registry credentials from Secrets of a pod's `imagePullSecrets`, and from files of the node. Pure.

Two forms are read: `.dockerconfigjson` (its `auths`) and the older `.dockercfg`. The registries that an entry
is for may have globs in the labels of the host name.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import orjson

from strongroom.machinery.gvk import Object
from strongroom.node.volumes import secret as secrets

_DOCKER_HUB = "index.docker.io"
_SCHEME = re.compile(r"^https?://")


class CredentialsError(Exception):
    """A pull Secret that cannot be read. `str()` has no part of it."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A user of a registry."""

    username: str
    password: str = field(repr=False)


Keyring = Mapping[str, tuple[Credential, ...]]
"""Credentials by normalised key: `host[:port][/path]`."""


def keyring(pull_secrets: Iterable[Object]) -> Keyring:
    """One keyring from Secrets in the order they are listed. Raises `CredentialsError`."""
    return _ring(_entries(pull_secret) for pull_secret in pull_secrets)


def of_file(content: bytes, *, legacy: bool) -> Keyring:
    """The keyring of a `config.json` of Docker's or, `legacy`, a `.dockercfg`. Raises `CredentialsError`."""
    try:
        document = orjson.loads(content)
        entries = document if legacy else document.get("auths") or {}
        return _ring([{str(server): dict(entry) for server, entry in entries.items()}])
    except (ValueError, AttributeError, TypeError):
        raise CredentialsError("not a registry configuration") from None


def _ring(sources: Iterable[Mapping[str, Any]]) -> Keyring:
    ring: dict[str, list[Credential]] = {}
    for source in sources:
        for server, entry in source.items():
            credential = _credential(entry)
            known = ring.setdefault(normalize(server), [])
            if credential not in known:
                known.append(credential)
    return {key: tuple(credentials) for key, credentials in ring.items()}


def find(ring: Keyring, repository: str) -> list[Credential]:
    """Credentials for an image repository such as `docker.io/library/nginx`, in the order to be tried."""
    found: list[Credential] = []
    for key in sorted(ring, reverse=True):
        if matches(key, repository):
            found += ring[key]
    if not found and _is_docker_hub(repository):
        found += ring.get(_DOCKER_HUB, ())
    return list(dict.fromkeys(found))


def normalize(server: str) -> str:
    """The key of an entry: without scheme, and without the path of a registry's API version."""
    key = _SCHEME.sub("", server)
    host, slash, path = key.partition("/")
    if slash and (path in ("v1", "v2") or path.startswith(("v1/", "v2/"))):
        path = path[2:].lstrip("/")
    return f"{host}/{path}" if path else host


def matches(key: str, repository: str) -> bool:
    """Whether an entry's key is for a repository: host label by label, port and path as text."""
    key_host, _, key_path = key.partition("/")
    host, _, path = repository.partition("/")
    key_name, key_port = _split_port(key_host)
    name, port = _split_port(host)
    key_labels, labels = key_name.split("."), name.split(".")
    return (
        key_port == port
        and len(key_labels) == len(labels)
        and f"/{path}".startswith(f"/{key_path}" if key_path else "")
        and all(fnmatchcase(label, _glob(pattern)) for pattern, label in zip(key_labels, labels, strict=True))
    )


def _glob(pattern: str) -> str:
    return pattern.replace("[^", "[!")


def _split_port(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and not host.endswith("]") else (host, "")


def _is_docker_hub(repository: str) -> bool:
    first = repository.partition("/")[0]
    return first in ("docker.io", _DOCKER_HUB) or not ("." in first or ":" in first or first == "localhost")


def _entries(pull_secret: Object) -> dict[str, Any]:
    kind = pull_secret.get("type")
    data = secrets.data_of(pull_secret)
    try:
        if kind == "kubernetes.io/dockerconfigjson" and ".dockerconfigjson" in data:
            entries = orjson.loads(data[".dockerconfigjson"]).get("auths") or {}
        elif kind == "kubernetes.io/dockercfg" and ".dockercfg" in data:
            entries = orjson.loads(data[".dockercfg"])
        else:
            return {}
        return {str(server): dict(entry) for server, entry in entries.items()}
    except (ValueError, AttributeError, TypeError):
        raise CredentialsError("unable to parse the registry configuration in a pull secret") from None


def _credential(entry: Mapping[str, Any]) -> Credential:
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if auth := entry.get("auth"):
        username, password = _decode_auth(str(auth))
    return Credential(username, password)


def _decode_auth(auth: str) -> tuple[str, str]:
    padded = auth + "=" * (-len(auth) % 4)
    try:
        username, colon, password = base64.b64decode(padded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise CredentialsError("unable to decode an auth field of a registry configuration") from None
    if not colon:
        raise CredentialsError(
            "unable to parse an auth field of a registry configuration, must be formatted as"
            " base64(username:password)"
        )
    return username, password
