"""Envelope encryption in the layout of Kubernetes' KMS v2 provider: a stock kube-apiserver can read it.

A value is `k8s:enc:kms:v2:‹name›:` and an EncryptedObject. Its data is

    info (32 random bytes) | nonce (12 random bytes) | AES-256-GCM ciphertext and tag

with the data key HKDF-Expand-SHA256(seed, info) and the full store key as associated data. The seed is made
anew at each start, and stored with every value, encrypted by the key-encryption key: no call to whoever holds
that key is needed per value. A data key is used for KEY_USES values, each with a nonce of its own: making one
costs a create more than all the rest of its encryption, and AES-GCM would bear 2^32 random nonces.

All values of one start differ only in the data, the first field of the message; the fields behind it are the
same bytes (the trailer). So the message is encoded and parsed once per trailer, not once per value.
"""

import os
import threading
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from strongroom.encryption import encrypted_object
from strongroom.encryption.encrypted_object import EncryptedObject
from strongroom.encryption.transformer import Opened, TransformError

SEED_SIZE: Final = 32
INFO_SIZE: Final = 32
NONCE_SIZE: Final = 12
TAG_SIZE: Final = 16
KEY_USES: Final = 64
"""Values that are written with one data key at most; upstream's aesgcm provider writes 200,000."""
OPENED_KEYS: Final = 1024
"""Data keys of one seed kept for reading: values that were written together are read together."""
OPENED_SEEDS: Final = 1000
"""Seeds kept open for reading: there is one per start of a server."""

TOO_SHORT: Final = "the stored data was shorter than the required size"
FORGED: Final = "cipher: message authentication failed"


class Wrapped(NamedTuple):
    """A seed encrypted by the key-encryption key called `key_id`."""

    key_id: str
    ciphertext: bytes
    annotations: tuple[tuple[str, bytes], ...] = ()


class KeyEncryption(Protocol):
    """Whoever holds the key-encryption keys: the keyring, or a KMS plugin. Thread-safe."""

    @property
    def current_key_id(self) -> str:
        """The id of the key that `new_seed` uses."""
        ...

    def new_seed(self) -> tuple[bytes, Wrapped]:
        """SEED_SIZE fresh bytes, and the same under the current key. Quick: what asks others is done before.

        Raises TransformError when no key can be had."""
        ...

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """Raises TransformError, naming the key id, when the key is missing or the bytes do not open."""
        ...


class _Source:
    """A seed, or data key, that has been unwrapped: makes the data keys of its values."""

    __slots__ = ("_ciphers", "_dek", "_hmac", "derives", "key_id")

    def __init__(self, dek: bytes, key_id: str, *, derives: bool) -> None:
        self._dek = dek
        self._hmac = HMAC(dek, SHA256())
        self._ciphers: dict[bytes, AESGCM] = {}
        self.key_id = key_id
        self.derives = derives

    def data_key(self, info: bytes) -> bytes:
        """HKDF-Expand (RFC 5869) of one block, which is HMAC(seed, info | 1), keyed once per seed."""
        block = self._hmac.copy()
        block.update(info + b"\x01")
        return block.finalize()

    def _cipher(self, info: bytes) -> AESGCM:
        """That of the data key, which is the seed itself where none is derived. Raises ValueError."""
        cipher = self._ciphers.get(info)
        if cipher is None:
            if len(self._ciphers) >= OPENED_KEYS:
                self._ciphers.clear()
            cipher = AESGCM(self.data_key(info) if self.derives else self._dek)
            self._ciphers[info] = cipher
        return cipher

    def open(self, data: bytes, context: bytes) -> bytes:
        """The value of an EncryptedObject's data. Raises TransformError."""
        info = INFO_SIZE if self.derives else 0
        body = info + NONCE_SIZE
        if len(data) < body + TAG_SIZE:
            raise TransformError(TOO_SHORT)
        try:
            return self._cipher(data[:info]).decrypt(data[info:body], data[body:], context)
        except InvalidTag:
            raise TransformError(FORGED) from None
        except ValueError:
            raise TransformError(f'the data key under key "{self.key_id}" has a wrong size') from None


class _Writing:
    """What the values written now have in common. A thread that comes between another's two steps uses a data
    key once more or once less, which harms nothing."""

    __slots__ = ("_left", "_pair", "key_id", "source", "trailer")

    def __init__(self, source: _Source, key_id: str, trailer: bytes) -> None:
        self.source = source
        self.key_id = key_id
        self.trailer = trailer
        self._pair: tuple[bytes, AESGCM] | None = None
        self._left = 0

    def data_key(self) -> tuple[bytes, AESGCM]:
        """The info and the cipher of the data key that is in use."""
        pair = self._pair
        if pair is None or self._left <= 0:
            info = _fresh.take(INFO_SIZE)
            pair = self._pair = info, AESGCM(self.source.data_key(info))
            self._left = KEY_USES
        self._left -= 1
        return pair


