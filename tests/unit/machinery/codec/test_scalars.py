"""Times and quantities in their one printed form."""

import pytest

from strongroom.machinery.codec import scalars
from strongroom.machinery.codec.errors import TypeMismatch


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+02:30", "2026-01-02T00:34:05Z"),
        ("2024-02-29T23:59:59-00:01", "2024-03-01T00:00:59Z"),
        ("0001-01-01T00:00:00Z", None),
        ("0800-12-31T00:00:00Z", "0800-12-31T00:00:00Z"),
    ],
)
def test_time(text: str, printed: str | None) -> None:
    assert scalars.time(text) == printed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", 'cannot parse "" as "2006"'),
        ("abc", 'cannot parse "abc" as "2006"'),
        ("2026/01", 'cannot parse "/01" as "-"'),
        ("2026-1-02", 'cannot parse "1-02" as "01"'),
        ("2026-01-02 03:04:05Z", 'cannot parse " 03:04:05Z" as "T"'),
        ("2026-01-02T03:04:05", 'cannot parse "" as "Z07:00"'),
    ],
)
def test_a_text_that_is_no_time(text: str, why: str) -> None:
    with pytest.raises(TypeMismatch) as caught:
        scalars.time(text)
    assert str(caught.value) == f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": {why}'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-13-01T00:00:00Z", "month out of range"),
        ("2026-02-30T00:00:00Z", "day out of range"),
        ("2026-02-03T24:00:00Z", "hour out of range"),
        ("2026-02-03T00:00:00Zx", 'extra text: "x"'),
    ],
)
def test_a_time_that_never_was(text: str, why: str) -> None:
    with pytest.raises(TypeMismatch) as caught:
        scalars.time(text)
    assert str(caught.value) == f'parsing time "{text}": {why}'


def test_micro_time_keeps_six_digits() -> None:
    assert scalars.micro_time("2026-01-02T03:04:05.000001+01:00") == "2026-01-02T02:04:05.000001Z"
    assert scalars.micro_time("0001-01-01T00:00:00.000000Z") is None
    with pytest.raises(TypeMismatch, match=r'cannot parse "Z" as "\.000000"'):
        scalars.micro_time("2026-01-02T03:04:05Z")


@pytest.mark.parametrize(
    ("value", "printed"),
    [("1500m", "1500m"), ("0.5", "500m"), ("1024Mi", "1Gi"), (2, "2"), (0.1, "100m"), (" 3 ", "3")],
)
def test_quantity(value: object, printed: str) -> None:
    assert scalars.quantity(value) == printed


@pytest.mark.parametrize("value", ["", "x", "1 2", True, [], {}])
def test_what_is_no_quantity(value: object) -> None:
    with pytest.raises(TypeMismatch, match=r"quantities must match the regular expression"):
        scalars.quantity(value)


def test_what_is_no_time_is_shown_in_bytes() -> None:
    with pytest.raises(TypeMismatch) as caught:
        scalars.time('é"\\\n')
    shown = r"""\xc3\xa9\"\\\x0a"""
    layout = "2006-01-02T15:04:05Z07:00"
    assert str(caught.value) == f'parsing time "{shown}" as "{layout}": cannot parse "{shown}" as "2006"'
