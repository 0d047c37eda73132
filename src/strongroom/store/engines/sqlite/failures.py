"""SQLite's errors in the store's words. No text of SQLite is passed on, so none can hold a value."""

import contextlib
import functools
import sqlite3
from pathlib import Path
from typing import Final

from strongroom.store import errors

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def damaged(path: Path, what: str) -> str:
    """What to tell whoever runs the server about a file that can't be trusted."""
    return (
        f"{path} is damaged ({what}): stop the server, move {path.parent} away, and restore a backup of it: "
        "strongroom restore FILE"
    )


def where(path: Path) -> str:
    """What SQLite's check of the file's structure finds first, such as `Tree 2 page 5: …`; "" for nothing.

    It reads the whole file. The texts name pages, rows by number, tables and columns: no content."""
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only = ON")
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(getattr(error, "sqlite_errorname", type(error).__name__))
    lines = [line for line in str(found).splitlines() if not line.startswith("***")]
    return "" if lines == ["ok"] else (lines or ["unreadable"])[0]


_where_once = functools.lru_cache(maxsize=1)(where)


def translate(error: sqlite3.Error, path: Path) -> errors.StoreError:
    """Corrupt for a damaged file; Unavailable for the rest (disk full, I/O error, locked)."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if code in _DAMAGED:
        return errors.Corrupt(damaged(path, _where_once(path) or name))
    if code == sqlite3.SQLITE_FULL:
        return errors.Unavailable(f"no space left to write {path}")
    return errors.Unavailable(f"{path} can't be read or written ({name})")
