"""What was verified once and is not verified again, as long as all that it rests on stays as it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from strongroom.machinery.request_info import UserInfo

CACHE_SIZE: Final = 4096
"""Verifications that an authenticator keeps; the oldest makes room."""


class Rows(Protocol):
    """A resource's objects as they are now, or the keys that verify."""

    def get(self, key: str) -> object | None: ...


class Live(NamedTuple):
    """An object, or a key, that must stay as it is for a verification to hold."""

    rows: Rows
    key: str
    entry: object


@dataclass(frozen=True, slots=True)
class NotedUser(UserInfo):
    """A user by a token of a kind to be replaced: `annotations` tells the audit log so, at each use."""

    annotations: Callable[[], Mapping[str, str]] = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """A verification, good until `until` (Unix seconds) and as long as all of `pins` are current."""

    user: UserInfo
    audiences: tuple[str, ...]
    until: float
    pins: tuple[Live, ...]

    def holds(self, now: float) -> bool:
        for rows, key, entry in self.pins:
            if rows.get(key) is not entry:
                return False
        return now < self.until
