"""The keys that service account tokens are signed and verified with: ECDSA P-256 (ES256).

Key ids are those of Kubernetes: unpadded base64url of SHA-256 over the DER of the public key.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.api_jws import PyJWS

ALGORITHM = "ES256"


class BadSignature(Exception):
    """No key of ours signed this, or it is no token at all."""


class Keys:
    """The first key signs; all verify, so that tokens outlive the key's replacement."""

    def __init__(self, keys: Sequence[ec.EllipticCurvePrivateKey]) -> None:
        """`keys`: on P-256, at least one."""
        self._signer = keys[0]
        self._public: Mapping[str, ec.EllipticCurvePublicKey] = {
            key_id(key.public_key()): key.public_key() for key in keys
        }
        self._signer_id = key_id(self._signer.public_key())
        self._jws = PyJWS(algorithms=[ALGORITHM])

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS over `claims`."""
        headers = {"kid": self._signer_id, "typ": None}
        return self._jws.encode(orjson.dumps(claims), self._signer, ALGORITHM, headers=headers)

    def verify(self, token: bytes) -> dict[str, Any]:
        """The claims of a token that one of the keys signed. Raises BadSignature."""
        try:
            header = self._jws.get_unverified_header(token)
            named = self._public.get(str(header.get("kid", "")))
            for key in (named,) if named is not None else self._public.values():
                try:
                    claims = orjson.loads(self._jws.decode(token, key, algorithms=[ALGORITHM]))
                except jwt.InvalidSignatureError:
                    continue
                if isinstance(claims, dict):
                    return claims
                break
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            pass
        raise BadSignature("invalid signature, no keys found")

    def derived(self, purpose: str) -> bytes:
        """32 bytes that live as long as the signing key, and tell nothing of it or of other purposes."""
        der = self._signer.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode()).derive(der)

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JSON Web Key Set."""
        return {"keys": [_jwk(name, key) for name, key in self._public.items()]}


def generate() -> Keys:
    """Keys that live as long as this process."""
    return Keys([ec.generate_private_key(ec.SECP256R1())])


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _base64url(hashlib.sha256(der).digest())


def _jwk(name: str, key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    x, y = (_base64url(number.to_bytes(32)) for number in (numbers.x, numbers.y))
    return {"use": "sig", "kty": "EC", "kid": name, "crv": "P-256", "alg": ALGORITHM, "x": x, "y": y}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
