"""The newest acknowledged revision, kept beside the database: finds out that a file lost its end.

SQLite ends a write-ahead log quietly at the first frame that is damaged or missing, since a torn last frame
is what a crash leaves. The number here is written after each commit is durable, and is not synchronised
itself: a loss of power can only leave it too small. So a database that ends before it has lost acknowledged
writes.
"""

import contextlib
import os
from pathlib import Path
from typing import Final, Self

from strongroom.store import errors

_DIGITS: Final = 20


def path_of(database: Path) -> Path:
    """Where the number is kept for the database at `database`."""
    return database.with_name(database.name + ".acknowledged")


class Acknowledged:
    """One writer at a time sets it; the file holds the number in decimal digits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, database: Path) -> Self:
        """Made when absent, 0600. Raises OSError."""
        return cls(os.open(path_of(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def get(self) -> int:
        """The number; 0 when none was ever set or it can't be read."""
        digits = os.pread(self._descriptor, _DIGITS, 0)
        return int(digits) if len(digits) == _DIGITS and digits.isdigit() else 0

    def set(self, revision: int) -> None:
        """A number that can't be written (disk full) stays as it was, which only makes the check weaker."""
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, b"%020d" % revision, 0)

    def close(self) -> None:
        os.close(self._descriptor)


def check(database: Path, current: int) -> None:
    """Raises Corrupt when writes after revision `current`, the database's newest, were acknowledged."""
    try:
        mark = Acknowledged.open(database)
    except OSError as error:
        raise errors.Unavailable(f"{path_of(database)}: {error.strerror}") from error
    try:
        known = mark.get()
    finally:
        mark.close()
    if current < known:
        raise errors.Corrupt(
            f"{database} ends at revision {current}, but revision {known} was acknowledged: "
            f"{database.name}-wal was cut short, damaged or removed. Put it back, or restore a backup: move "
            f"{database.parent} away, then run: strongroom restore FILE"
        )
