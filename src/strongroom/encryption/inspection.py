"""What a stored value tells without being opened: who encrypted it, and under which key."""

from typing import Final

from strongroom.encryption import encrypted_object

PLAIN: Final = "plain"
"""Stored as it is."""

UNKNOWN: Final = "unknown"
"""It says that it is encrypted, but not in a form that is known."""

_KMS_V2: Final = b"k8s:enc:kms:v2:"
_ENCRYPTED: Final = b"k8s:enc:"
_NAMED: Final = frozenset((b"aesgcm", b"aescbc", b"secretbox"))


def key_of(stored: bytes) -> str:
    """`kms/‹provider›/‹key id›`, `aesgcm/‹key›` (aescbc and secretbox alike), PLAIN or UNKNOWN."""
    if not stored.startswith(_ENCRYPTED):
        return PLAIN
    if stored.startswith(_KMS_V2):
        name, separator, message = stored[len(_KMS_V2) :].partition(b":")
        if not separator:
            return UNKNOWN
        try:
            provider = name.decode().replace("/", "%2F")
            return f"kms/{provider}/{encrypted_object.decode(message).key_id}"
        except ValueError:
            return UNKNOWN
    parts = stored[:512].split(b":", 5)
    if len(parts) == 6 and parts[2] in _NAMED and parts[3] == b"v1":
        try:
            return f"{parts[2].decode()}/{parts[4].decode()}"
        except UnicodeDecodeError:
            return UNKNOWN
    return UNKNOWN


def parts_of(label: str) -> tuple[str, str]:
    """What `key_of` told, as the provider and its key; no provider for PLAIN and UNKNOWN.

    The key ids of KMS plugins may have slashes, as paths and ARNs do."""
    parts = label.split("/", 2 if label.startswith("kms/") else 1)
    return "/".join(parts[:-1]), parts[-1]
