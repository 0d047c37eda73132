"""Cron schedules: five fields, names of months and days, `@daily` and its like, `@every 1h30m`.

The rules and the words of the errors are those of the library that Kubernetes parses them with
(robfig/cron, `ParseStandard`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from strongroom.machinery import duration, validation

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY: Final = "@every "
_LONGEST: Final = 18
"""Digits of a number."""
_LONGEST_SPAN: Final = (2**63 - 1) // 10**9
"""Seconds that Go's durations hold."""
_HORIZON: Final = 5 * 366
"""Days after which a schedule counts as one that never comes."""


class CronError(ValueError):
    """It is no schedule; the text says why."""


@dataclass(frozen=True, slots=True)
class _Field:
    low: int
    high: int
    names: dict[str, int] = field(default_factory=dict)


_FIELDS: Final = (
    _Field(0, 59),
    _Field(0, 23),
    _Field(1, 31),
    _Field(1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Field(0, 6, {name: number for number, name in enumerate(_DAYS)}),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is to happen. With `every`, in that rhythm from whenever it was last."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = True
    any_weekday: bool = True
    every: timedelta | None = None

    def after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The first time after `moment`; None: it never comes."""
        if self.every is not None:
            return moment.replace(microsecond=0) + self.every
        found = (time for time in self._times(moment, zone, 1) if time > moment)
        return next(found, None)

    def latest(self, since: datetime, until: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The last time after `since` that is not after `until`."""
        if self.every is not None:
            since = since.replace(microsecond=0)
            count = (until - since) // self.every
            return since + count * self.every if count > 0 else None
        latest = next((time for time in self._times(until, zone, -1) if time <= until), None)
        return latest if latest is not None and latest > since else None

    def _times(self, start: datetime, zone: tzinfo, direction: int) -> Iterator[datetime]:
        """Times from the day of `start` on, in order; those that the clock leaps over are left out."""
        day = start.astimezone(zone).date()
        for _ in range(_HORIZON):
            if self._falls_on(day):
                yield from sorted(self._of_day(day, zone), reverse=direction < 0)
            day += timedelta(days=direction)

    def _falls_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        # Of two restrictions one is enough.
        return by_day and by_weekday if self.any_day or self.any_weekday else by_day or by_weekday

    def _of_day(self, day: date, zone: tzinfo) -> set[datetime]:
        found: set[datetime] = set()
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                for fold in (0, 1):
                    time = local.replace(fold=fold).astimezone(UTC)
                    if time.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                        found.add(time)
        return found


def parse(text: str) -> Schedule:
    """Raises CronError."""
    if not text:
        raise CronError("empty spec string")
    if text.startswith("@"):
        return _descriptor(text)
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise CronError(f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]")
    parsed = [_field(part, bounds) for part, bounds in zip(parts, _FIELDS, strict=True)]
    (minutes, _), (hours, _), (days, any_day), (months, _), (weekdays, any_weekday) = parsed
    return Schedule(minutes, hours, days, months, weekdays, any_day, any_weekday)


def _descriptor(text: str) -> Schedule:
    if (known := _DESCRIPTORS.get(text)) is not None:
        return parse(known)
    if not text.startswith(_EVERY):
        raise CronError(f"unrecognized descriptor: {text}")
    given = text.removeprefix(_EVERY)
    try:
        seconds = duration.parse_span(given)
        if seconds > _LONGEST_SPAN:
            raise ValueError
    except (ValueError, OverflowError):
        why = f"time: invalid duration {validation.go_quote(given)}"
        raise CronError(f"failed to parse duration {text}: {why}") from None
    return Schedule(every=timedelta(seconds=max(1, int(seconds))))


def _field(text: str, bounds: _Field) -> tuple[frozenset[int], bool]:
    """The values, and whether it restricts nothing."""
    values: set[int] = set()
    free = False
    for part in filter(None, text.split(",")):
        found, star = _range(part, bounds)
        values |= set(found)
        free = free or star
    return frozenset(values), free


def _range(text: str, bounds: _Field) -> tuple[range, bool]:
    span, *steps = text.split("/")
    ends = span.split("-")
    star = ends[0] in ("*", "?")
    if star:
        low, high = bounds.low, bounds.high
    else:
        low = high = _number(ends[0], bounds)
        if len(ends) == 2:
            high = _number(ends[1], bounds)
        elif len(ends) > 2:
            raise CronError(f"too many hyphens: {text}")
    step = 1
    if len(steps) == 1:
        step = _digits(steps[0])
        if len(ends) == 1 and not star:
            high = bounds.high
    elif steps:
        raise CronError(f"too many slashes: {text}")
    for broken, message in (
        (low < bounds.low, f"beginning of range ({low}) below minimum ({bounds.low}): {text}"),
        (high > bounds.high, f"end of range ({high}) above maximum ({bounds.high}): {text}"),
        (low > high, f"beginning of range ({low}) beyond end of range ({high}): {text}"),
        (step == 0, f"step of range should be a positive number: {text}"),
    ):
        if broken:
            raise CronError(message)
    return range(low, high + 1, step), star and step == 1


def _number(text: str, bounds: _Field) -> int:
    named = bounds.names.get(text.lower())
    return _digits(text) if named is None else named


def _digits(text: str) -> int:
    problem = ""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        problem = "invalid syntax"
    elif len(text) > _LONGEST:
        problem = "value out of range"
    if problem:
        why = f"strconv.Atoi: parsing {validation.go_quote(text)}: {problem}"
        raise CronError(f"failed to parse int from {text}: {why}")
    if (number := int(text)) < 0:
        raise CronError(f"negative number ({number}) not allowed: {text}")
    return number
