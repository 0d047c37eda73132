"""Log lines on one stream: `time level component message`, one line each, no traceback, nothing secret.

A record is made of its message alone. Exceptions that come with it show as type and place, since the messages
of foreign errors may hold what was being handled when they were raised.
"""

import logging
import os
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from strongroom.telemetry import redaction

_ROOT = "strongroom."
_MAX = 2000
_QUIET = ("granian", "_granian", "aiohttp", "asyncio", "grpc", "hpack", "urllib3")
_COLORS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31;1m"}
_RESET = "\x1b[0m"


def configure(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Send this process's logs to `stream` (default: stderr), from `level` on; libraries from WARNING on."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter(color=uses_color(stream)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.raiseExceptions = False
    logging.captureWarnings(True)


def uses_color(stream: TextIO) -> bool:
    """Only on a terminal, and not when NO_COLOR asks for none (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


class Formatter(logging.Formatter):
    """One line per record."""

    def __init__(self, *, color: bool = False) -> None:
        super().__init__()
        self._color = color

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = _one_line(redaction.redact(record.getMessage()))
        if record.exc_info and record.exc_info[0] is not None:
            message += f" ({record.exc_info[0].__name__} at {_place(record.exc_info[2])})"
        level = record.levelname
        if self._color and level in _COLORS:
            level = f"{_COLORS[level]}{level}{_RESET}"
        component = record.name.removeprefix(_ROOT)
        return f"{moment.removesuffix('+00:00')}Z {level} {component}: {message}"


def _one_line(text: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if len(shown) <= _MAX else shown[:_MAX] + "…"


def _place(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
