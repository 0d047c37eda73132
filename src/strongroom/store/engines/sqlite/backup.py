"""A copy of the database as of one moment, while others read and write it. Values stay as they lie."""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from strongroom.store import errors
from strongroom.store.engines.sqlite import failures

PAGES_PER_STEP: Final = 1000

_FORMATS: Final = 18
_WITHOUT_LOG: Final = b"\x01\x01"
"""Where the file's header says whether it is read and written through a write-ahead log, and that it is
not."""

Progress = Callable[[int, int], None]
"""Called with pages copied and pages in all."""


Change = Callable[[sqlite3.Connection], None]


def _silent(_: int, __: int) -> None:
    pass


def copy(source: sqlite3.Connection, target: Path, progress: Progress = _silent) -> None:
    """All pages of `source`, from one snapshot, into the empty file at `target`, which needs no other file
    beside it then. Not durable yet. Raises sqlite3.Error, OSError."""
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copied:
        # Nobody reads it before it is whole, so it needs neither journal nor order.
        copied.execute("PRAGMA synchronous = OFF")
        copied.execute("PRAGMA journal_mode = OFF")
        source.execute("BEGIN")
        try:
            # The first read takes the snapshot; as long as it is held, no write makes the copy begin anew.
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            source.backup(
                copied,
                pages=PAGES_PER_STEP,
                progress=lambda _, remaining, total: progress(total - remaining, total),
            )
        finally:
            source.execute("COMMIT")
    with target.open("r+b") as file:
        file.seek(_FORMATS)
        file.write(_WITHOUT_LOG)


def write(
    source: sqlite3.Connection, target: Path, progress: Progress = _silent, change: Change | None = None
) -> None:
    """The copy in a new file at `target`: 0600, whole or not at all, durable when this returns.

    `change` is made to it before. Raises Unavailable, also when there is a file already."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        copy(source, temporary, progress)
        if change is not None:
            with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as copied:
                copied.execute("PRAGMA synchronous = OFF")
                copied.execute("PRAGMA journal_mode = OFF")
                change(copied)
        _synchronize(temporary)
        os.link(temporary, target)
        _synchronize(target.parent)
    except FileExistsError:
        raise errors.Unavailable(f"{target} is there already: name another file") from None
    except sqlite3.Error as error:
        raise failures.translate(error, target) from error
    except OSError as error:
        where = target.parent if error.filename == str(temporary) else error.filename or target
        raise errors.Unavailable(f"{where}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _synchronize(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
