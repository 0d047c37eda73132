"""Several providers: the first writes, all read."""

import pytest

from strongroom.encryption.envelope import EnvelopeTransformer
from strongroom.encryption.identity import IdentityTransformer
from strongroom.encryption.keyring import Keyring
from strongroom.encryption.prefixed import PrefixedTransformer
from strongroom.encryption.transformer import TransformError

KEY = b"/registry/secrets/a/b"


def envelope(name: str) -> EnvelopeTransformer:
    return EnvelopeTransformer(Keyring({"k": bytes(32)}), name)


def test_first_writes_and_all_read() -> None:
    both = PrefixedTransformer([envelope("one"), envelope("two"), IdentityTransformer()])
    stored = both.to_storage(b"value", KEY)
    assert stored.startswith(b"k8s:enc:kms:v2:one:")
    assert both.from_storage(stored, KEY) == (b"value", False)
    assert both.from_storage(envelope("two").to_storage(b"value", KEY), KEY) == (b"value", True)
    assert both.from_storage(b"plain", KEY) == (b"plain", True)


def test_encryption_can_be_turned_off() -> None:
    off = PrefixedTransformer([IdentityTransformer(), envelope("one")])
    assert off.to_storage(b"value", KEY) == b"value"
    assert off.from_storage(b"value", KEY) == (b"value", False)
    assert off.from_storage(envelope("one").to_storage(b"value", KEY), KEY) == (b"value", True)


def test_plain_value_is_refused_without_identity() -> None:
    with pytest.raises(TransformError) as refused:
        PrefixedTransformer([envelope("one")]).from_storage(b"plain", KEY)
    assert str(refused.value) == "no matching prefix found"


def test_providers_of_one_prefix_are_tried_in_turn() -> None:
    other = EnvelopeTransformer(Keyring({"other": bytes(32)}), "one")
    both = PrefixedTransformer([envelope("one"), other])
    assert both.from_storage(other.to_storage(b"value", KEY), KEY) == (b"value", True)


def test_error_is_that_of_the_first_provider_with_the_prefix() -> None:
    both = PrefixedTransformer([envelope("one"), IdentityTransformer()])
    stored = envelope("one").to_storage(b"value", KEY)
    with pytest.raises(TransformError, match="message authentication failed"):
        both.from_storage(stored, b"/registry/secrets/a/other")


def test_no_provider_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        PrefixedTransformer([])
