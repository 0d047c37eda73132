"""The provider that does not encrypt."""

import pytest

from strongroom.encryption.identity import IdentityTransformer
from strongroom.encryption.transformer import TransformError


def test_values_stay_as_they_are() -> None:
    identity = IdentityTransformer()
    assert identity.to_storage(b"value", b"key") == b"value"
    assert identity.from_storage(b"value", b"key") == (b"value", False)


def test_encrypted_value_is_refused() -> None:
    with pytest.raises(TransformError) as refused:
        IdentityTransformer().from_storage(b"k8s:enc:aesgcm:v1:key:abc", b"key")
    assert str(refused.value) == "identity transformer tried to read encrypted data"
