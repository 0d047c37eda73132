import io
import logging
from collections.abc import Iterator

import pytest

from strongroom.telemetry import logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = True
    logging.captureWarnings(False)


def _lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_line_has_time_level_component_and_message() -> None:
    stream = io.StringIO()
    logs.configure(stream)
    logging.getLogger("strongroom.server.app").warning("hello %s", "world")
    (line,) = _lines(stream)
    time, level, component, message = line.split(" ", 3)
    assert time.endswith("Z") and len(time) == 24
    assert (level, component, message) == ("WARNING", "server.app:", "hello world")


def test_newlines_and_escapes_in_a_message_stay_in_its_line() -> None:
    stream = io.StringIO()
    logs.configure(stream)
    logging.getLogger("x").error("a\nb\x1b[31mc")
    assert len(_lines(stream)) == 1
    assert "\x1b" not in stream.getvalue()


def test_exception_shows_type_and_place_but_neither_message_nor_traceback() -> None:
    stream = io.StringIO()
    logs.configure(stream)
    try:
        raise ValueError("s3cr3t")
    except ValueError:
        logging.getLogger("x").exception("it failed")
    text = stream.getvalue()
    assert "it failed (ValueError at test_logs.py:" in text
    assert "s3cr3t" not in text and "Traceback" not in text


@pytest.mark.parametrize(
    "message",
    [
        "headers: Authorization: Bearer abc.def-ghi",
        "{'authorization': 'Bearer abc.def-ghi'}",
        "token eyJhbGciOi.eyJzdWIi.abc.def-ghi",
        "GET /api/v1/secrets?fieldSelector=abc.def-ghi failed",
        "-----BEGIN PRIVATE KEY-----\nabc.def-ghi\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_credential_is_taken_out(message: str) -> None:
    stream = io.StringIO()
    logs.configure(stream)
    logging.getLogger("x").error(message)
    assert "ghi" not in stream.getvalue().replace("redacted", "")


def test_debug_is_left_out_and_libraries_speak_up_only_for_warnings() -> None:
    stream = io.StringIO()
    logs.configure(stream)
    logging.getLogger("strongroom.x").debug("1")
    logging.getLogger("strongroom.x").info("2")
    logging.getLogger("aiohttp.client").info("3")
    logging.getLogger("aiohttp.client").warning("4")
    assert [line[-1] for line in _lines(stream)] == ["2", "4"]


def test_color_only_on_a_terminal_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert logs.uses_color(Terminal())
    assert not logs.uses_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not logs.uses_color(Terminal())


def test_colored_level() -> None:
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "m", None, None)
    assert "\x1b[31mERROR\x1b[0m" in logs.Formatter(color=True).format(record)
    assert "\x1b" not in logs.Formatter().format(record)


def test_long_message_is_cut() -> None:
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "m" * 10_000, None, None)
    assert len(logs.Formatter().format(record)) < 2100
