"""The file of --token-auth-file: users and the bearer tokens that they were given.

Format and texts: Kubernetes documentation, "Static token file" (CSV: token, user name, uid, groups).
"""

import csv
import io
import logging
import os
import stat
from pathlib import Path
from typing import Final

from strongroom.machinery.request_info import UserInfo

_log = logging.getLogger(__name__)

LIMIT: Final = 4 * 1024 * 1024
AUTHENTICATED: Final = "system:authenticated"


class TokenFileError(Exception):
    """The file can't be used: names it, the record and the reason, never what stands in it."""


def load(path: Path) -> dict[str, UserInfo]:
    """Token -> user. A later record goes before an earlier one of the same token. Raises TokenFileError."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(LIMIT + 1)
    except OSError as error:
        raise TokenFileError(f"token file '{path}' can't be read: {error.strerror}") from None
    if mode & 0o077:
        raise TokenFileError(
            f"token file '{path}' has mode {mode:04o}, so that others may read it: chmod 600 it"
        )
    if len(content) > LIMIT:
        raise TokenFileError(f"token file '{path}' is larger than {LIMIT >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TokenFileError(f"token file '{path}' is not UTF-8") from None
    return _parse(text, path)


def _parse(text: str, path: Path) -> dict[str, UserInfo]:
    users: dict[str, UserInfo] = {}
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for record in reader:
            if not record:
                continue
            number += 1
            if len(record) < 3:
                raise TokenFileError(
                    f"token file '{path}' must have at least 3 columns (token, user name, user uid), "
                    f"found {len(record)} in record number '{number}'"
                )
            token, name, uid = record[:3]
            if not token:
                _log.warning(
                    "empty token has been found in token file '%s', record number '%d'", path, number
                )
                continue
            if not token.isascii() or not token.isprintable() or " " in token:
                raise TokenFileError(
                    f"token file '{path}', record number '{number}': the token has characters that an "
                    "Authorization header can't carry"
                )
            if not name:
                raise TokenFileError(f"token file '{path}', record number '{number}': the user name is empty")
            if token in users:
                _log.warning(
                    "duplicate token has been found in token file '%s', record number '%d'", path, number
                )
            groups = record[3].split(",") if len(record) > 3 else []
            held = dict.fromkeys((*filter(None, map(str.strip, groups)), AUTHENTICATED))
            users[token] = UserInfo(name, uid, tuple(held))
    except csv.Error:
        raise TokenFileError(
            f"token file '{path}': parse error on line {reader.line_num}: "
            'extraneous or missing " in quoted-field'
        ) from None
    return users
