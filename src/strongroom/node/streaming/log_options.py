"""Which part of a container's log is wanted: the query of the kubelet's `containerLogs`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from strongroom.node.streaming import log_line

_STREAMS = {"": None, "All": None, "Stdout": b"stdout", "Stderr": b"stderr"}
_TRUE = {"1", "true", "True"}


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`PodLogOptions` of Kubernetes, made ready."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: int | None = None
    """Nanoseconds since 1970; earlier lines are left out."""
    tail_lines: int | None = None
    limit_bytes: int | None = None
    stream: bytes | None = None
    """`stdout` or `stderr`; None: both."""


def parse(query: Mapping[str, str], now: datetime) -> LogOptions:
    """The options in a query; raises ValueError with a sentence about the wrong one."""
    since = None
    if text := query.get("sinceTime"):
        since = log_line.nanoseconds(text)
    elif (seconds := _number(query, "sinceSeconds", 1)) is not None:
        since = int((now.timestamp() - seconds) * 10**9)
    stream = query.get("stream", "")
    if stream not in _STREAMS:
        raise ValueError(f"invalid stream {stream[:40]!r}")
    return LogOptions(
        follow=query.get("follow") in _TRUE,
        previous=query.get("previous") in _TRUE,
        timestamps=query.get("timestamps") in _TRUE,
        since=since,
        tail_lines=_number(query, "tailLines", 0),
        limit_bytes=_number(query, "limitBytes", 1),
        stream=_STREAMS[stream],
    )


def _number(query: Mapping[str, str], name: str, least: int) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ValueError(f"invalid {name}: must be a whole number of at least {least}")
    return int(text)