class _Fresh(threading.local):
    """Random bytes that become public (nonces, derivation info), fetched many at a time.

    A call to the kernel lets go of the interpreter lock, which costs a busy server more than the bytes.
    Never for keys: what waits here lies in memory."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0

    def forget(self) -> None:
        """In a fork: they are the parent's."""
        self._bytes = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """`count` bytes that were not given before, in this process or one that it was forked from."""
        start, end = self._at, self._at + count
        if end > len(self._bytes):
            self._bytes = os.urandom(_FRESH_POOL)
            start, end = 0, count
        self._at = end
        return self._bytes[start:end]


_FRESH_POOL: Final = 8192
_fresh = _Fresh()
os.register_at_fork(after_in_child=_fresh.forget)


class EnvelopeTransformer:
    """The `kms` v2 provider. `name` is part of each value's prefix and must hold no colon."""

    def __init__(self, keys: KeyEncryption, name: str = "strongroom") -> None:
        if not name or ":" in name:
            raise ValueError(f"the provider's name {name!r} must not be empty or hold a colon")
        self.prefix = f"k8s:enc:kms:v2:{name}:".encode()
        self._keys = keys
        self._lock = threading.Lock()
        self._writing: _Writing | None = None
        self._sources: dict[bytes, _Source] = {}
        """By trailer."""

    def __repr__(self) -> str:
        return f"EnvelopeTransformer({self.prefix.decode()!r})"

    def to_storage(self, data: bytes, context: bytes) -> bytes:
        writing = self._writing
        if writing is None or writing.key_id != self._keys.current_key_id:
            writing = self._renew_seed()
        info, cipher = writing.data_key()
        nonce = _fresh.take(NONCE_SIZE)
        ciphertext = cipher.encrypt(nonce, data, context)
        field = encrypted_object.data_header(INFO_SIZE + NONCE_SIZE + len(ciphertext))
        return b"".join((self.prefix, field, info, nonce, ciphertext, writing.trailer))

    def _renew_seed(self) -> _Writing:
        with self._lock:
            writing = self._writing
            if writing is None or writing.key_id != self._keys.current_key_id:
                seed, (key_id, ciphertext, annotations) = self._keys.new_seed()
                derived = encrypted_object.HKDF_SHA256_XNONCE_AES_GCM_SEED
                trailer = encrypted_object.encode(
                    EncryptedObject(b"", key_id, ciphertext, derived, annotations)
                )
                writing = self._writing = _Writing(_Source(seed, key_id, derives=True), key_id, trailer)
                self._remember(trailer, writing.source)
            return writing

    def from_storage(self, stored: bytes, context: bytes) -> Opened:
        if not stored.startswith(self.prefix):
            raise TransformError("the provided value does not match any of the supported transformers")
        start, end = encrypted_object.data_span(stored, len(self.prefix))
        data = stored[start:end]
        source = self._sources.get(stored[end:])
        if source is None:
            data, source = self._parse(stored, data, stored[end:])
        opened = source.open(data, context)
        return Opened(opened, not source.derives or source.key_id != self._keys.current_key_id)

    def _parse(self, stored: bytes, first: bytes, trailer: bytes) -> tuple[bytes, _Source]:
        """The message's data and source; the trailer is remembered if that is `first`, what precedes it."""
        try:
            sealed = encrypted_object.decode(stored[len(self.prefix) :])
        except ValueError as error:
            raise TransformError(str(error)) from None
        derives = sealed.dek_source_type == encrypted_object.HKDF_SHA256_XNONCE_AES_GCM_SEED
        if not derives and sealed.dek_source_type != encrypted_object.AES_GCM_KEY:
            raise TransformError(f"unknown type of DEK source: {sealed.dek_source_type}")
        dek = self._keys.unwrap(Wrapped(sealed.key_id, sealed.dek_source, sealed.annotations))
        source = _Source(dek, sealed.key_id, derives=derives)
        if sealed.data == first:
            self._remember(trailer, source)
        return sealed.data, source

    def _remember(self, trailer: bytes, source: _Source) -> None:
        if len(self._sources) >= OPENED_SEEDS:
            self._sources.clear()
        self._sources[trailer] = source
