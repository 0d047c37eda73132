"""Spans of time for people: the Age column (`apimachinery/pkg/util/duration`) and RFC 3339 stamps."""

import re
from datetime import UTC, datetime, timedelta

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24
_YEAR = 365 * _DAY
_NONE, _SECOND = timedelta(), timedelta(seconds=1)
_stamped = datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00Z"


def human_duration(seconds: float) -> str:
    """Two or three significant figures: `45s`, `3m12s`, `2h5m`, `4d3h`, `2y9d`.

    A span of less than two seconds into the future is `0s` (clocks differ), a longer one `<invalid>`.
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    minutes = whole // _MINUTE
    if minutes < 10:
        return _pair(minutes, "m", whole % _MINUTE, "s")
    if whole < 3 * _HOUR:
        return f"{minutes}m"
    hours = whole // _HOUR
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 2 * _DAY:
        return f"{hours}h"
    if hours < 8 * _DAY:
        return _pair(hours // _DAY, "d", hours % _DAY, "h")
    if hours < 2 * _YEAR:
        return f"{hours // _DAY}d"
    if hours < 8 * _YEAR:
        return _pair(hours // _YEAR, "y", hours // _DAY % 365, "d")
    return f"{hours // _YEAR}y"


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def timestamp(moment: datetime) -> str:
    """`metav1.Time`: RFC 3339 in UTC with whole seconds and `Z`. `moment` is aware and in UTC."""
    global _stamped
    second, text = _stamped
    if not _NONE <= moment - second < _SECOND:
        second = moment.replace(microsecond=0)
        text = second.isoformat(timespec="seconds")[:19] + "Z"
        _stamped = second, text
    return text


def micro_timestamp(moment: datetime) -> str:
    """`metav1.MicroTime`: RFC 3339 in UTC with six decimals and `Z`."""
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def parse_timestamp(text: str) -> datetime:
    """The moment of an RFC 3339 stamp, in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment.astimezone(UTC)


def age(stamp: str | None, now: datetime) -> str:
    """The Age cell: time since `stamp`, or `<unknown>` without one."""
    if not stamp:
        return "<unknown>"
    try:
        return human_duration((now - parse_timestamp(stamp)).total_seconds())
    except ValueError:
        return "<unknown>"


_SPAN = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:h|ms|us|µs|ns|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def parse_span(text: str) -> float:
    """Seconds of a span as Go writes it: `24h`, `1h30m`, `1.5s`, `0`, and none below. Raises ValueError."""
    if text == "0":
        return 0.0
    parts = _SPAN.findall(text)
    if not parts or "".join(parts) != text:
        raise ValueError(f"{text!r} is no duration such as 90s, 30m or 24h")
    numbers = [(part.rstrip("hmsuµn"), part.lstrip("0123456789.")) for part in parts]
    return sum(float(number) * _UNITS[unit] for number, unit in numbers)
