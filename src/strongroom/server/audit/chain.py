"""Lines that vouch for one another: each carries its own hash and that of the line before.

`"previousHash":"…","hash":"…"` are the last two fields of a line; the hash is SHA-256 over all before the
second of them. Who changes, removes or moves a line has to write all that follow anew.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GENESIS: Final = "0" * 64
_PREVIOUS: Final = b',"previousHash":"'
_HASH: Final = b'","hash":"'
_END: Final = b'"}'


class Broken(Exception):
    """The first line that is not as it was written: file, number and what is wrong."""


def link(event: bytes, previous: str) -> tuple[bytes, str]:
    """The line of an event (a JSON object), with the newline, and its hash."""
    body = b"".join((event[:-1], _PREVIOUS, previous.encode()))
    digest = hashlib.sha256(body).hexdigest()
    return b"".join((body, _HASH, digest.encode(), _END, b"\n")), digest


def hash_of(line: bytes) -> str:
    """The hash that a line carries; "" when it carries none."""
    start = line.rfind(_HASH)
    found = line[start + len(_HASH) : -len(_END)] if start >= 0 and line.endswith(_END) else b""
    return found.decode("ascii", "replace") if len(found) == 64 else ""


@dataclass(frozen=True, slots=True)
class Verified:
    """`whole`: the first line is the first that was ever written; older ones are not gone."""

    lines: int
    last: str
    whole: bool


def verify(files: Iterable[Path]) -> Verified:
    """Check the lines of `files`, oldest first. Raises Broken, OSError."""
    count, previous, whole = 0, "", True
    for path in files:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                previous = _check(raw, previous, f"{path}:{number}")
                if not count:
                    whole = raw.rpartition(_HASH)[0].endswith(_PREVIOUS + GENESIS.encode())
                count += 1
    return Verified(count, previous or GENESIS, whole)


def _check(raw: bytes, previous: str, where: str) -> str:
    line = raw.rstrip(b"\n")
    body, _, _ = line.rpartition(_HASH)
    said = hash_of(line)
    if not said or not raw.endswith(b"\n"):
        raise Broken(f"{where}: the line is cut or no line of this log")
    if hashlib.sha256(body).hexdigest() != said:
        raise Broken(f"{where}: the line was changed")
    before = body.rpartition(_PREVIOUS)[2].decode("ascii", "replace")
    if previous and before != previous:
        raise Broken(f"{where}: the line does not follow the one before: lines were removed, added or moved")
    return said
