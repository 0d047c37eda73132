import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.machinery import cron
from strongroom.machinery.cron import CronError

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "since", "following"),
    [
        ("* * * * *", "2026-01-02T03:04:05", "2026-01-02T03:05:00"),
        ("*/15 * * * *", "2026-01-02T03:04:05", "2026-01-02T03:15:00"),
        ("*/15 * * * *", "2026-01-02T03:45:00", "2026-01-02T04:00:00"),
        ("5/20 * * * *", "2026-01-02T03:06:00", "2026-01-02T03:25:00"),
        ("0 0 1 1 *", "2026-01-02T03:04:05", "2027-01-01T00:00:00"),
        ("0 12 * * mon-fri", "2026-01-02T13:00:00", "2026-01-05T12:00:00"),
        ("0 0 13 * 5", "2026-01-02T00:00:00", "2026-01-09T00:00:00"),
        ("0 0 13 * *", "2026-01-02T00:00:00", "2026-01-13T00:00:00"),
        ("0 0 */2 * 5", "2026-01-02T00:00:00", "2026-01-03T00:00:00"),
        ("0 0 29 feb ?", "2026-01-02T00:00:00", "2028-02-29T00:00:00"),
        ("1,2,50-52 3 * * *", "2026-01-02T03:02:00", "2026-01-02T03:50:00"),
        ("1,,2, * * * *", "2026-01-02T03:01:00", "2026-01-02T03:02:00"),
        ("@hourly", "2026-01-02T03:04:05", "2026-01-02T04:00:00"),
        ("@weekly", "2026-01-02T03:04:05", "2026-01-04T00:00:00"),
        ("@every 90s", "2026-01-02T03:04:05", "2026-01-02T03:05:35"),
    ],
)
def test_the_next_time(schedule: str, since: str, following: str) -> None:
    assert cron.parse(schedule).after(at(since)) == at(following)


def test_a_day_that_never_comes() -> None:
    assert cron.parse("0 0 31 2 *").after(at("2026-01-02T00:00:00")) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        (
            f"{'9' * 5000} * * * *",
            f"failed to parse int from {'9' * 5000}: strconv.Atoi: "
            f'parsing "{"9" * 5000}": value out of range',
        ),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("@never", "unrecognized descriptor: @never"),
        *(
            (f"@every {span}", f'failed to parse duration @every {span}: time: invalid duration "{span}"')
            for span in ("2562048h", "99999999999999h", f"{'9' * 5000}h")
        ),
        ("@every x", 'failed to parse duration @every x: time: invalid duration "x"'),
    ],
)
def test_what_is_none(text: str, message: str) -> None:
    with pytest.raises(CronError) as caught:
        cron.parse(text)
    assert str(caught.value) == message


def test_the_latest_time_of_a_span() -> None:
    schedule = cron.parse("0 3 * * *")
    since = at("2026-01-01T03:00:00")
    assert schedule.latest(since, at("2026-01-02T02:59:59")) is None
    assert schedule.latest(since, at("2026-01-02T03:00:00")) == at("2026-01-02T03:00:00")
    assert schedule.latest(since, at("2026-03-02T02:00:00")) == at("2026-03-01T03:00:00")
    rhythm = cron.parse("@every 1h")
    assert rhythm.latest(since, since + timedelta(minutes=59)) is None
    assert rhythm.latest(since, since + timedelta(minutes=150)) == since + timedelta(hours=2)


def test_times_are_those_of_the_zone() -> None:
    schedule = cron.parse("30 2 * * *")
    assert schedule.after(at("2026-01-02T00:00:00"), BERLIN) == at("2026-01-02T01:30:00")
    # 2026-03-29 has no 02:30 in Berlin.
    assert schedule.after(at("2026-03-28T12:00:00"), BERLIN) == at("2026-03-30T00:30:00")


def test_an_hour_that_comes_twice_counts_twice() -> None:
    every = cron.parse("0 * * * *")
    moment, seen = at("2026-10-24T23:30:00"), []
    for _ in range(4):
        following = every.after(moment, BERLIN)
        assert following is not None
        seen.append(following)
        moment = following
    assert [b - a for a, b in itertools.pairwise(seen)] == [timedelta(hours=1)] * 3


@settings(deadline=None)
@given(
    st.sampled_from(["* * * * *", "*/7 */5 * * *", "0 0 1 * 1", "15 3 * feb-apr *", "59 23 31 * *"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
)
def test_the_latest_is_the_next_of_what_was_before(text: str, moment: datetime) -> None:
    schedule = cron.parse(text)
    following = schedule.after(moment.replace(tzinfo=UTC))
    assert following is not None
    assert following.second == following.microsecond == 0
    assert schedule.latest(moment.replace(tzinfo=UTC), following) == following
