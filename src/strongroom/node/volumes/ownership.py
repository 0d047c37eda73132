"""fsGroup: the group that may read a volume's files (`securityContext.fsGroup` of the pod)."""

import os
import stat
from pathlib import Path

_READ_ONLY_FILE = 0o440
_READ_ONLY_DIRECTORY = 0o550
_READ_WRITE_FILE = 0o660
_READ_WRITE_DIRECTORY = 0o770


def mode_with_group(mode: int, *, read_only: bool) -> int:
    """The mode of a file or directory once its group may use it. `mode` has the file type's bits."""
    if stat.S_ISDIR(mode):
        more = (_READ_ONLY_DIRECTORY if read_only else _READ_WRITE_DIRECTORY) | stat.S_ISGID
    else:
        more = _READ_ONLY_FILE if read_only else _READ_WRITE_FILE
    return stat.S_IMODE(mode) | more


def set_group(root: Path, group: int, *, read_only: bool) -> None:
    """Give `root` and all below it to `group`. Symbolic links are given, never followed."""
    _set_one(root, group, read_only=read_only)
    for folder, directories, files in os.walk(root):
        for name in (*directories, *files):
            _set_one(Path(folder, name), group, read_only=read_only)


def _set_one(path: Path, group: int, *, read_only: bool) -> None:
    os.chown(path, -1, group, follow_symlinks=False)
    mode = path.lstat().st_mode
    if not stat.S_ISLNK(mode):
        path.chmod(mode_with_group(mode, read_only=read_only))
