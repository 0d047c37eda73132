"""The `continue` token of paged lists: where the next page starts, and of which snapshot.

The layout is upstream's (`apiserver/pkg/storage/continue.go`): a list may go on at another server.
"""

import base64
import binascii
from typing import NamedTuple

import orjson

from strongroom.machinery import status
from strongroom.machinery.codec import json_syntax

_VERSION = "meta.k8s.io/v1"
INCONSISTENT = -1
"""As the revision: go on in the newest state, whatever was changed meanwhile."""


class Position(NamedTuple):
    """`start` is a full key; pages hold keys >= it. `revision` is that of the snapshot, or INCONSISTENT."""

    start: str
    revision: int


def encode(last_key: str, prefix: str, revision: int) -> str:
    """The token for what follows `last_key` in the list of `prefix`."""
    token = {"v": _VERSION, "rv": revision, "start": last_key.removeprefix(prefix) + "\x00"}
    return base64.urlsafe_b64encode(orjson.dumps(token)).rstrip(b"=").decode()


def decode(token: str, prefix: str) -> Position:
    """Raises StatusError 400 for what no server gave."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        if why := json_syntax.fault(raw):
            raise _invalid(why)
        content = orjson.loads(raw)
        version, revision, start = content["v"], content["rv"], content["start"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise _invalid("malformed value") from None
    if version != _VERSION:
        raise _invalid("server does not recognize this encoded version")
    if type(revision) is not int or not isinstance(start, str) or revision == 0 or revision < INCONSISTENT:
        raise _invalid("incorrect encoded start resourceVersion")
    if not start or ".." in start.split("/"):
        raise _invalid("encoded start key empty or outside the list")
    return Position(prefix + start, revision)


def _invalid(why: str) -> status.StatusError:
    return status.bad_request(f"invalid continue token: continue key is not valid: {why}")
