"""Kubernetes' EncryptionConfiguration: which resources which providers encrypt. Pure; errors quote no key."""

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from strongroom.machinery.sensitive import Sensitive

API_VERSIONS: Final = ("apiserver.config.k8s.io/v1",)
DEFAULT_TIMEOUT: Final = 3.0
"""Seconds that a KMS plugin has for an answer."""

_SIZES: Final[Mapping[str, tuple[int, ...]]] = {
    "aesgcm": (16, 24, 32),
    "aescbc": (16, 24, 32),
    "secretbox": (32,),
}
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_RESOURCE: Final = re.compile(r"\*\.(\*|[a-z0-9.-]*)|[a-z0-9-]+(\.[a-z0-9.-]*)?")


class ConfigError(Exception):
    """The configuration can't be used: the text names the field."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A provider `kind` (aesgcm, aescbc or secretbox) and its keys by name; the first one writes."""

    kind: str
    keys: Mapping[str, Sensitive]


@dataclass(frozen=True, slots=True)
class KMS:
    """A KMS v2 plugin behind `endpoint` (`unix:///…`), or `keyring`: this machine's own."""

    name: str
    endpoint: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Identity:
    """No encryption."""


Provider = Keys | KMS | Identity


@dataclass(frozen=True, slots=True)
class Block:
    """`resources`: `name`, `name.group`, `*.` (the core group), `*.group` or `*.*`."""

    resources: Sequence[str]
    providers: Sequence[Provider]


def parse(text: str) -> Sequence[Block]:
    """The blocks of a configuration, in their order. Raises ConfigError."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"line {mark.line + 1}: not YAML" if mark else "not YAML") from None
    _fields(document, "", ("apiVersion", "kind", "resources", "metadata"))
    if document.get("apiVersion") not in API_VERSIONS or document.get("kind") != "EncryptionConfiguration":
        raise ConfigError(f"it is no EncryptionConfiguration of {API_VERSIONS[0]}")
    blocks = [_block(item, f"resources[{n}]") for n, item in _items(document, "resources", "resources")]
    seen: set[str] = set()
    names: set[str] = set()
    for number, block in enumerate(blocks):
        for resource in block.resources:
            if resource in seen:
                raise ConfigError(f"resources[{number}].resources: {resource!r} occurs twice")
            seen.add(resource)
        for provider in block.providers:
            if isinstance(provider, KMS):
                if provider.name in names and provider.endpoint != KEYRING:
                    raise ConfigError(f"resources[{number}]: the kms name {provider.name!r} occurs twice")
                names.add(provider.name)
    return blocks


KEYRING: Final = "keyring"
"""The endpoint that stands for this machine's keyring."""


def block_for(blocks: Sequence[Block], resource: str, group: str) -> Block | None:
    """The first block that holds a resource; None: it is stored as it is."""
    wanted = {"*.*", f"*.{group}", f"{resource}.{group}", *([resource] if not group else [])}
    return next((block for block in blocks if wanted.intersection(block.resources)), None)


def _block(item: Any, at: str) -> Block:
    _fields(item, at, ("resources", "providers"))
    resources = [name for _, name in _items(item, "resources", f"{at}.resources")]
    for number, name in enumerate(resources):
        if not isinstance(name, str) or not _RESOURCE.fullmatch(name):
            raise ConfigError(f"{at}.resources[{number}]: not a resource")
    providers = [
        _provider(each, f"{at}.providers[{n}]") for n, each in _items(item, "providers", f"{at}.providers")
    ]
    return Block(resources, providers)


def _provider(item: Any, at: str) -> Provider:
    _fields(item, at, (*_SIZES, "kms", "identity"))
    if len(item) != 1:
        raise ConfigError(f"{at}: exactly one provider is needed")
    (kind, content) = next(iter(item.items()))
    if kind == "identity":
        _fields(content or {}, f"{at}.identity", ())
        return Identity()
    if kind == "kms":
        return _kms(content, f"{at}.kms")
    at = f"{at}.{kind}"
    _fields(content, at, ("keys",))
    keys: dict[str, Sensitive] = {}
    for number, key in _items(content, "keys", f"{at}.keys"):
        here = f"{at}.keys[{number}]"
        _fields(key, here, ("name", "secret"))
        name, secret = key.get("name"), key.get("secret")
        if not isinstance(name, str) or not name or ":" in name:
            raise ConfigError(f"{here}.name: a name without colons is needed")
        if name in keys:
            raise ConfigError(f"{here}.name: {name!r} occurs twice")
        keys[name] = Sensitive(_secret(secret, _SIZES[kind], here))
    return Keys(kind, keys)


def _secret(secret: Any, sizes: Collection[int], at: str) -> bytes:
    try:
        key = base64.b64decode(secret, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ConfigError(f"{at}.secret: not base64") from None
    if len(key) not in sizes:
        wanted = " or ".join(map(str, sizes))
        raise ConfigError(f"{at}.secret: {len(key)} bytes, but {wanted} are needed")
    return key


def _kms(content: Any, at: str) -> KMS:
    _fields(content, at, ("apiVersion", "name", "endpoint", "timeout", "cachesize"))
    if content.get("apiVersion") != "v2":
        raise ConfigError(f"{at}.apiVersion: v2 is needed")
    if "cachesize" in content:
        raise ConfigError(f"{at}.cachesize: not supported with v2")
    name, endpoint = content.get("name"), content.get("endpoint")
    if not isinstance(name, str) or not name or ":" in name:
        raise ConfigError(f"{at}.name: a name without colons is needed")
    if not isinstance(endpoint, str) or not (endpoint.startswith("unix:///") or endpoint == KEYRING):
        raise ConfigError(f"{at}.endpoint: unix:///path/to/socket is needed, or {KEYRING}")
    timeout = DEFAULT_TIMEOUT
    if "timeout" in content:
        try:
            timeout = _seconds(str(content["timeout"]))
        except ValueError:
            timeout = 0.0
        if timeout <= 0:
            raise ConfigError(f"{at}.timeout: a duration such as 3s is needed")
    return KMS(name, endpoint, timeout)


def _seconds(text: str) -> float:
    """A duration such as `3s` or `1m500ms`. Raises ValueError."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _fields(value: Any, at: str, known: Collection[str]) -> None:
    where = f"{at}: " if at else ""
    if not isinstance(value, dict):
        raise ConfigError(f"{where}not a mapping")
    for name in value:
        if name not in known:
            raise ConfigError(f"{where}unknown field {str(name)[:63]!r}")


def _items(value: Mapping[str, Any], name: str, at: str) -> list[tuple[int, Any]]:
    items = value.get(name)
    if not isinstance(items, list) or not items:
        raise ConfigError(f"{at}: a list of at least one is needed")
    return list(enumerate(items))
