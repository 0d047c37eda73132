"""Faults of JSON texts in Go's words. The texts were taken from `encoding/json`'s scanner states."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.codec import json_syntax

END = "unexpected end of JSON input"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        '{"a"',
        '{"a":',
        '{"a":1',
        '{"a":1,',
        "[",
        "[1",
        "[1,",
        '"abc',
        '"\\',
        '"\\u00',
        "tru",
        "-",
        "1.",
        "1e+",
    ],
)
def test_a_text_that_stops_too_soon(text: str) -> None:
    assert json_syntax.fault(text.encode()) == END


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{a", "'a' looking for beginning of object key string"),
        ('{"a":1,}', "'}' looking for beginning of object key string"),
        ('{"a" 1', "'1' after object key"),
        ('{"a":1 "b"', "'\"' after object key:value pair"),
        ("[1 2", "'2' after array element"),
        ("[1,]", "']' looking for beginning of value"),
        ("{} x", "'x' after top-level value"),
        ("01", "'1' after top-level value"),
        ("nul!", "'!' in literal null (expecting 'l')"),
        ("-a", "'a' in numeric literal"),
        ("1.a", "'a' after decimal point in numeric literal"),
        ("1e+a", "'a' in exponent of numeric literal"),
        ('"\x01"', "'\\x01' in string literal"),
        ('"\n"', "'\\n' in string literal"),
        ('"\\x"', "'x' in string escape code"),
        ('"\\u12G4"', "'G' in \\u hexadecimal character escape"),
        ("'a'", "'\\'' looking for beginning of value"),
        ("\ufeff{}", "'ï' looking for beginning of value"),
        ("NaN", "'N' looking for beginning of value"),
    ],
)
def test_a_character_that_cannot_stand_there(text: str, fault: str) -> None:
    assert json_syntax.fault(text.encode()) == f"invalid character {fault}"


def test_nesting_has_a_limit() -> None:
    assert json_syntax.fault(b"[" * 10_001) == "exceeded max depth"


def test_hostile_length_ends_the_search() -> None:
    assert json_syntax.fault(b"[" + b"1," * json_syntax.MAX_TOKENS + b"x") == "invalid JSON"


@given(st.text(alphabet='{}[]",:\\u01tfnrluea-.E+ \n', max_size=24))
def test_a_fault_is_found_exactly_where_python_finds_one(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        assert json_syntax.fault(text.encode())
    else:
        assert json_syntax.fault(text.encode()) == ""
