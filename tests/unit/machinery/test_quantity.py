"""Amounts: their notations, order and canonical form."""

import math
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery import quantity

FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Gi", "0"),
        ("1", "1"),
        ("1000m", "1"),
        ("100m", "100m"),
        ("0.1", "100m"),
        (".5", "500m"),
        ("1.", "1"),
        ("1500", "1500"),
        ("1000", "1k"),
        ("2000000", "2M"),
        ("1.5G", "1500M"),
        ("+1", "1"),
        ("-1500m", "-1500m"),
        ("64Mi", "64Mi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1024", "1024"),
        ("1Ki", "1Ki"),
        ("0.5Ki", "512"),
        ("1.0001Ki", "1024102400u"),
        ("1e3", "1e3"),
        ("1E3", "1e3"),
        ("1200e0", "1200"),
        ("12e5", "1200e3"),
        ("1E", "1E"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        ("100u", "100u"),
    ],
)
def test_canonical(text: str, canonical: str) -> None:
    assert str(quantity.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", FORMAT),
        ("a", FORMAT),
        ("1 Gi", FORMAT),
        ("1Gib", FORMAT),
        ("--1", FORMAT),
        ("9" * 201, FORMAT),
        ("1iK", "unable to parse quantity's suffix"),
        ("1K", "unable to parse quantity's suffix"),
        ("1m5", "unable to parse quantity's suffix"),
        ("1e99999", "unable to parse quantity's suffix"),
        (".", "unable to parse numeric part of quantity"),
    ],
)
def test_errors(text: str, error: str) -> None:
    with pytest.raises(quantity.QuantityError) as caught:
        quantity.parse(text)
    assert str(caught.value) == error


def test_values_round_up() -> None:
    assert quantity.parse("1500m").value() == 2
    assert quantity.parse("-1500m").value() == -1
    assert quantity.parse("1.0001").milli() == 1001
    assert quantity.parse("2").milli() == 2000
    assert quantity.parse("100Mi").divided_by(quantity.parse("1M")) == 105


def test_bare_numbers() -> None:
    assert str(quantity.of(2)) == "2"
    assert str(quantity.of(0.5)) == "500m"


def test_order_ignores_the_notation() -> None:
    assert quantity.parse("1Ki") == quantity.parse("1024")
    assert hash(quantity.parse("1Ki")) == hash(quantity.parse("1024"))
    assert quantity.parse("1k") < quantity.parse("1Ki") <= quantity.parse("1025")


def test_arithmetic_keeps_the_notation() -> None:
    assert str(quantity.parse("1Gi") + quantity.parse("1Gi")) == "2Gi"
    assert str(quantity.ZERO + quantity.parse("1Gi")) == "1Gi"
    assert str(quantity.parse("1Gi") - quantity.parse("512Mi")) == "512Mi"


UNITS = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", 1)},
    **{f"{letter}{power}": Fraction(10) ** power for letter in "eE" for power in (-9, -2, 0, 3, 10, 24)},
}
"""What a suffix multiplies by, from the documentation's table."""
MOST = 2**63 - 1
numbers = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "+", "-"]),
    st.one_of(st.integers(0, 5000), st.integers(0, 99).map(lambda n: n * 1000), st.integers(0, 10**15)),
    st.sampled_from(["", ".", ".5", ".25", ".001", ".000000001", ".0000000001"]),
)
suffixes = st.sampled_from(sorted(UNITS))


def stated(number: str, suffix: str) -> Fraction:
    """The amount by its definition: in steps of 10^-9 away from zero, binary ones below 2^63."""
    amount = Fraction(number.rstrip(".")) * UNITS[suffix]
    steps = math.ceil(abs(amount) * 10**9)
    if suffix.endswith("i"):
        steps = min(steps, MOST * 10**9)
    return Fraction(-steps if amount < 0 else steps, 10**9)


