"""What is said of an error that no command has words of its own for, and how output ends that can't go on."""

import errno
import os
import sys
from collections.abc import Iterable
from typing import Final

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Quiet(Exception):
    """The reader of the output has left: nothing is to be said."""


def of_system(error: OSError) -> str:
    """One line. Raises Quiet. The standard output takes nothing more after that."""
    _ends_output()
    if isinstance(error, BrokenPipeError) and not error.filename:
        raise Quiet
    why = error.strerror or type(error).__name__
    if error.filename is not None:
        return f"{_shown(error.filename)}: {why}"
    if isinstance(error, FileNotFoundError):
        return f"the working directory: {why}"
    return f"can't write: {why}" if error.errno in _FULL else why


def of_text(arguments: Iterable[str]) -> str:
    """Of a text that can't be sent: which argument it is."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            return f"{_shown(argument)} is not UTF-8"
    return "a text is not UTF-8"


def _shown(name: object) -> str:
    return ascii(name) if isinstance(name, bytes) else str(name).encode("utf-8", "backslashreplace").decode()


def _ends_output() -> None:
    """What is left of the output would be tried again at the very end."""
    try:
        sys.stdout.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
