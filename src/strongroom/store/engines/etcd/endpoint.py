"""Where an etcd is and how one gets in: `etcd://HOST:PORT,HOST:PORT`, TLS and a user by parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

MIGRATION: Final = "/strongroom/migration"
"""A key that is there as long as the store is being filled from another one, and not to be used."""
_PORT: Final = 2379
_FILES: Final = ("ca", "cert", "key", "password-file")
_PARAMETERS: Final = frozenset((*_FILES, "user"))


class EndpointError(ValueError):
    """The address can't be used; the text names what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`hosts`: host:port of each member. `parameters`: files of TLS (`ca`, `cert`, `key`), and who one is
    (`user`, `password-file`). `tls`: whether the scheme was `etcds`."""

    hosts: tuple[str, ...]
    tls: bool
    parameters: Mapping[str, str]

    def file(self, name: str) -> bytes | None:
        """The content of a parameter's file. Raises EndpointError."""
        path = self.parameters.get(name)
        if path is None:
            return None
        try:
            return Path(path).read_bytes()
        except OSError as error:
            raise EndpointError(f"{name}: {path}: {error.strerror}") from None


def parse(text: str) -> Endpoint:
    """`etcd://` or, with TLS, `etcds://`; then members, then `?ca=F&cert=F&key=F&user=U&password-file=F`.

    Raises EndpointError."""
    parts = urlsplit(text)
    if parts.scheme not in ("etcd", "etcds"):
        raise EndpointError(f"{text!r} is not etcd://HOST:PORT,...")
    if parts.path.strip("/") or "@" in parts.netloc:
        raise EndpointError("etcd://HOST:PORT,... takes neither a path nor a password")
    hosts = tuple(_host(each) for each in parts.netloc.split(","))
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(parameters.keys() - _PARAMETERS):
        raise EndpointError(f"unknown parameter {unknown[0]!r}; known are {', '.join(sorted(_PARAMETERS))}")
    if ("cert" in parameters) != ("key" in parameters):
        raise EndpointError("cert and key go together")
    if ("user" in parameters) != ("password-file" in parameters):
        raise EndpointError("user and password-file go together")
    tls = parts.scheme == "etcds"
    if not tls and ({"ca", "cert"} & parameters.keys()):
        raise EndpointError("ca, cert and key are for etcds://")
    return Endpoint(hosts, tls, parameters)


def _host(text: str) -> str:
    host, separator, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not separator:
        host, port = text, str(_PORT)
    if not host or not port.isdigit() or not 0 < int(port) < 65536 or "/" in host:
        raise EndpointError(f"{text!r} is not HOST:PORT")
    return f"{host}:{port}"
