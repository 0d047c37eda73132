"""Proof of what the database is encrypted with: every stored revision is opened, every page looked at."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from strongroom.cmd import key_survey
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.encryption import Encryption
from strongroom.cmd.key_survey import Values
from strongroom.encryption import encrypted_object, inspection
from strongroom.encryption.transformer import Transformer
from strongroom.store.engine import DurableEngine
from strongroom.store.engines.sqlite import backup, failures, residue
from strongroom.store.errors import Unavailable

_COPY: Final = ".verify-"

_BLOCK: Final = 4 * 1024 * 1024

_PLAIN: Final = b'{"kind":"Secret","apiVersion":"v1"'
"""How a Secret's JSON begins."""

Report = Callable[[int, int], None]


@dataclass(slots=True)
class Proof:
    """What `verify` found."""

    current_key: str
    values: Values
    pages: residue.Residue | None = None
    """None: the files are those of an etcd, and were not looked at."""
    traces: list[str] = field(default_factory=list)
    """Files beside the database, and it itself, that hold bytes of a plain Secret or of an older key's
    values."""

    @property
    def old_keys(self) -> list[str]:
        """Keys, not the current one, that values are under."""
        return sorted(self.values.stale)

    @property
    def plain(self) -> int:
        return self.values.keys[inspection.PLAIN]

    @property
    def proven(self) -> bool:
        """Every value opens under the current key, and nothing else is left of any."""
        clean = not (self.values.unreadable or self.values.stale or self.plain or self.traces)
        return clean and not (self.pages and self.pages.dirty_bytes)

    def document(self) -> Mapping[str, Any]:
        """As `-o json` shows it."""
        return {
            "proven": self.proven,
            "currentKey": inspection.parts_of(self.current_key)[1],
            "revisions": self.values.rows,
            "values": self.values.values,
            "keys": dict(self.values.keys),
            "stale": self.values.stale.total(),
            "plain": self.plain,
            "unreadable": self.values.unreadable,
            "unreadableKeys": self.values.named,
            "pages": asdict(self.pages) if self.pages else None,
            "traces": self.traces,
        }


def count(database: Path, used: Encryption) -> Values:
    """The stored values by key, none opened. Raises Unavailable."""
    with _reading(database) as connection:
        return read(connection, used.encrypted, opened=False, report=lambda *_: None)


def verify(place: DataDir, used: Encryption, report: Report) -> Proof:
    """Look at everything, from one snapshot. `report` is told revisions read and all. Raises Unavailable.

    It needs room for a copy of the database: pages are looked at in a copy, which has no name and goes with
    the process, so that no writer changes them meanwhile."""
    database = place.database
    with _reading(database) as connection, _copy(connection, database) as (copied, path):
        values = read(copied, used.encrypted, opened=True, report=report)
        try:
            pages = residue.examine(path)
        except (OSError, ValueError) as error:
            raise Unavailable(f"the copy of {database} can't be read: {error}") from None
    ids = {inspection.parts_of(label)[1] for label in values.stale if label.startswith("kms/")}
    if used.keyring is not None:
        ids.update(used.keyring.key_ids[1:])
    return Proof(used.current_key, values, pages, _traces(database, ids))


async def verify_shared(engine: DurableEngine, used: Encryption, report: Report) -> Proof:
    """Look at every value that a store which is not a file of ours answers with. Raises StoreError."""
    values = await key_survey.survey(engine, used.encrypted, opened=True, report=lambda at: report(at, at))
    return Proof(used.current_key, values)


@contextlib.contextmanager
def _reading(database: Path) -> Any:
    try:
        with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
            connection.execute("PRAGMA query_only = ON")
            yield connection
    except sqlite3.Error as error:
        raise failures.translate(error, database) from error
    except OSError as error:
        raise Unavailable(f"{error.filename or database}: {error.strerror}") from error


@contextlib.contextmanager
def _copy(source: sqlite3.Connection, database: Path) -> Any:
    """A connection to a copy, and a path by which its file is read. The file has no name by then."""
    for left in database.parent.glob(f"{_COPY}*"):
        left.unlink(missing_ok=True)  # of a process that was killed meanwhile
    descriptor, name = tempfile.mkstemp(prefix=_COPY, dir=database.parent)
    try:
        try:
            backup.copy(source, Path(name))
            copied = sqlite3.connect(f"file:{name}?mode=ro&immutable=1", uri=True, isolation_level=None)
            copied.execute("SELECT count(*) FROM sqlite_schema")
        finally:
            Path(name).unlink()
        with contextlib.closing(copied):
            yield copied, Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def read(
    connection: sqlite3.Connection, transformers: Mapping[str, Transformer], *, opened: bool, report: Report
) -> Values:
    """What is stored under the prefixes of `transformers`, and whether it opens. Raises sqlite3.Error."""
    found = Values()
    total = connection.execute("SELECT count(*) FROM revisions WHERE version > 0").fetchone()[0]
    prefixes = tuple(transformers)
    for key, value in connection.execute("SELECT key, value FROM revisions WHERE version > 0"):
        found.rows += 1
        if found.rows % 1000 == 0:
            report(found.rows, total)
        if not key.startswith(prefixes):
            continue
        transformer = next(used for prefix, used in transformers.items() if key.startswith(prefix))
        found.add(key, value, transformer, opened=opened)
    report(found.rows, total)
    return found


def _traces(database: Path, old_ids: Collection[str]) -> list[str]:
    """Files in the database's folder with bytes of a plain Secret, or of a value under one of these keys."""
    sought = {"bytes of a plain Secret": _PLAIN}
    for key_id in sorted(old_ids):
        sought[f'bytes of a value under key "{key_id}"'] = encrypted_object.key_id_field(key_id)
    traces = []
    for path in sorted(database.parent.iterdir()):
        try:
            if path.is_file():
                traces += [f"{path.name}: {what}" for what in _found_in(path, sought)]
        except FileNotFoundError:
            continue  # the server at work has removed it
        except OSError as error:
            raise Unavailable(f"{path} can't be read: {error.strerror}") from None
    return traces


def _found_in(path: Path, sought: Mapping[str, bytes]) -> list[str]:
    """What of `sought` is in a file. Read, not mapped: a server at work may cut it short meanwhile."""
    overlap = max(map(len, sought.values())) - 1
    found: set[str] = set()
    tail = b""
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            block = tail + block
            found.update(what for what, needle in sought.items() if needle in block)
            tail = block[-overlap:]
    return [what for what in sought if what in found]
