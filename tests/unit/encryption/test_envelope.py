"""The KMS v2 envelope: what it promises, and that its bytes are upstream's."""

import os
from collections import Counter

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from strongroom.encryption import encrypted_object, envelope
from strongroom.encryption.encrypted_object import EncryptedObject
from strongroom.encryption.envelope import EnvelopeTransformer, Wrapped
from strongroom.encryption.keyring import Keyring
from strongroom.encryption.transformer import TransformError

KEY = b"/registry/secrets/default/db"
OLD = {"old": bytes(range(32))}
NEW = {"new": bytes(range(1, 33)), **OLD}
PREFIX = b"k8s:enc:kms:v2:strongroom:"


@pytest.fixture
def transformer() -> EnvelopeTransformer:
    return EnvelopeTransformer(Keyring(OLD))


@given(data=st.binary(max_size=5000), key=st.binary(max_size=100))
def test_what_was_stored_opens(data: bytes, key: bytes) -> None:
    transformer = EnvelopeTransformer(Keyring(OLD))
    assert transformer.from_storage(transformer.to_storage(data, key), key) == (data, False)


@given(data=st.binary(min_size=20, max_size=300))
def test_stored_bytes_do_not_hold_the_value(data: bytes) -> None:
    assert data not in EnvelopeTransformer(Keyring(OLD)).to_storage(data, KEY)


def test_layout_is_that_of_kms_v2() -> None:
    """Opened by hand, with the library's own HKDF and the protobuf library, as upstream documents it."""
    keyring = Keyring(OLD)
    stored = EnvelopeTransformer(keyring, "name").to_storage(b"value", KEY)
    prefix = b"k8s:enc:kms:v2:name:"
    assert stored.startswith(prefix)
    sealed = encrypted_object.decode(stored[len(prefix) :])
    assert (sealed.key_id, sealed.dek_source_type) == ("old", 1)
    seed = keyring.unwrap(Wrapped("old", sealed.dek_source))
    assert len(seed) == 32
    info, nonce, ciphertext = sealed.data[:32], sealed.data[32:44], sealed.data[44:]
    assert AESGCM(HKDFExpand(SHA256(), 32, info).derive(seed)).decrypt(nonce, ciphertext, KEY) == b"value"


def test_message_is_what_the_protobuf_library_writes(transformer: EnvelopeTransformer) -> None:
    for size in (0, 1, 60, 70, 127, 128, 1000, 16383, 16384, 100_000, 3_000_000):
        message = transformer.to_storage(bytes(size), KEY)[len(PREFIX) :]
        assert encrypted_object.encode(encrypted_object.decode(message)) == message


def test_equal_values_are_stored_differently(transformer: EnvelopeTransformer) -> None:
    assert len({transformer.to_storage(b"same", KEY) for _ in range(50)}) == 50


def test_a_data_key_is_used_for_a_few_values_and_a_nonce_for_one(transformer: EnvelopeTransformer) -> None:
    count = 5 * envelope.KEY_USES
    opened = [
        encrypted_object.decode(transformer.to_storage(b"same", KEY)[len(PREFIX) :]).data
        for _ in range(count)
    ]
    used = Counter(data[:32] for data in opened)
    assert max(used.values()) <= envelope.KEY_USES and len(used) <= 6
    assert len({data[32:44] for data in opened}) == count


def test_more_data_keys_than_are_kept_open_all_the_same(
    transformer: EnvelopeTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelope, "KEY_USES", 2)
    monkeypatch.setattr(envelope, "OPENED_KEYS", 3)
    stored = [transformer.to_storage(b"%d" % number, KEY) for number in range(40)]
    for _ in range(2):
        assert [transformer.from_storage(each, KEY).data for each in stored] == [b"%d" % n for n in range(40)]


def test_ciphertext_moved_to_another_key_does_not_open(transformer: EnvelopeTransformer) -> None:
    stored = transformer.to_storage(b"value", KEY)
    with pytest.raises(TransformError, match="message authentication failed"):
        transformer.from_storage(stored, b"/registry/secrets/default/other")


