"""Compaction: first a mark (older reads are refused from then on), then the rows go, a slice at a time.

A slice looks only at revisions made since the last sweep, so the cost follows the writes, not the size of the
database. A sweep that was cut short (crash, disk full) goes on from its own mark.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final, Self

SLICE: Final = 500
"""Revisions looked at in one transaction: a few milliseconds, so that writers in between hardly wait."""


def mark(connection: sqlite3.Connection, revision: int) -> None:
    """Refuse reads older than `revision` from now on. Never goes back."""
    connection.execute("UPDATE compaction SET compacted = ? WHERE compacted < ?", (revision, revision))


@dataclass(slots=True)
class Sweep:
    """Rows with a revision < `swept` are dealt with; the goal is `compacted`."""

    swept: int
    compacted: int

    @classmethod
    def pending(cls, connection: sqlite3.Connection) -> Self:
        compacted, swept = connection.execute("SELECT compacted, swept FROM compaction").fetchone()
        return cls(swept, compacted)

    def step(self, connection: sqlite3.Connection) -> bool:
        """Remove what one slice of revisions supersedes, and its tombstones. False when all is done.

        The row at `compacted` itself stays in any case: a watch from the revision before it is exact."""
        if self.swept >= self.compacted:
            return False
        upto = min(self.swept + SLICE, self.compacted)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "DELETE FROM revisions WHERE revision IN ("
            " SELECT old.revision FROM revisions AS new"
            " CROSS JOIN revisions AS old INDEXED BY revisions_of_key"
            " ON old.key = new.key AND old.revision < new.revision"
            " WHERE new.revision BETWEEN ? AND ?)",
            (self.swept, upto),
        )
        connection.execute(
            "DELETE FROM revisions WHERE revision BETWEEN ? AND ? AND version = 0 AND revision < ?",
            (self.swept, upto, self.compacted),
        )
        connection.execute("UPDATE compaction SET swept = ?", (upto,))
        connection.execute("COMMIT")
        self.swept = upto
        return self.swept < self.compacted
