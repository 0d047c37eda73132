import pytest

from strongroom.testing import expect

TABLE = "NAME   TYPE     DATA   AGE\na      Opaque   2      3m2s\n"


def test_marks_and_column_widths_are_free_and_the_rest_is_exact() -> None:
    assert expect.matches(TABLE, "NAME  TYPE  DATA  AGE\na  Opaque  2  <age>")
    assert not expect.matches(TABLE, "NAME  TYPE  DATA  AGE\nb  Opaque  2  <age>")
    assert not expect.matches(TABLE + "c", "NAME  TYPE  DATA  AGE\na  Opaque  2  <age>")


def test_indentation_counts() -> None:
    assert not expect.matches("data:\n  a: b\n", "data:\n    a: b\n")


def test_dots_of_the_expected_text_are_plain() -> None:
    assert not expect.matches("axb", "a.b")


def test_until_returns_the_first_true_value_and_gives_up_in_time() -> None:
    values = iter([0, 0, 7])
    assert expect.until(lambda: next(values), every=0) == 7
    with pytest.raises(AssertionError, match="never"):
        expect.until(lambda: False, timeout=0, every=0, what="never")


def test_sorted_after_keeps_what_stands_before() -> None:
    assert expect.sorted_after("z\n====\nb\na\n", "====") == "z\n====\na\nb\n"
    assert expect.sorted_after("b\na\n", "====") == "b\na\n"
