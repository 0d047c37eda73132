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

Progress = Callable[[int, int], None]
"""Called with pages copied and pages in all."""


def _silent(_: int, __: int) -> None:
    pass


def copy(source: sqlite3.Connection, target: sqlite3.Connection, progress: Progress = _silent) -> None:
    """All pages of `source` into `target`, from one snapshot. Raises sqlite3.Error."""
    source.execute("BEGIN")
    try:
        # The first read takes the snapshot; as long as it is held, no write makes the copy begin anew.
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(
            target,
            pages=PAGES_PER_STEP,
            progress=lambda _, remaining, total: progress(total - remaining, total),
        )
    finally:
        source.execute("COMMIT")


def write(source: sqlite3.Connection, target: Path, progress: Progress = _silent) -> None:
    """The copy in a new file at `target`: 0600, whole or not at all, durable when this returns.

    Raises Unavailable, also when there is a file already."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as copied:
            # Nobody reads it before it is whole, so it needs neither journal nor order.
            copied.execute("PRAGMA synchronous = OFF")
            copied.execute("PRAGMA journal_mode = OFF")
            copy(source, copied, progress)
            copied.execute("PRAGMA journal_mode = DELETE")
        _synchronize(temporary)
        os.link(temporary, target)
        _synchronize(target.parent)
    except FileExistsError:
        raise errors.Unavailable(f"{target} is there already: name another file") from None
    except sqlite3.Error as error:
        raise failures.translate(error, target) from error
    except OSError as error:
        raise errors.Unavailable(f"{error.filename or target}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _synchronize(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
