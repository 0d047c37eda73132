"""What the commands that run until they are asked to stop have in common."""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from strongroom.cmd import data_dir, hardening
from strongroom.telemetry import logs

Work = Callable[[data_dir.DataDir], Coroutine[Any, Any, int]]


def run(root: Path, work: Work, failures: tuple[type[Exception], ...]) -> int:
    """Does `work` as the only process on the data directory `root`; the exit code.

    `failures`: what ends it with code 1 and its text as one line on stderr."""
    hardening.harden()
    hardening.raise_file_limit()
    logs.configure(sys.stderr)
    place = data_dir.DataDir(root)
    try:
        with place.lock():
            return uvloop.run(work(place))
    except failures as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename or root}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130


def _fail(text: str) -> int:
    print("strongroom: error: " + " ".join(text.split()), file=sys.stderr)  # noqa: T201
    return 1
