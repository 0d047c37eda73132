"""Which key a stored value is under, told without a key."""

import pytest

from strongroom.encryption import inspection
from strongroom.encryption.envelope import EnvelopeTransformer
from strongroom.encryption.keyring import Keyring


def test_envelope_names_provider_and_key() -> None:
    stored = EnvelopeTransformer(Keyring({"k1": bytes(32)}), "own").to_storage(b"value", b"/a")
    assert inspection.key_of(stored) == "kms/own/k1"


def test_a_providers_name_with_a_slash_is_told_from_its_key() -> None:
    stored = EnvelopeTransformer(Keyring({"k1": bytes(32)}), "own/er").to_storage(b"value", b"/a")
    assert inspection.parts_of(inspection.key_of(stored)) == ("kms/own%2Fer", "k1")


@pytest.mark.parametrize(
    ("label", "provider", "key"),
    [
        ("kms/own/k1", "kms/own", "k1"),
        ("kms/vault/arn:aws:kms:eu:1:key/8f-2e/x", "kms/vault", "arn:aws:kms:eu:1:key/8f-2e/x"),
        ("aesgcm/a/b", "aesgcm", "a/b"),
        ("plain", "", "plain"),
        ("", "", ""),
    ],
)
def test_the_key_in_what_is_told(label: str, provider: str, key: str) -> None:
    assert inspection.parts_of(label) == (provider, key)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (b'{"kind":"Secret"}', inspection.PLAIN),
        (b"", inspection.PLAIN),
        (b"k8s:enc:aesgcm:v1:key1:" + b":" * 40, "aesgcm/key1"),
        (b"k8s:enc:aescbc:v1:key2:x", "aescbc/key2"),
        (b"k8s:enc:secretbox:v1:key3:x", "secretbox/key3"),
        (b"k8s:enc:kms:v2:own:", inspection.UNKNOWN),
        (b"k8s:enc:kms:v2:own", inspection.UNKNOWN),
        (b"k8s:enc:kms:v1:own:x", inspection.UNKNOWN),
        (b"k8s:enc:aesgcm:v2:key1:x", inspection.UNKNOWN),
        (b"k8s:enc:aesgcm:v1:", inspection.UNKNOWN),
    ],
)
def test_other_values(stored: bytes, told: str) -> None:
    assert inspection.key_of(stored) == told
