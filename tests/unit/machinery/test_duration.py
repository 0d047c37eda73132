"""Ages as kubectl shows them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from strongroom.machinery import duration

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1.9, "0s"),
        (-1, "0s"),
        (0, "0s"),
        (1.9, "1s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (10 * MINUTE - 1, "9m59s"),
        (10 * MINUTE + 59, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 5 * MINUTE, "3h5m"),
        (8 * HOUR + 59 * MINUTE, "8h"),
        (48 * HOUR - 1, "47h"),
        (48 * HOUR, "2d"),
        (51 * HOUR, "2d3h"),
        (8 * DAY - 1, "7d23h"),
        (8 * DAY, "8d"),
        (2 * 365 * DAY - 1, "729d"),
        (2 * 365 * DAY, "2y"),
        (2 * 365 * DAY + 9 * DAY, "2y9d"),
        (8 * 365 * DAY - 1, "7y364d"),
        (8 * 365 * DAY + 100 * DAY, "8y"),
    ],
)
def test_human_duration(seconds: float, text: str) -> None:
    assert duration.human_duration(seconds) == text


NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_stamps() -> None:
    assert duration.timestamp(NOW) == "2026-01-02T03:04:05Z"
    assert duration.micro_timestamp(NOW) == "2026-01-02T03:04:05.678901Z"
    assert duration.micro_timestamp(NOW.replace(microsecond=0)) == "2026-01-02T03:04:05.000000Z"
    assert duration.parse_timestamp("2026-01-02T03:04:05.678901Z") == NOW
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2))).isoformat()
    assert duration.parse_timestamp(elsewhere) == NOW


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-02T03:04:05"])
def test_no_stamps(text: str) -> None:
    with pytest.raises(ValueError):
        duration.parse_timestamp(text)


def test_age() -> None:
    assert duration.age("2026-01-02T03:04:00Z", NOW) == "5s"
    assert duration.age("2026-01-02T03:04:10Z", NOW) == "<invalid>"
    assert duration.age(None, NOW) == duration.age("", NOW) == duration.age("?", NOW) == "<unknown>"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90s", 90),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("24h0m0s", 86400),
        (".5s", 0.5),
    ],
)
def test_spans_as_go_writes_them(text: str, seconds: float) -> None:
    assert duration.parse_span(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "-1s", "1d", "h", "1h ", " 1h", "1h-30m", "1.s.5", "5 m"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration.parse_span(text)
