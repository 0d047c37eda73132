"""Encryption at rest as this process does it: where its keys come from, and what they encrypt."""

import getpass
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.api import resources
from strongroom.cmd.configured_encryption import ConfiguredEncryption
from strongroom.cmd.data_dir import DataDir
from strongroom.encryption import envelope, prefixed
from strongroom.encryption.keyring import Keyring, KeyringError
from strongroom.encryption.keyring_file import KeyringFile
from strongroom.encryption.transformer import Transformer
from strongroom.machinery.sensitive import Sensitive

KEYRING_CREDENTIAL: Final = "strongroom-keyring"
PASSPHRASE_CREDENTIAL: Final = "strongroom-passphrase"  # noqa: S105 - a name
"""Names of systemd credentials (`LoadCredential=`, `LoadCredentialEncrypted=`) that are used when given."""

PROVIDER: Final = "strongroom"
"""The KMS v2 provider name in what our own keyring encrypts."""

SHARED: Final = "/strongroom/shared/"
"""Keys of what servers share through their store, beside the objects; no kind is kept there."""

PASSPHRASE_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says about encryption at rest."""

    passphrase_file: Path | None = None
    """Holds the passphrase of the keyring."""
    config: Path | None = None
    """An EncryptionConfiguration that is used instead of the keyring."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """`transformers`: key prefix -> transformer. `keyring` and `file`: None when keys are not ours to
    make."""

    transformers: Mapping[str, Transformer]
    keyring: Keyring | None = None
    file: KeyringFile | None = None
    configured: ConfiguredEncryption | None = None
    """Where the transformers come from when an EncryptionConfiguration says so."""

    @property
    def stored(self) -> Mapping[str, Transformer]:
        """`transformers`, and that of what servers share through the store: as Secrets are encrypted."""
        return {**self.transformers, SHARED: self.transformers[resources.SECRETS.storage_prefix]}

    @property
    def encrypted(self) -> Mapping[str, Transformer]:
        """Those of `stored` that are written encrypted now."""
        if self.configured is None:
            return self.stored
        prefixes = list(self.configured.encrypted)
        if resources.SECRETS.storage_prefix in prefixes:
            prefixes.append(SHARED)
        return {prefix: self.stored[prefix] for prefix in prefixes}

    @property
    def current_key(self) -> str:
        """What `inspection.key_of` tells of values written now; "" when that differs from kind to kind."""
        return self.label(self.keyring.current_key_id) if self.keyring is not None else ""

    @staticmethod
    def label(key_id: str) -> str:
        """What `inspection.key_of` tells of values under this key of the keyring."""
        return f"kms/{PROVIDER}/{key_id}"

    def close(self) -> None:
        """Let go of plugins."""
        if self.configured is not None:
            self.configured.close()


def keyring_file(
    place: DataDir, passphrase_file: Path | None, environ: Mapping[str, str] = os.environ
) -> KeyringFile:
    """The keyring of a data directory: handed over by systemd, else the file, with its passphrase if any.

    A sealed one whose passphrase is nowhere is asked for at a terminal. Raises KeyringError."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    passphrase = None
    if passphrase_file is not None:
        passphrase = read_passphrase(passphrase_file)
    elif folder and Path(folder, PASSPHRASE_CREDENTIAL).exists():
        passphrase = read_passphrase(Path(folder, PASSPHRASE_CREDENTIAL), handed=True)
    if folder and Path(folder, KEYRING_CREDENTIAL).exists():
        return KeyringFile(Path(folder, KEYRING_CREDENTIAL), passphrase, read_only=True)
    file = KeyringFile(place.keyring, passphrase)
    if passphrase is None and sys.stdin.isatty() and file.is_sealed():
        typed = getpass.getpass(f"Passphrase of {place.keyring}: ")
        return KeyringFile(place.keyring, Sensitive(typed.encode()))
    return file


def read_passphrase(path: Path, *, handed: bool = False) -> Sensitive:
    """The first line of a private file. Raises KeyringError. `handed`: its mode is not ours to judge."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(PASSPHRASE_LIMIT + 1)
    except OSError as error:
        raise KeyringError(f"{path}: the passphrase can't be read: {error.strerror}") from error
    if mode & 0o077 and not handed:
        raise KeyringError(f"{path}: mode {mode:04o} lets others at the passphrase: chmod 600 {path}")
    line = content.split(b"\n", 1)[0].rstrip(b"\r")
    if not line or len(line) > PASSPHRASE_LIMIT:
        raise KeyringError(f"{path}: its first line is no passphrase of 1 to {PASSPHRASE_LIMIT} bytes")
    return Sensitive(line)


def of_keyring(file: KeyringFile, *, create: bool) -> Encryption:
    """Secrets under the keyring in `file`; `create` makes it when it is absent. Raises KeyringError."""
    keys = file.open_or_create() if create else file.load()
    # No identity beside it: a plain value planted in the database is not served.
    secrets = prefixed.PrefixedTransformer([envelope.EnvelopeTransformer(keys, PROVIDER)])
    return Encryption({resources.SECRETS.storage_prefix: secrets}, keys, file)


def of_config(path: Path, place: DataDir, passphrase_file: Path | None) -> Encryption:
    """What an EncryptionConfiguration file says. Raises KeyringError."""
    configured = ConfiguredEncryption(path, lambda: keyring_file(place, passphrase_file).open_or_create())
    return Encryption(configured.transformers, configured=configured)
