"""Amounts: their notations, order and canonical form."""

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


suffixes = st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "e-2", "u", "n"])
numbers = st.decimals(0, 10**6, places=3).map(lambda number: f"{number:f}")


@given(numbers, suffixes)
def test_the_canonical_form_is_the_same_amount_and_stays(number: str, suffix: str) -> None:
    amount = quantity.parse(number + suffix)
    again = quantity.parse(str(amount))
    assert again == amount
    assert str(again) == str(amount)
