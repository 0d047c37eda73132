"""Files with variables that a container left for those after it (`fileKeyRef`, KEP-3721).

A line is `NAME='value'`: between the quotes everything stands for itself, ends of lines too. Blank lines and
those that begin with `#` say nothing, nor does what follows ` #` after the closing quote.
"""

import os
import re
import stat
from pathlib import Path
from typing import Final

from strongroom.node.volumes import subpath
from strongroom.node.volumes.payload import VolumeError

SIZE_MAX: Final = 1 << 20
_NEXT = re.compile(
    rb"[ \t]*(?:#[^\n]*|(?P<name>[^\s=#][^=\n]*?)=(?:'(?P<value>[^']*)'[ \t]*(?:#[^\n]*)?|[ \t][^\n]*))?"
    rb"(?:\n|\Z)"
)


class EnvFileError(Exception):
    """A file that is not of that form, or that cannot be read."""


def read(volume: Path, path: str) -> bytes | None:
    """The file at `path` of a volume, which no link leads out of; None: there is none.

    Raises `EnvFileError`."""
    try:
        descriptor = subpath.open_below(volume, path.lstrip("/"))
    except FileNotFoundError:
        return None
    except (OSError, VolumeError) as error:
        raise EnvFileError("cannot be opened") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > SIZE_MAX:
            raise EnvFileError("is no file of a reasonable size")
        with Path(f"/proc/self/fd/{descriptor}").open("rb") as file:
            return file.read(SIZE_MAX)
    except OSError as error:
        raise EnvFileError("cannot be read") from error
    finally:
        os.close(descriptor)


def value(content: bytes, key: str) -> bytes:
    """What the first line for `key` says; b"" where there is none. Raises `EnvFileError` for a line before it
    that is not of the form."""
    content, position = content.replace(b"\r\n", b"\n"), 0
    while position < len(content):
        found = _NEXT.match(content, position)
        name = found["name"] if found is not None else None
        if found is None or (name is not None and name != name.rstrip(b" \t")):
            raise EnvFileError("is not of the form NAME='value'")
        if name is not None and name.decode(errors="replace") == key:
            return found["value"] or b""
        position = found.end()
    return b""
