"""Kubeconfig files: which cluster, with which credentials; written without harm to what else they hold.

Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files".
"""

import base64
import binascii
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from strongroom.aio import tls
from strongroom.client.http import HTTPTransport
from strongroom.machinery.gvk import Object

_EMPTY: Object = {
    "apiVersion": "v1",
    "kind": "Config",
    "preferences": {},
    "clusters": [],
    "users": [],
    "contexts": [],
    "current-context": "",
}


class _Loader(yaml.SafeLoader):
    """Types as JSON has them: what looks like a date or says `no` is a string, and is written back as one."""

    yaml_implicit_resolvers = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"~|null|", "~n\0"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?[0-9]+\.[0-9]+", "-0123456789"),
    ("merge", r"<<", "<"),
):
    _starts = ["" if first == "\0" else first for first in _first]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _starts)


class KubeconfigError(ValueError):
    """The file can't be used. The message names it and the problem, and quotes none of its content."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"kubeconfig {path}: {problem}")


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster. Without `ca_pem` the system's roots are trusted. The token does not print."""

    server: str
    ca_pem: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    namespace: str = "default"

    def transport(self) -> HTTPTransport:
        """A transport with these credentials; the server's certificate is always verified."""
        context = None
        if self.server.startswith("https://"):
            context = tls.trust(cadata=self.ca_pem.decode() if self.ca_pem else None)
        return HTTPTransport(self.server, self.token, context)


def default_path(environ: Mapping[str, str]) -> Path:
    """The first file of $KUBECONFIG, else ~/.kube/config."""
    first = environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(first) if first else Path.home() / ".kube" / "config"


def load(path: Path, context: str = "") -> Access:
    """The access that `context` stands for (default: the current one). Raises KubeconfigError."""
    config = _read(path)
    name = context or config.get("current-context") or ""
    if not name:
        raise KubeconfigError(path, "no current-context is set")
    chosen = _named(path, config, "contexts", "context", name)
    cluster = _named(path, config, "clusters", "cluster", chosen.get("cluster", ""))
    user = _named(path, config, "users", "user", chosen.get("user", ""))
    if not cluster.get("server"):
        raise KubeconfigError(path, f"the cluster of context {name} has no server")
    return Access(
        cluster["server"], _authority(path, cluster), _token(path, user), chosen.get("namespace") or "default"
    )


def merge(path: Path, name: str, access: Access) -> None:
    """Write cluster, user and context `name` and make it the current one.

    Everything else in an existing file stays (but comments); a symbolic link stays one. The file appears
    whole or not at all, with mode 0600 and its owner kept. Raises KubeconfigError for a file that is there
    and can't be understood, OSError when it can't be written.
    """
    target = path.resolve()
    config = _read(target, path) if target.exists() and target.stat().st_size else dict(_EMPTY)
    cluster: Object = {"server": access.server}
    if access.ca_pem:
        cluster["certificate-authority-data"] = base64.b64encode(access.ca_pem).decode()
    context = {"cluster": name, "user": name}
    if access.namespace != "default":
        context["namespace"] = access.namespace
    _set(config, "clusters", {"name": name, "cluster": cluster})
    _set(config, "users", {"name": name, "user": {"token": access.token}})
    _set(config, "contexts", {"name": name, "context": context})
    config["current-context"] = name
    _write(target, yaml.safe_dump(config, sort_keys=False, default_flow_style=False).encode())


def _read(path: Path, shown: Path | None = None) -> Object:
    shown = shown or path
    try:
        config = yaml.load(path.read_bytes(), _Loader)  # noqa: S506
    except OSError as error:
        raise KubeconfigError(shown, error.strerror or type(error).__name__) from error
    except yaml.MarkedYAMLError as error:
        # the library's own message quotes the line, which may hold a token
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise KubeconfigError(shown, f"not valid YAML{where}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise KubeconfigError(shown, "not valid YAML") from None
    if not isinstance(config, dict):
        raise KubeconfigError(shown, "not a Config")
    if (config.get("kind") or "Config") != "Config" or (config.get("apiVersion") or "v1") != "v1":
        raise KubeconfigError(shown, "not a Config of apiVersion v1")
    for part in ("clusters", "users", "contexts"):
        entries = config.get(part) or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise KubeconfigError(shown, f"{part} is not a list of named entries")
    return config


def _named(path: Path, config: Object, part: str, inner: str, name: str) -> dict[str, Any]:
    for entry in config.get(part) or []:
        if entry.get("name") == name and isinstance(entry.get(inner), dict):
            found: dict[str, Any] = entry[inner]
            return found
    raise KubeconfigError(path, f"no {inner} is named {name!r}")


def _authority(path: Path, cluster: dict[str, Any]) -> bytes:
    if cluster.get("insecure-skip-tls-verify"):
        raise KubeconfigError(path, "insecure-skip-tls-verify is not supported: name a certificate authority")
    if data := cluster.get("certificate-authority-data"):
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, TypeError):
            raise KubeconfigError(path, "certificate-authority-data is not base64") from None
    if file := cluster.get("certificate-authority"):
        return _beside(path, file)
    return b""


def _token(path: Path, user: dict[str, Any]) -> str:
    if token := user.get("token"):
        return str(token)
    if file := user.get("tokenFile"):
        return _beside(path, file).decode().strip()
    raise KubeconfigError(path, "the user has no token")


def _beside(path: Path, file: str) -> bytes:
    """The content of a file that the kubeconfig names, relative to its own folder."""
    try:
        return (path.parent / file).read_bytes()
    except OSError as error:
        raise KubeconfigError(path, f"{file}: {error.strerror}") from error


def _set(config: Object, part: str, entry: Object) -> None:
    """Replace the entry of that name where it stands, or append it."""
    entries = list(config.get(part) or [])
    for position, old in enumerate(entries):
        if old.get("name") == entry["name"]:
            entries[position] = entry
            break
    else:
        entries.append(entry)
    config[part] = entries


def _write(target: Path, content: bytes) -> None:
    """Replace `target` in one step."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if target.exists() and os.geteuid() == 0:
                owner = target.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
