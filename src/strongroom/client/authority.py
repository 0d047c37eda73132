"""The certificate authority of a cluster of which a digest alone is known.

Source: Kubernetes documentation, "kubeadm join" (token-based discovery with CA pinning).
"""

import asyncio
import hashlib
import hmac
import re
import socket
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

from strongroom.client.response import ConnectionFailed

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}", re.IGNORECASE)
_TIMEOUT: Final = 10.0


class UntrustedError(Exception):
    """The server showed no certificate authority with the wanted key."""


def is_hash(text: str) -> bool:
    """Whether it is of the form `sha256:‹hex›`."""
    return _HASH.fullmatch(text) is not None


def key_hash(pem: bytes) -> str:
    """`sha256:‹hex›` over the public key of a certificate. Raises ValueError for what is no certificate."""
    # Loaded where it is needed: commands that show their help do not wait for it.
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    key = x509.load_pem_x509_certificate(pem).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


async def fetch(server: str, wanted: str) -> bytes:
    """The certificate, in PEM, that `server` shows and whose key has the digest `wanted`.

    Nothing is sent to a server that is not known yet but the greeting of TLS. What is found is to be trusted
    as an authority, and the server verified with it as any is. Raises ConnectionFailed and UntrustedError.
    """
    parts = urlsplit(server)
    host, port = parts.hostname or "", parts.port or 443
    try:
        chain = await asyncio.to_thread(_chain, host, port)
    except (OSError, ssl.SSLError) as error:
        raise ConnectionFailed(f"{server}: {error.strerror or error}") from error
    for pem in chain:
        if hmac.compare_digest(key_hash(pem), wanted.lower()):
            return pem
    raise UntrustedError(f"{server} shows no certificate authority whose key has the hash {wanted}")


def _chain(host: str, port: int) -> list[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), _TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        # Public from Python 3.13 on; there before under another name.
        whole: Any = connection if hasattr(connection, "get_unverified_chain") else connection._sslobj  # type: ignore[attr-defined]
        shown = whole.get_unverified_chain() or []
    ders = [
        each if isinstance(each, bytes) else ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in shown
    ]
    return [ssl.DER_cert_to_PEM_cert(der).encode() for der in ders]
