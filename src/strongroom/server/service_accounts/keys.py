"""The keys that service account tokens are signed and verified with: ECDSA P-256 (ES256).

Key ids are those of Kubernetes: unpadded base64url of SHA-256 over the DER of the public key.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jwt
import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.api_jws import PyJWS
from jwt.utils import base64url_decode

ALGORITHM = "ES256"

Note = Callable[[str, float | None], None]
"""Is told the id of the signing key and when the token ends that it is about to sign; None: never."""


class BadSignature(Exception):
    """No key of ours signed this, or it is no token at all."""


class Signed(NamedTuple):
    """What a token says, and the key that vouches for it."""

    claims: dict[str, Any]
    key_id: str


class Keys:
    """One key signs; all verify, so that tokens outlive the key's replacement."""

    def __init__(self, keys: Sequence[ec.EllipticCurvePrivateKey], note: Note | None = None) -> None:
        """`keys`: on P-256, at least one; the first one signs. `note`: hears of every token first."""
        self._note = note
        self._jws = PyJWS(algorithms=[ALGORITHM])
        self._public: dict[str, ec.EllipticCurvePublicKey] = {}
        self.replace(keys)

    def replace(self, keys: Sequence[ec.EllipticCurvePrivateKey]) -> None:
        """From now on the first of `keys` signs, and tokens of all others than these are refused."""
        ids = [key_id(key.public_key()) for key in keys]
        self._signer, self._signer_id = keys[0], ids[0]
        known = dict(self._public)
        # In place: a verification that is kept holds as long as its key is found here.
        self._public.clear()
        self._public |= {
            name: known.get(name) or key.public_key() for name, key in zip(ids, keys, strict=True)
        }

    @property
    def public(self) -> Mapping[str, ec.EllipticCurvePublicKey]:
        """The keys that verify, by id: as they are now, whenever it is looked at."""
        return self._public

    @property
    def signer_id(self) -> str:
        return self._signer_id

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS over `claims`."""
        if self._note is not None:
            self._note(self._signer_id, claims.get("exp"))
        headers = {"kid": self._signer_id, "typ": None}
        return self._jws.encode(orjson.dumps(claims), self._signer, ALGORITHM, headers=headers)

    def verify(self, token: bytes) -> Signed:
        """The claims of a token that one of the keys signed. Raises BadSignature.

        A token that names its key costs one signature check at most; none, when the key is not known. The
        bytes that were issued are the only spelling of it: neither other idle bits nor padding are taken."""
        try:
            _, _, signature = token.decode("ascii").rpartition(".")
            if _base64url(base64url_decode(signature)) != signature:
                raise BadSignature("invalid signature, no keys found")
            named = self._jws.get_unverified_header(token).get("kid", "")
            for name in (named,) if named else tuple(self._public):
                try:
                    payload = self._jws.decode(token, self._public[name], algorithms=[ALGORITHM])
                except jwt.InvalidSignatureError:
                    continue
                claims = orjson.loads(payload)
                if isinstance(claims, dict):
                    return Signed(claims, name)
                break
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError):
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


def named_key(token: bytes) -> str:
    """The id of the key that a token says it was signed with, unverified; "" when it says none."""
    try:
        return str(jwt.get_unverified_header(token).get("kid", ""))
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return ""


def _jwk(name: str, key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    x, y = (_base64url(number.to_bytes(32)) for number in (numbers.x, numbers.y))
    return {"use": "sig", "kty": "EC", "kid": name, "crv": "P-256", "alg": ALGORITHM, "x": x, "y": y}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
