"""The scalar types of the API that JSON carries as text: times and quantities."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from strongroom.machinery import quantity as amounts
from strongroom.machinery.codec.errors import TypeMismatch

RFC3339: Final = "2006-01-02T15:04:05Z07:00"
RFC3339_MICRO: Final = "2006-01-02T15:04:05.000000Z07:00"

_ZONE: Final = re.compile(r"Z|([+-])(\d{2}):(\d{2})", re.ASCII)
_FRACTION: Final = re.compile(r"[.,](\d+)", re.ASCII)
_CANONICAL: Final = re.compile(
    r"[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII
)


def time(text: str) -> str | None:
    """A `metav1.Time` as it is printed: UTC, whole seconds. None for the zero time."""
    if _CANONICAL.fullmatch(text):
        return text
    moment = _parse(text, RFC3339)
    return None if moment == _ZERO else print_time(moment)


def micro_time(text: str) -> str | None:
    """A `metav1.MicroTime` as it is printed: UTC, six digits of a second. None for the zero time."""
    moment = _parse(text, RFC3339_MICRO)
    return None if moment == _ZERO else print_micro_time(moment)


def print_time(moment: datetime) -> str:
    """`moment`, in UTC, as a `metav1.Time`."""
    return f"{moment.year:04}{moment:-%m-%dT%H:%M:%SZ}"


def print_micro_time(moment: datetime) -> str:
    """`moment`, in UTC, as a `metav1.MicroTime`."""
    return f"{moment.year:04}{moment:-%m-%dT%H:%M:%S.%fZ}"


def quantity(value: Any) -> str:
    """A quantity as it is stored; JSON numbers are quantities too. Raises TypeMismatch in Go's words."""
    try:
        return amounts.written(value.strip() if isinstance(value, str) else str(value))
    except amounts.QuantityError as error:
        raise TypeMismatch(str(error)) from None


_ZERO: Final = datetime(1, 1, 1, tzinfo=UTC)

_PARTS: Final = ("2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05")


def _parse(text: str, layout: str) -> datetime:
    """Raises TypeMismatch with the text of Go's `time.Parse`."""
    rest, numbers = text, []
    for part in _PARTS:
        taken = rest[: len(part)]
        if (
            not (taken.isdecimal() and taken.isascii() and len(taken) == len(part))
            if part.isdigit()
            else taken != part
        ):
            raise _refused(text, layout, f"cannot parse {_quote(rest)} as {_quote(part)}")
        if part.isdigit():
            numbers.append(int(taken))
        rest = rest[len(part) :]
    fraction = _FRACTION.match(rest)
    if layout is RFC3339_MICRO and not (fraction and len(fraction[1]) == 6 and rest[0] == "."):
        raise _refused(text, layout, f'cannot parse {_quote(rest)} as ".000000"')
    if fraction:
        rest = rest[fraction.end() :]
    zone = _ZONE.match(rest)
    if zone is None:
        raise _refused(text, layout, f'cannot parse {_quote(rest)} as "Z07:00"')
    if zone.end() != len(rest):
        raise _refused(text, layout, f"extra text: {_quote(rest[zone.end() :])}")
    micros = int(fraction[1][:6].ljust(6, "0")) if fraction else 0
    return _moment(text, layout, numbers, micros, zone)


def _moment(text: str, layout: str, numbers: list[int], micros: int, zone: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = numbers
    limits = (
        ("month", month, 1, 12),
        ("hour", hour, 0, 23),
        ("minute", minute, 0, 59),
        ("second", second, 0, 59),
    )
    for name, number, low, high in limits:
        if not low <= number <= high:
            raise _refused(text, layout, f"{name} out of range")
    offset = timedelta()
    if zone[1]:
        offset = timedelta(hours=int(zone[2]), minutes=int(zone[3]))
        if offset >= timedelta(days=1):
            raise _refused(text, layout, "time zone offset hour out of range")
    try:
        local = datetime(
            year,
            month,
            day,
            hour,
            minute,
            second,
            micros,
            tzinfo=timezone(-offset if zone[1] == "-" else offset),
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _refused(text, layout, "day out of range") from error


def _quote(text: str) -> str:
    """As Go's `time` does: in bytes, whatever is not ASCII or cannot be seen as two digits."""
    quoted = ""
    for byte in text.encode():
        char = chr(byte)
        if char in ('"', "\\"):
            quoted += "\\" + char
        else:
            quoted += char if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
    return f'"{quoted}"'


def _refused(text: str, layout: str, why: str) -> TypeMismatch:
    out_of_range = why.endswith("out of range") or why.startswith("extra text")
    middle = "" if out_of_range else f" as {_quote(layout)}"
    return TypeMismatch(f"parsing time {_quote(text)}{middle}: {why}")
