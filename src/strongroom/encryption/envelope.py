"""Envelope encryption in the layout of Kubernetes' KMS v2 provider: a stock kube-apiserver can read it.

A value is `k8s:enc:kms:v2:‹name›:` and an EncryptedObject. Its data is

    info (32 random bytes) | nonce (12 random bytes) | AES-256-GCM ciphertext and tag

with the data key HKDF-Expand-SHA256(seed, info) and the full store key as associated data. The seed is made
anew at each start, and stored with every value, encrypted by the key-encryption key: no call to whoever holds
that key is needed per value, and no data key is used twice.
"""

import os
import threading
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from strongroom.encryption import encrypted_object
from strongroom.encryption.encrypted_object import EncryptedObject
from strongroom.encryption.transformer import Opened, TransformError

SEED_SIZE: Final = 32
INFO_SIZE: Final = 32
NONCE_SIZE: Final = 12
TAG_SIZE: Final = 16
OPENED_SEEDS: Final = 1000
"""Seeds kept open for reading: there is one per start of a server."""

TOO_SHORT: Final = "the stored data was shorter than the required size"
FORGED: Final = "cipher: message authentication failed"


class Wrapped(NamedTuple):
    """A seed encrypted by the key-encryption key called `key_id`."""

    key_id: str
    ciphertext: bytes


class KeyEncryption(Protocol):
    """Whoever holds the key-encryption keys: the keyring, or a KMS plugin. Thread-safe."""

    @property
    def current_key_id(self) -> str:
        """The id of the key that `wrap` uses."""
        ...

    def wrap(self, plaintext: bytes) -> Wrapped:
        """Encrypt a few bytes with the current key."""
        ...

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """Raises TransformError, naming the key id, when the key is missing or the bytes do not open."""
        ...


class EnvelopeTransformer:
    """The `kms` v2 provider. `name` is part of each value's prefix and must hold no colon."""

    def __init__(self, keys: KeyEncryption, name: str = "strongroom") -> None:
        if not name or ":" in name:
            raise ValueError(f"the provider's name {name!r} must not be empty or hold a colon")
        self.prefix = f"k8s:enc:kms:v2:{name}:".encode()
        self._keys = keys
        self._lock = threading.Lock()
        self._writing = (b"", Wrapped("", b""))
        self._opened: dict[Wrapped, bytes] = {}

    def __repr__(self) -> str:
        return f"EnvelopeTransformer({self.prefix.decode()!r})"

    def to_storage(self, data: bytes, context: bytes) -> bytes:
        seed, wrapped = self._writing
        if wrapped.key_id != self._keys.current_key_id:
            seed, wrapped = self._renew_seed()
        fresh = os.urandom(INFO_SIZE + NONCE_SIZE)
        key = HKDFExpand(SHA256(), SEED_SIZE, fresh[:INFO_SIZE]).derive(seed)
        sealed = fresh + AESGCM(key).encrypt(fresh[INFO_SIZE:], data, context)
        return self.prefix + encrypted_object.encode(
            EncryptedObject(
                sealed,
                wrapped.key_id,
                wrapped.ciphertext,
                encrypted_object.HKDF_SHA256_XNONCE_AES_GCM_SEED,
            )
        )

    def _renew_seed(self) -> tuple[bytes, Wrapped]:
        with self._lock:
            if self._writing[1].key_id != self._keys.current_key_id:
                seed = os.urandom(SEED_SIZE)
                wrapped = self._keys.wrap(seed)
                self._remember(wrapped, seed)
                self._writing = (seed, wrapped)
            return self._writing

    def from_storage(self, stored: bytes, context: bytes) -> Opened:
        if not stored.startswith(self.prefix):
            raise TransformError("the provided value does not match any of the supported transformers")
        try:
            sealed = encrypted_object.decode(stored[len(self.prefix) :])
        except ValueError as error:
            raise TransformError(str(error)) from None
        dek = self._open(Wrapped(sealed.key_id, sealed.dek_source))
        derived = sealed.dek_source_type == encrypted_object.HKDF_SHA256_XNONCE_AES_GCM_SEED
        if not derived and sealed.dek_source_type != encrypted_object.AES_GCM_KEY:
            raise TransformError(f"unknown type of DEK source: {sealed.dek_source_type}")
        nonce = INFO_SIZE if derived else 0
        body = nonce + NONCE_SIZE
        if len(sealed.data) < body + TAG_SIZE:
            raise TransformError(TOO_SHORT)
        if derived:
            dek = HKDFExpand(SHA256(), SEED_SIZE, sealed.data[:INFO_SIZE]).derive(dek)
        try:
            data = AESGCM(dek).decrypt(sealed.data[nonce:body], sealed.data[body:], context)
        except InvalidTag:
            raise TransformError(FORGED) from None
        except ValueError:
            raise TransformError(f'the data key made by key "{sealed.key_id}" has a wrong size') from None
        return Opened(data, not derived or sealed.key_id != self._keys.current_key_id)

    def _open(self, wrapped: Wrapped) -> bytes:
        seed = self._opened.get(wrapped)
        if seed is None:
            seed = self._keys.unwrap(wrapped)
            self._remember(wrapped, seed)
        return seed

    def _remember(self, wrapped: Wrapped, seed: bytes) -> None:
        if len(self._opened) >= OPENED_SEEDS:
            self._opened.clear()
        self._opened[wrapped] = seed
