"""Whether a certificate and a private key belong together, told in the words of Go's `tls.X509KeyPair`."""

import binascii
import re
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

_PUBLIC_TYPES = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)
_BOUNDARY = re.compile(rb"-----(BEGIN|END) (.*)-----[ \t]*")


class _Block(NamedTuple):
    type: str
    der: bytes


def _blocks(text: bytes) -> list[_Block]:
    """The PEM blocks of `text`, in one pass; what stands between them is no concern."""
    found: list[_Block] = []
    kind: bytes | None = None
    body: list[bytes] = []
    for line in text.splitlines():
        boundary = _BOUNDARY.fullmatch(line) if line.startswith(b"-----") else None
        if boundary is None:
            if kind is not None and b":" not in line:  # a header such as Proc-Type says nothing here
                body.append(line)
        elif boundary.group(1) == b"BEGIN":
            kind, body = boundary.group(2), []
        elif kind is not None:
            if boundary.group(2) == kind and (der := _der(body)) is not None:
                found.append(_Block(kind.decode("utf-8", "replace"), der))
            kind = None
    return found


def _der(lines: list[bytes]) -> bytes | None:
    try:
        return binascii.a2b_base64(b"".join(b"".join(lines).split()), strict_mode=True)
    except binascii.Error:
        return None


def _certificate_problem(blocks: list[_Block]) -> str:
    if not blocks:
        return "tls: failed to find any PEM data in certificate input"
    types = [block.type for block in blocks]
    if len(types) == 1 and types[0].endswith("PRIVATE KEY"):
        return (
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; "
            "PEM inputs may have been switched"
        )
    return (
        'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the '
        f"following types: [{' '.join(types)}]"
    )


def _key_problem(blocks: list[_Block]) -> str:
    if not blocks:
        return "tls: failed to find any PEM data in key input"
    types = [block.type for block in blocks]
    if types == ["CERTIFICATE"]:
        return "tls: found a certificate rather than a key in the PEM for the private key"
    return (
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM '
        f"blocks of the following types: [{' '.join(types)}]"
    )


def error(certificate: bytes, key: bytes) -> str:
    """ "" when the first certificate holds the public half of `key`; else why not. Never a part of either."""
    certificate_blocks = _blocks(certificate)
    leaf = next((block for block in certificate_blocks if block.type == "CERTIFICATE"), None)
    if leaf is None:
        return _certificate_problem(certificate_blocks)
    key_blocks = _blocks(key)
    private = next(
        (b for b in key_blocks if b.type == "PRIVATE KEY" or b.type.endswith(" PRIVATE KEY")), None
    )
    if private is None:
        return _key_problem(key_blocks)
    try:
        public = x509.load_der_x509_certificate(leaf.der).public_key()
    except Exception:  # the library raises many types, some with parts of the input in their text
        return "x509: malformed certificate"
    if not isinstance(public, _PUBLIC_TYPES):
        return "tls: unknown public key algorithm"
    try:
        secret = serialization.load_der_private_key(private.der, password=None)
    except Exception:  # as above
        return "tls: failed to parse private key"
    mine = secret.public_key()
    if not isinstance(mine, _PUBLIC_TYPES):
        return "tls: failed to parse private key"
    if not any(isinstance(mine, kind) and isinstance(public, kind) for kind in _PUBLIC_TYPES):
        return "tls: private key type does not match public key type"
    return "" if mine == public else "tls: private key does not match public key"