@given(data=st.binary(max_size=40), position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_flipped_bit_does_not_open(data: bytes, position: int, bit: int) -> None:
    transformer = EnvelopeTransformer(Keyring(OLD))
    stored = bytearray(transformer.to_storage(data, KEY))
    stored[position % len(stored)] ^= 1 << bit
    with pytest.raises(TransformError):
        transformer.from_storage(bytes(stored), KEY)


@given(length=st.integers(0, 10_000))
def test_truncated_value_does_not_open(length: int) -> None:
    transformer = EnvelopeTransformer(Keyring(OLD))
    stored = transformer.to_storage(b"value", KEY)
    with pytest.raises(TransformError):
        transformer.from_storage(stored[: length % len(stored)], KEY)


@given(message=st.binary(max_size=300))
def test_garbage_does_not_open(message: bytes) -> None:
    with pytest.raises(TransformError):
        EnvelopeTransformer(Keyring(OLD)).from_storage(PREFIX + message, KEY)


def test_value_written_under_an_old_key_still_opens_and_is_stale() -> None:
    stored = EnvelopeTransformer(Keyring(OLD)).to_storage(b"value", KEY)
    rotated = EnvelopeTransformer(Keyring(NEW))
    assert rotated.from_storage(stored, KEY) == (b"value", True)
    again = rotated.to_storage(b"value", KEY)
    assert rotated.from_storage(again, KEY) == (b"value", False)
    assert b"new" in again and b"old" not in again


def test_value_of_an_earlier_start_opens_and_is_fresh() -> None:
    stored = EnvelopeTransformer(Keyring(OLD)).to_storage(b"value", KEY)
    assert EnvelopeTransformer(Keyring(OLD)).from_storage(stored, KEY) == (b"value", False)


def test_each_start_has_its_own_seed() -> None:
    seeds = set()
    for _ in range(5):
        stored = EnvelopeTransformer(Keyring(OLD)).to_storage(b"value", KEY)
        seeds.add(encrypted_object.decode(stored[len(PREFIX) :]).dek_source)
    assert len(seeds) == 5


def test_value_of_an_unknown_key_names_its_id() -> None:
    stored = EnvelopeTransformer(Keyring({"lost": bytes(32)})).to_storage(b"value", KEY)
    with pytest.raises(TransformError, match="'lost' is not in the keyring"):
        EnvelopeTransformer(Keyring(OLD)).from_storage(stored, KEY)


def test_value_of_another_key_with_the_same_id_names_the_id() -> None:
    stored = EnvelopeTransformer(Keyring({"old": bytes(32)})).to_storage(b"value", KEY)
    with pytest.raises(TransformError, match='key "old" of the keyring is not the one'):
        EnvelopeTransformer(Keyring(OLD)).from_storage(stored, KEY)


def test_data_key_of_the_older_format_opens_and_is_stale() -> None:
    """DEK type 0, as kube-apiserver wrote it before 1.29."""
    keyring = Keyring(OLD)
    dek, nonce = os.urandom(32), os.urandom(12)
    data = nonce + AESGCM(dek).encrypt(nonce, b"value", KEY)
    message = encrypted_object.encode(EncryptedObject(data, "old", keyring.wrap(dek).ciphertext, 0))
    assert EnvelopeTransformer(keyring).from_storage(PREFIX + message, KEY) == (b"value", True)


def test_data_key_of_a_wrong_size_is_an_error() -> None:
    keyring = Keyring(OLD)
    message = encrypted_object.encode(EncryptedObject(bytes(60), "old", keyring.wrap(b"short").ciphertext, 0))
    with pytest.raises(TransformError, match="wrong size"):
        EnvelopeTransformer(keyring).from_storage(PREFIX + message, KEY)


def test_unknown_type_of_source_is_an_error() -> None:
    keyring = Keyring(OLD)
    message = encrypted_object.encode(
        EncryptedObject(bytes(60), "old", keyring.wrap(bytes(32)).ciphertext, 2)
    )
    with pytest.raises(TransformError, match="unknown type of DEK source: 2"):
        EnvelopeTransformer(keyring).from_storage(PREFIX + message, KEY)


def test_short_data_is_an_error(transformer: EnvelopeTransformer) -> None:
    sealed = encrypted_object.decode(transformer.to_storage(b"value", KEY)[len(PREFIX) :])
    message = encrypted_object.encode(sealed._replace(data=sealed.data[:59]))
    with pytest.raises(TransformError, match="the stored data was shorter than the required size"):
        transformer.from_storage(PREFIX + message, KEY)


def fields(stored: bytes) -> tuple[bytes, bytes]:
    """The data field and the rest of a value's message, each a valid message."""
    start, end = encrypted_object.data_span(stored, len(PREFIX))
    assert start > len(PREFIX)
    return stored[len(PREFIX) : end], stored[end:]


def test_fields_in_another_order_open(transformer: EnvelopeTransformer) -> None:
    data, trailer = fields(transformer.to_storage(b"value", KEY))
    for reader in (transformer, EnvelopeTransformer(Keyring(OLD))):
        for _ in range(2):
            assert reader.from_storage(PREFIX + trailer + data, KEY) == (b"value", False)


def test_of_two_data_fields_the_last_counts(transformer: EnvelopeTransformer) -> None:
    """As every protobuf parser reads it, also after values with the same trailer were opened."""
    first, trailer = fields(transformer.to_storage(b"first", KEY))
    second, _ = fields(transformer.to_storage(b"second", KEY))
    for reader in (transformer, EnvelopeTransformer(Keyring(OLD))):
        for _ in range(2):
            assert reader.from_storage(PREFIX + first + trailer + second, KEY).data == b"second"
            assert reader.from_storage(PREFIX + second + trailer + first, KEY).data == b"first"
            assert reader.from_storage(PREFIX + first + second + trailer, KEY).data == b"second"
            with pytest.raises(TransformError):
                reader.from_storage(PREFIX + first + trailer + b"\n\0", KEY)


def test_value_without_the_prefix_is_refused(transformer: EnvelopeTransformer) -> None:
    other = EnvelopeTransformer(Keyring(OLD), "other").to_storage(b"value", KEY)
    for stored in (b"", b"plain", b'{"kind":"Secret"}', other):
        with pytest.raises(TransformError, match="does not match any of the supported transformers"):
            transformer.from_storage(stored, KEY)


@pytest.mark.parametrize("name", ["", "a:b"])
def test_name_that_would_break_the_prefix_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="colon"):
        EnvelopeTransformer(Keyring(OLD), name)


def test_neither_keys_nor_seeds_print() -> None:
    keyring = Keyring(OLD)
    transformer = EnvelopeTransformer(keyring)
    transformer.to_storage(b"value", KEY)
    assert repr(transformer) == "EnvelopeTransformer('k8s:enc:kms:v2:strongroom:')"
    assert repr(keyring) == "Keyring(old)"


def test_seeds_kept_open_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.encryption.envelope.OPENED_SEEDS", 3)
    reader = EnvelopeTransformer(Keyring(OLD))
    stored = [EnvelopeTransformer(Keyring(OLD)).to_storage(b"%d" % n, KEY) for n in range(10)]
    for _ in range(2):
        assert [reader.from_storage(value, KEY).data for value in stored] == [b"%d" % n for n in range(10)]
    assert len(reader._sources) <= 3


def test_forked_process_takes_other_random_bytes() -> None:
    first = envelope._fresh.take(44)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, envelope._fresh.take(44))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        theirs = pipe.read()
    os.waitpid(child, 0)
    assert len({first, theirs, envelope._fresh.take(44)}) == 3
