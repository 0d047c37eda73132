"""The data directory: who owns it, and where things lie in it."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from strongroom.cmd import files


class InUse(Exception):
    """Another process runs on this data directory."""


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths below one data directory."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "store" / "strongroom.db"

    @property
    def keyring(self) -> Path:
        """The key-encryption keys; a copy of the database's folder opens nothing without them."""
        return self.root / "keys" / "keyring.json"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def service_account_keys(self) -> Path:
        return self.root / "keys" / "service-account"

    @property
    def admin_token(self) -> Path:
        return self.root / "credentials" / "admin.token"

    @property
    def node(self) -> Path:
        return self.root / "node"

    def lock(self) -> IO[str]:
        """Take the directory for this process until the returned file is closed. Raises InUse."""
        files.make_private_folder(self.root)
        file = (self.root / "lock").open("a+")
        os.set_inheritable(file.fileno(), False)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read(32).strip() or "unknown"
            file.close()
            raise InUse(f"data directory {self.root} is in use by process {owner}") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        return file
