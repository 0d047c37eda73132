"""No encryption: values are stored as they are."""

from typing import Final

from strongroom.encryption.transformer import Opened, TransformError

ENCRYPTED: Final = b"k8s:enc:"
"""What every encrypted value begins with."""


class IdentityTransformer:
    """The `identity` provider. A value that some other provider encrypted is refused, not handed out."""

    prefix = b""

    def to_storage(self, data: bytes, context: bytes) -> bytes:
        return data

    def from_storage(self, stored: bytes, context: bytes) -> Opened:
        if stored.startswith(ENCRYPTED):
            raise TransformError("identity transformer tried to read encrypted data")
        return Opened(stored, False)
