"""An OpenID Connect issuer on loopback: discovery and keys over https, and tokens as one likes them."""

import contextlib
import functools
import http.server
import json
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from strongroom.cmd import pki

CLIENT = "strongroom-test"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Issuer:
    """A context manager: serves between entering and leaving. Its fields may be changed meanwhile."""

    def __init__(self, folder: Path, number: int = 0) -> None:
        """`folder`: for its certificates. `number`: issuers of the same number begin with the same key."""
        authority = pki.Authority.open_or_create(folder / "pki", datetime.now(UTC))
        self.ca = authority.pem.decode()
        self.ca_file = folder / "issuer-ca.pem"
        self.ca_file.write_text(self.ca)
        self._pair = authority.serving("issuer", ["127.0.0.1"], datetime.now(UTC))
        self.keys: dict[str, PrivateKey] = {"key-1": _first_key(number)}
        self.requests: list[str] = []
        self.status = 200
        """What it answers."""
        self.configuration: dict[str, Any] = {}
        """Goes before what its configuration says else."""
        self.silent = threading.Event()
        """Set: it accepts connections and does not answer."""
        self._server: http.server.ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def __enter__(self) -> "Issuer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before if it has listened before."""
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._pair.certificate, self._pair.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """From now on nothing listens."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def add_key(self, name: str, key: PrivateKey | None = None) -> None:
        """A key that signs from now on."""
        self.keys = {name: key or rsa.generate_private_key(65537, 2048), **self.keys}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good token; None removes one."""
        now = int(time.time())
        made = {"iss": self.url, "aud": CLIENT, "sub": "ann", "iat": now, "exp": now + 3600, **changes}
        return {name: value for name, value in made.items() if value is not None}

    def token(self, *, key: str = "", algorithm: str = "", kid: str | None = "", **claims: Any) -> str:
        """Signed with the named key, or the newest. `kid` None: none is named."""
        name = key or next(iter(self.keys))
        private = self.keys[name]
        if not algorithm:
            algorithm = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"
        headers = {} if kid is None else {"kid": kid or name}
        return jwt.encode(self.claims(**claims), private, algorithm, headers=headers)

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        while self.silent.is_set():
            time.sleep(0.02)
        if handler.path == "/.well-known/openid-configuration":
            document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.configuration}
        else:
            document = {"keys": [_jwk(name, key) for name, key in self.keys.items()]}
        body = json.dumps(document).encode()
        with contextlib.suppress(OSError):
            handler.send_response(self.status)
            handler.send_header("Location", f"{self.url}/elsewhere")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)


@functools.cache
def _first_key(number: int) -> rsa.RSAPrivateKey:
    """Made once in a process: that takes longer than most tests."""
    return rsa.generate_private_key(65537, 2048)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


def _jwk(name: str, key: PrivateKey) -> dict[str, Any]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        entry = json.loads(RSAAlgorithm.to_jwk(public))
    else:
        entry = json.loads(ECAlgorithm.to_jwk(public))
    return {**entry, "kid": name, "use": "sig"}
