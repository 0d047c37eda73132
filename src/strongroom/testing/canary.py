"""A value that must be nowhere: search of files, processes and texts for it in every usual spelling."""

import base64
import contextlib
import mmap
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path


def new() -> str:
    """A value that occurs nowhere by chance."""
    return "canary-" + secrets.token_hex(12)


def spellings(value: str) -> list[bytes]:
    """The value plain, in base64 (at each of the three alignments, both alphabets), in hex, and each
    backwards."""
    plain = value.encode()
    found = [plain, plain.hex().encode(), plain.hex().upper().encode()]
    for shift in range(3):
        # Characters that also depend on what stands before or after the value are cut off.
        encoded = base64.b64encode(b"\0" * shift + plain)[(shift * 8 + 5) // 6 :]
        core = encoded[: (len(plain) * 8 - (6 - shift * 8 % 6) % 6) // 6]
        found += [core, core.translate(bytes.maketrans(b"+/", b"-_"))]
    return list(dict.fromkeys(found + [spelling[::-1] for spelling in found]))


def in_bytes(data: "bytes | mmap.mmap", values: Sequence[str]) -> bool:
    """Whether any spelling of any of the values occurs."""
    return any(data.find(spelling) >= 0 for value in values for spelling in spellings(value))


def in_files(directory: Path, values: Sequence[str]) -> list[Path]:
    """Regular files under `directory` that hold one of the values. Other file systems mounted below it (a
    container's tmpfs volumes, which may hold them) are left out."""
    return [path for path in _regular_files(directory) if _holds(path, values)]


def in_process(pid: int, values: Sequence[str]) -> list[str]:
    """Which of a process's arguments and environment hold one of the values."""
    places = ("cmdline", "environ")
    return [place for place in places if in_bytes(Path(f"/proc/{pid}/{place}").read_bytes(), values)]


def _regular_files(directory: Path) -> Iterator[Path]:
    device = directory.stat().st_dev
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if _lies_on(Path(folder, name), device)]
        for name in names:
            path = Path(folder, name)
            with contextlib.suppress(FileNotFoundError):
                found = path.lstat()
                # A single file may be a mount, too: a container's subPath is one.
                if stat.S_ISREG(found.st_mode) and found.st_dev == device:
                    yield path


def _lies_on(folder: Path, device: int) -> bool:
    """What is gone meanwhile lies nowhere."""
    with contextlib.suppress(FileNotFoundError):
        return folder.lstat().st_dev == device
    return False


def _holds(path: Path, values: Sequence[str]) -> bool:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        if path.stat().st_size == 0:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return in_bytes(content, values)
    return False
