"""The signing keys of service account tokens on disk: a folder of PEM files, the newest name signs.

All keys in the folder verify, so a new one can be put beside the old until the old one's tokens have ended.
"""

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from strongroom.cmd import files
from strongroom.server.service_accounts.keys import Keys


class KeyFileError(Exception):
    """A key can't be used: names the file and the reason."""


def open_or_create(folder: Path, now: datetime) -> Keys:
    """The keys in `folder`; the first is made when there is none. Raises KeyFileError."""
    files.make_private_folder(folder)
    found = sorted(folder.glob("*.key"), reverse=True)
    if not found:
        found = [add(folder, now)]
    return Keys([_load(path) for path in found])


def add(folder: Path, now: datetime) -> Path:
    """Make a key that signs from the next start on."""
    path = folder / f"{now:%Y%m%dT%H%M%SZ}.key"
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files.write_private(path, pem)
    return path


def _load(path: Path) -> ec.EllipticCurvePrivateKey:
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path}: others may read it: chmod 600 it, or replace it if others did")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyFileError(f"{path}: not a private key in PEM: {type(error).__name__}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFileError(f"{path}: not an EC key on P-256")
    return key
