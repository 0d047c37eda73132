"""Certificates and keys in the words of Go's `tls.X509KeyPair`."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509.oid import NameOID

from strongroom.api.core.v1 import tls_pair

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


def pair(key: Key) -> tuple[bytes, bytes]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
    algorithm = hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None
    certificate = builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)
    return certificate, key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


CERTIFICATE, KEY = pair(ec.generate_private_key(ec.SECP256R1()))
OTHER_KEY = pair(ec.generate_private_key(ec.SECP256R1()))[1]
ED_CERTIFICATE, ED_KEY = pair(ed25519.Ed25519PrivateKey.generate())
STRANGE_CERTIFICATE = pair(ed448.Ed448PrivateKey.generate())[0]
JUNK = b"-----BEGIN %s-----\nAAAA\n-----END %s-----\n"


def junk(kind: bytes) -> bytes:
    return JUNK % (kind, kind)


def traditional(key: bytes) -> bytes:
    """The form that openssl wrote before PKCS 8: `EC PRIVATE KEY`."""
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def test_many_beginnings_take_linear_time() -> None:
    assert tls_pair.error(b"-----BEGIN A-----\n" * 50_000, KEY).endswith("in certificate input")


@pytest.mark.parametrize(
    ("certificate", "key", "text"),
    [
        (CERTIFICATE, KEY, ""),
        (ED_CERTIFICATE, ED_KEY, ""),
        (CERTIFICATE, traditional(KEY), ""),
        (b"text before\n" + CERTIFICATE + CERTIFICATE, junk(b"EC PARAMETERS") + KEY, ""),
        (CERTIFICATE.replace(b"\n", b"\r\n"), KEY, ""),
        (b"", KEY, "tls: failed to find any PEM data in certificate input"),
        (b"junk", KEY, "tls: failed to find any PEM data in certificate input"),
        (KEY, CERTIFICATE, "tls: failed to find certificate PEM data in certificate input, but did find a "
                           "private "
         "key; PEM inputs may have been switched"),
        (junk(b"X") + junk(b"Y"), KEY, 'tls: failed to find "CERTIFICATE" PEM block in certificate input '
                                       'after '
         "skipping PEM blocks of the following types: [X Y]"),
        (CERTIFICATE, b"", "tls: failed to find any PEM data in key input"),
        (CERTIFICATE, CERTIFICATE, "tls: found a certificate rather than a key in the PEM for the private "
                                   "key"),
        (CERTIFICATE, junk(b"X"), 'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key '
                                  'input '
         "after skipping PEM blocks of the following types: [X]"),
        (CERTIFICATE, junk(b"PRIVATE KEY"), "tls: failed to parse private key"),
        (junk(b"CERTIFICATE"), KEY, "x509: malformed certificate"),
        (CERTIFICATE, OTHER_KEY, "tls: private key does not match public key"),
        (CERTIFICATE, ED_KEY, "tls: private key type does not match public key type"),
        (STRANGE_CERTIFICATE, KEY, "tls: unknown public key algorithm"),
    ],
)  # fmt: skip
def test_pairs(certificate: bytes, key: bytes, text: str) -> None:
    assert tls_pair.error(certificate, key) == text
