"""aesgcm, aescbc and secretbox: upstream's bytes, several keys, and what does not open."""

import os

import nacl.secret
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.encryption import aes_cbc, aes_gcm, secretbox
from strongroom.encryption.identity import IdentityTransformer
from strongroom.encryption.prefixed import PrefixedTransformer
from strongroom.encryption.transformer import TransformError, WrongKey

KEY = b"/registry/secrets/a/b"
ONE, TWO = bytes(range(32)), bytes(32)
PROVIDERS = {"aesgcm": aes_gcm.provider, "aescbc": aes_cbc.provider, "secretbox": secretbox.provider}


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("value", [b"", b"v", b"x" * 16, os.urandom(5000)])
def test_what_goes_in_comes_out(name: str, value: bytes) -> None:
    provider = PROVIDERS[name]({"key1": ONE})
    stored = provider.to_storage(value, KEY)
    assert stored.startswith(f"k8s:enc:{name}:v1:key1:".encode())
    assert stored != provider.to_storage(value, KEY)
    assert provider.from_storage(stored, KEY) == (value, False)


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_first_key_writes_and_all_read(name: str) -> None:
    old = PROVIDERS[name]({"key1": ONE}).to_storage(b"value", KEY)
    both = PROVIDERS[name]({"key2": TWO, "key1": ONE})
    assert both.from_storage(old, KEY) == (b"value", True)
    assert both.to_storage(b"value", KEY).startswith(f"k8s:enc:{name}:v1:key2:".encode())
    kind = "Secretbox" if name == "secretbox" else "AES"
    with pytest.raises(WrongKey, match=f"no matching key was found for the provided {kind} transformer"):
        PROVIDERS[name]({"key2": TWO}).from_storage(old, KEY)


def test_bytes_are_upstreams() -> None:
    stored = aes_gcm.provider({"k": ONE}).to_storage(b"value", KEY).removeprefix(b"k8s:enc:aesgcm:v1:k:")
    assert AESGCM(ONE).decrypt(stored[:12], stored[12:], KEY) == b"value"
    stored = aes_cbc.provider({"k": ONE}).to_storage(b"value", KEY).removeprefix(b"k8s:enc:aescbc:v1:k:")
    cipher = Cipher(algorithms.AES(ONE), modes.CBC(stored[:16])).decryptor()
    assert cipher.update(stored[16:]) + cipher.finalize() == b"value" + b"\x0b" * 11
    stored = secretbox.provider({"k": ONE}).to_storage(b"value", KEY)
    stored = stored.removeprefix(b"k8s:enc:secretbox:v1:k:")
    assert nacl.secret.SecretBox(ONE).decrypt(stored) == b"value" and len(stored) == 24 + 16 + 5


def test_a_ciphertext_moved_to_another_key_does_not_open() -> None:
    provider = aes_gcm.provider({"k": ONE})
    with pytest.raises(TransformError, match="cipher: message authentication failed"):
        provider.from_storage(provider.to_storage(b"value", KEY), b"/registry/secrets/a/other")


@pytest.mark.parametrize("name", ["aesgcm", "secretbox"])
def test_a_flipped_bit_does_not_open(name: str) -> None:
    provider = PROVIDERS[name]({"k": ONE})
    stored = bytearray(provider.to_storage(b"value", KEY))
    stored[-3] ^= 1
    with pytest.raises(TransformError) as refused:
        provider.from_storage(bytes(stored), KEY)
    assert "value" not in str(refused.value)


def cbc(padded: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(ONE), modes.CBC(bytes(16))).encryptor()
    return b"k8s:enc:aescbc:v1:k:" + bytes(16) + cipher.update(padded) + cipher.finalize()


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (b"k8s:enc:aescbc:v1:k:" + bytes(15), "shorter than the required size"),
        (b"k8s:enc:aescbc:v1:k:" + bytes(33), "not a multiple of the block size"),
        (b"k8s:enc:aescbc:v1:k:" + bytes(16), "empty or not padded"),
        (cbc(bytes(16)), "empty or not padded"),
        (cbc(b"x" * 14 + b"\x01\x02"), "invalid padding on input"),
    ],
)
def test_cbc_says_why_it_does_not_open(stored: bytes, reason: str) -> None:
    with pytest.raises(TransformError, match=reason):
        aes_cbc.provider({"k": ONE}).from_storage(stored, KEY)


def test_providers_stand_beside_each_other() -> None:
    stored = aes_cbc.provider({"k": ONE}).to_storage(b"value", KEY)
    moving = PrefixedTransformer(
        [aes_gcm.provider({"k": TWO}), aes_cbc.provider({"k": ONE}), IdentityTransformer()]
    )
    assert moving.from_storage(stored, KEY) == (b"value", True)
    assert moving.from_storage(b"plain", KEY) == (b"plain", True)
    with pytest.raises(WrongKey, match="secretbox/other"):
        PrefixedTransformer([aes_gcm.provider({"k": TWO})]).from_storage(
            b"k8s:enc:secretbox:v1:other:xyz", KEY
        )