@given(numbers, suffixes)
def test_an_amount_is_its_number_times_what_its_suffix_says(number: str, suffix: str) -> None:
    amount, exact = quantity.parse(number + suffix), stated(number, suffix)
    assert Fraction(amount.nanos, 10**9) == exact
    assert (amount.value(), amount.milli()) == (math.ceil(exact), math.ceil(exact * 1000))


@given(numbers, suffixes)
def test_the_canonical_form_is_the_same_amount_and_the_shortest_of_its_notation(
    number: str, suffix: str
) -> None:
    exact = stated(number, suffix)
    shown = str(quantity.parse(number + suffix))
    parts = re.fullmatch(r"(-?[0-9]+)(.*)", shown)
    assert parts is not None
    digits, unit = int(parts[1]), parts[2]
    factor = UNITS[unit] if unit in UNITS else Fraction(10) ** int(unit.removeprefix("e"))
    assert digits * factor == exact
    binary, power = suffix.endswith("i"), suffix[1:].removeprefix("-").isdecimal()
    if not exact:
        assert shown == "0"
    elif unit.endswith("i"):
        assert binary and (digits % 1024 or unit == "Ei")
    elif power:
        assert digits % 1000 and (not unit or (unit[0] == "e" and int(unit[1:]) % 3 == 0))
    elif binary and exact.denominator == 1 and abs(exact) >= 1024:
        assert digits % 1024 and not unit
        return  # such a number, read again, is a decimal one
    else:
        assert digits % 1000 or unit == "E"
    assert str(quantity.parse(shown)) == shown


@given(numbers, suffixes, numbers, suffixes)
def test_sums_and_order_are_those_of_the_amounts(one: str, unit: str, other: str, of: str) -> None:
    left, right = quantity.parse(one + unit), quantity.parse(other + of)
    exact = stated(one, unit), stated(other, of)
    assert Fraction((left + right).nanos, 10**9) == exact[0] + exact[1]
    assert Fraction((left - right).nanos, 10**9) == exact[0] - exact[1]
    assert (left < right, left == right) == (exact[0] < exact[1], exact[0] == exact[1])
    if exact[1] > 0:
        assert left.divided_by(right) == math.ceil(exact[0] / exact[1])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1024Gi", "1Ti"),
        ("1024Ti", "1Pi"),
        ("1024Pi", "1Ei"),
        ("7Ei", "7Ei"),
        ("8Ei", "9223372036854775807"),
        ("1024Ei", "9223372036854775807"),
        ("1000T", "1P"),
        ("1000P", "1E"),
        ("1e999", "1e999"),
    ],
)
def test_the_largest(text: str, canonical: str) -> None:
    assert str(quantity.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        ("1n", "1m"),
        ("1500u", "2m"),
        ("-1n", "-1m"),
        ("1m", "1m"),
        ("0", "0"),
        ("1Gi", "1Gi"),
        ("1.0000001", "1001m"),
    ],
)
def test_resources_come_in_thousandths(text: str, rounded: str) -> None:
    assert str(quantity.of(text).rounded()) == rounded


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1E3", "1E3"),
        ("+1", "+1"),
        ("1.500", "1.500"),
        ("2e0", "2e0"),
        ("01", "01"),
        ("1.Ki", "1.Ki"),
        ("003Mi", "003Mi"),
        ("1.5", "1500m"),
        ("0.500", "500m"),
        ("1000", "1k"),
        ("1.000", "1"),
        ("1024Ki", "1Mi"),
        ("8Ki", "8Ki"),
        ("1.5Gi", "1536Mi"),
        ("1234567890123456789000", "1234567890123456789k"),
        ("00", "0"),
        ("-0", "0"),
        ("1.500n", "2n"),
    ],
)
def test_a_spelling_that_need_not_be_shortened_stays(text: str, kept: str) -> None:
    assert quantity.written(text) == kept
    assert quantity.written(kept) == kept


@pytest.mark.parametrize(("text", "rounded"), [("1.500", "1.500"), ("+1", "+1"), ("1.0001", "1001m")])
def test_amounts_of_resources_keep_their_spelling_unless_rounded(text: str, rounded: str) -> None:
    assert quantity.rounded(text) == rounded
