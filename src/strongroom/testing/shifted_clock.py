"""A system whose wall clock is set forward and back while it runs; its monotonic clock goes on as it was.

The program runs in this process, with a `SystemClock.now` that adds to the machine's. What does not read the
time from there, containerd and the containers above all, has the machine's.
"""

import mmap
import runpy
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from strongroom.aio.clock import SystemClock

_SECONDS = struct.Struct("q")


class Shift:
    """How far the wall clock is ahead; `file` is where programs that run under `wrapper` read it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_bytes(_SECONDS.pack(0))

    def set(self, seconds: int) -> None:
        """The wall clock is `seconds` ahead of the machine's from now on."""
        with self._file.open("r+b") as file:
            file.write(_SECONDS.pack(seconds))

    @property
    def wrapper(self) -> list[str]:
        """What to put before the command of a Python program."""
        return [sys.executable, "-m", "strongroom.testing.shifted_clock", str(self._file)]


def _run(file: Path, program: str) -> None:
    with file.open("rb") as opened:
        memory = mmap.mmap(opened.fileno(), _SECONDS.size, access=mmap.ACCESS_READ)

    def now(self: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=_SECONDS.unpack(memory[:])[0])

    SystemClock.now = now  # type: ignore[method-assign]
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    where, *sys.argv = sys.argv[1:]
    _run(Path(where), sys.argv[0])
