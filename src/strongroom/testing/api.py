"""The API as a plain HTTP client sees it: for requests that kubectl would never send, and for measuring."""

import base64
import contextlib
import dataclasses
import http.client
import json
import ssl
import tempfile
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


@dataclasses.dataclass(frozen=True)
class Access:
    """Where a cluster is and how one gets in: the current context of a kubeconfig."""

    host: str
    port: int
    context: ssl.SSLContext
    token: str = dataclasses.field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @classmethod
    def read(cls, kubeconfig: Path) -> "Access":
        """From a kubeconfig with a bearer token or a client certificate, embedded or in files."""
        config = yaml.safe_load(kubeconfig.read_text())
        chosen = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], chosen["cluster"])["cluster"]
        user = _named(config["users"], chosen["user"])["user"]
        context = ssl.create_default_context(
            cadata=_data(cluster, "certificate-authority", kubeconfig).decode()
        )
        if certificate := _data(user, "client-certificate", kubeconfig):
            with tempfile.TemporaryDirectory() as folder:
                chain, key = Path(folder, "chain"), Path(folder, "key")
                chain.write_bytes(certificate)
                key.write_bytes(_data(user, "client-key", kubeconfig))
                context.load_cert_chain(chain, key)
        address = urllib.parse.urlsplit(cluster["server"])
        return cls(address.hostname or "", address.port or 443, context, user.get("token", ""))


@dataclasses.dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class API:
    """A keep-alive connection; a context manager. Not for use by several threads at once."""

    def __init__(self, access: Access, *, timeout: float = 30.0) -> None:
        self._access = access
        self._connection = http.client.HTTPSConnection(
            access.host, access.port, context=access.context, timeout=timeout
        )

    def __enter__(self) -> "API":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; `body` is sent as it is when it is bytes, else as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = self._access.headers | ({"Content-Type": content_type} if data is not None else {})
        try:
            self._connection.request(method, path, body=data, headers=sent | dict(headers or {}))
            response = self._connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        except BaseException:
            self._connection.close()
            raise

    def ok(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> Any:
        """The decoded answer of a request that must succeed."""
        reply = self.request(method, path, body, content_type=content_type)
        assert 200 <= reply.status < 300, f"{method} {path}: {reply.status} {reply.body[:500]!r}"
        return reply.json()


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _data(section: Mapping[str, str], key: str, kubeconfig: Path) -> bytes:
    """An entry that may be embedded (`<key>-data`, base64) or a path beside the kubeconfig; empty if
    absent."""
    if embedded := section.get(f"{key}-data"):
        return base64.b64decode(embedded)
    with contextlib.suppress(KeyError):
        return (kubeconfig.parent / section[key]).read_bytes()
    return b""
