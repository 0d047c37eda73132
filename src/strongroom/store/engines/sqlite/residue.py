"""What a database file holds beside its rows: content that was deleted and not overwritten.

Every page is accounted for: in a table's pages the bytes between cells, in the rest of overflow pages, and
the pages that nothing uses. Pages of indexes hold keys and numbers, no values.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TABLE_LEAF: Final = 13
_TREE: Final = frozenset((2, 5, 10, TABLE_LEAF))
"""First bytes of trees' pages. Other pages begin with the number of one, whose first byte is 0."""
_HEADER: Final = 100

NOTICEABLE: Final = 16
"""Shorter runs are left by the file's own bookkeeping (numbers of cells and pages) and hold nothing."""


@dataclass(slots=True)
class Residue:
    """Of one file. `pages` in all, and what is left over in them."""

    pages: int = 0
    dirty_pages: int = 0
    dirty_bytes: int = 0


def examine(path: Path) -> Residue:
    """Of a file that nobody writes and that has no write-ahead log. Raises ValueError when it is no database,
    OSError."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[:16] != b"SQLite format 3\0":
            raise ValueError("not an SQLite database")
        return _File(content).examine()


class _File:
    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        size = int.from_bytes(content[16:18], "big")
        self._size = 65536 if size == 1 else size
        self._usable = self._size - content[20]
        self._overflow: dict[int, int] = {}
        """Page -> bytes of payload in it."""
        self._found = Residue(len(content) // self._size)

    def examine(self) -> Residue:
        free = self._free()
        others = []
        for number in range(1, self._found.pages + 1):
            if number in free:
                self._count(free[number])
                continue
            page = self._page(number)
            start = _HEADER if number == 1 else 0
            if page[start] not in _TREE:
                others.append(number)
                continue
            if page[start] == TABLE_LEAF:
                self._cells(page, start)
                self._count(*_gaps(page, start))
        for number in others:
            self._count(self._page(number)[4 + self._overflow.get(number, 0) : self._usable])
        return self._found

    def _page(self, number: int) -> bytes:
        return self._content[(number - 1) * self._size : number * self._size]

    def _count(self, *spans: bytes) -> None:
        dirty = [kept for span in spans if len(kept := span.strip(b"\0")) >= NOTICEABLE]
        if dirty:
            self._found.dirty_pages += 1
            self._found.dirty_bytes += sum(map(len, dirty))

    def _free(self) -> dict[int, bytes]:
        """Pages that nothing uses -> what is in them beside the list that they form."""
        free: dict[int, bytes] = {}
        trunk = int.from_bytes(self._content[32:36], "big")
        while trunk and trunk not in free and trunk <= self._found.pages:
            page = self._page(trunk)
            leaves = int.from_bytes(page[4:8], "big")
            numbers = [
                int.from_bytes(page[at : at + 4], "big") for at in range(8, 8 + 4 * min(leaves, 16384), 4)
            ]
            rest = page[8 + 4 * leaves :]
            # Beyond its end the list may keep numbers of pages that have left it.
            stale = (int.from_bytes(rest[at : at + 4], "big") for at in range(0, len(rest) - 3, 4))
            free[trunk] = b"" if all(number <= self._found.pages for number in stale) else rest
            free.update((leaf, self._page(leaf)) for leaf in numbers)
            trunk = int.from_bytes(page[:4], "big")
        return free

    def _cells(self, page: bytes, start: int) -> None:
        """Notes the overflow pages of a table leaf's rows."""
        largest = self._usable - 35
        smallest = (self._usable - 12) * 32 // 255 - 23
        for at in range(start + 8, start + 8 + 2 * int.from_bytes(page[start + 3 : start + 5], "big"), 2):
            cell = int.from_bytes(page[at : at + 2], "big")
            payload, cell = _varint(page, cell)
            if payload <= largest:
                continue
            _, cell = _varint(page, cell)
            here = smallest + (payload - smallest) % (self._usable - 4)
            here = here if here <= largest else smallest
            rest, number = payload - here, int.from_bytes(page[cell + here : cell + here + 4], "big")
            while rest > 0 and 0 < number <= self._found.pages and number not in self._overflow:
                self._overflow[number] = min(rest, self._usable - 4)
                rest -= self._usable - 4
                first = (number - 1) * self._size
                number = int.from_bytes(self._content[first : first + 4], "big")


def _gaps(page: bytes, start: int) -> Iterator[bytes]:
    """The bytes of a leaf between its list of cells and its cells, and those that cells have left."""
    cells = int.from_bytes(page[start + 3 : start + 5], "big")
    content = int.from_bytes(page[start + 5 : start + 7], "big") or 65536
    yield page[start + 8 + 2 * cells : content]
    block = int.from_bytes(page[start + 1 : start + 3], "big")
    while block:
        size = int.from_bytes(page[block + 2 : block + 4], "big")
        yield page[block + 4 : block + size]
        following = int.from_bytes(page[block : block + 2], "big")
        block = following if following > block else 0


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for position in range(at, at + 8):
        value = value << 7 | data[position] & 0x7F
        if data[position] < 0x80:
            return value, position + 1
    return value << 8 | data[at + 8], at + 9
