"""A JSON Web Key Set (RFC 7517) as keys by id, and which of them can have made a signature. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

MAX_KEYS: Final = 100
MIN_RSA_BITS: Final = 2048
_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}


class MalformedKeySet(ValueError):
    """Not a key set."""


def parse(document: Any) -> dict[str, tuple[Key, ...]]:
    """Keys that verify, by `kid` ("" for those without). What is of another kind is passed over.

    Raises MalformedKeySet."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise MalformedKeySet("no list of keys")
    found: dict[str, tuple[Key, ...]] = {}
    for entry in listed[:MAX_KEYS]:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        key, name = _key(entry), entry.get("kid", "")
        if key is not None and isinstance(name, str):
            found[name] = (*found.get(name, ()), key)
    return found


def fitting(keys: Sequence[Key], algorithm: str) -> list[Key]:
    """Those that the algorithm can be used with."""
    return [key for key in keys if _fits(key, algorithm)]


def _fits(key: Key, algorithm: str) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES.get(algorithm) == key.curve.name
    return algorithm[:2] in ("RS", "PS")


def _key(entry: Mapping[str, Any]) -> Key | None:
    try:
        if entry.get("kty") == "RSA":
            rsa_key = RSAAlgorithm.from_jwk(dict(entry))
            public = rsa_key.public_key() if isinstance(rsa_key, rsa.RSAPrivateKey) else rsa_key
            return public if public.key_size >= MIN_RSA_BITS else None
        if entry.get("kty") == "EC":
            ec_key = ECAlgorithm.from_jwk(dict(entry))
            if isinstance(ec_key, ec.EllipticCurvePrivateKey):
                return ec_key.public_key()
            return ec_key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        pass
    return None
