"""SQLite's errors in the store's words. No text of SQLite is passed on, so none can hold a value."""

import sqlite3
from pathlib import Path
from typing import Final

from strongroom.store import errors

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def damaged(path: Path, what: str) -> str:
    """What to tell whoever runs the server about a file that can't be trusted."""
    return (
        f"{path} is damaged ({what}): stop the server, move the file and its -wal and -shm away together, "
        "and restore a backup of it"
    )


def translate(error: sqlite3.Error, path: Path) -> errors.StoreError:
    """Corrupt for a damaged file; Unavailable for the rest (disk full, I/O error, locked)."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if code in _DAMAGED:
        return errors.Corrupt(damaged(path, name))
    if code == sqlite3.SQLITE_FULL:
        return errors.Unavailable(f"no space left to write {path}")
    return errors.Unavailable(f"{path} can't be read or written ({name})")
