"""Files with variables that a container left for those after it (`fileKeyRef`, KEP-3721).

A line is `NAME='value'`: between the quotes everything stands for itself, ends of lines too. Blank lines and
those that begin with `#` say nothing, nor does what follows ` #` after the closing quote.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from strongroom.machinery.gvk import Object
from strongroom.node.volumes import subpath
from strongroom.node.volumes.payload import VolumeError

SIZE_MAX: Final = 1 << 20
_NEXT = re.compile(
    rb"[ \t]*(?:#[^\n]*|(?P<name>[^\s=#][^=\n]*?)=(?:'(?P<value>[^']*)'[ \t]*(?:#[^\n]*)?|[ \t][^\n]*))?"
    rb"(?:\n|\Z)"
)


class EnvFileError(Exception):
    """A file that cannot be read."""


class Reference(NamedTuple):
    """A key of a file at a path of a volume, which is given by its name."""

    volume: str
    path: str
    key: str


def reference(source: Object) -> Reference:
    """What a `fileKeyRef` names."""
    return Reference(*(str(source.get(field) or "") for field in ("volumeName", "path", "key")))


def references(container: Object) -> list[Reference]:
    """What the variables of a container name."""
    origins = [variable.get("valueFrom") or {} for variable in container.get("env") or ()]
    return [reference(origin["fileKeyRef"]) for origin in origins if origin.get("fileKeyRef")]


def find(wanted: Iterable[Reference], volume: Callable[[str], Path]) -> dict[Reference, bytes | None]:
    """What files say to each of `wanted`: b"" where nothing, None where that cannot be known.

    `volume` tells where one is. Each file is read and gone through once, however many keys of it are named.
    """
    keys: dict[tuple[str, str], list[str]] = {}
    for each in wanted:
        keys.setdefault((each.volume, each.path), []).append(each.key)
    found: dict[Reference, bytes | None] = {}
    for (name, path), of_file in keys.items():
        said: dict[str, bytes | None]
        try:
            said = values(read(volume(name), path) or b"", of_file)
        except EnvFileError:
            said = dict.fromkeys(of_file)
        found |= {Reference(name, path, key): value for key, value in said.items()}
    return found


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


def values(content: bytes, keys: Iterable[str]) -> dict[str, bytes | None]:
    """What the first line for each of `keys` says; b"" where there is none, None where a line before it is
    not of the form."""
    content, position = content.replace(b"\r\n", b"\n"), 0
    missing, found = set(keys), dict[str, bytes | None]()
    while missing and position < len(content):
        line = _NEXT.match(content, position)
        name = line["name"] if line is not None else None
        if line is None or (name is not None and name != name.rstrip(b" \t")):
            return found | dict.fromkeys(missing)
        key = name.decode(errors="replace") if name is not None else None
        if key in missing:
            missing.discard(key)
            found[key] = line["value"] or b""
        position = line.end()
    return found | dict.fromkeys(missing, b"")
