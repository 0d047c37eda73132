"""The words of Go's JSON parser."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery import go_json


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b"", "unexpected end of JSON input"),
        (b"  ", "unexpected end of JSON input"),
        (b"{", "unexpected end of JSON input"),
        (b'{"a"', "unexpected end of JSON input"),
        (b'"abc', "unexpected end of JSON input"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"'", "invalid character '\\'' looking for beginning of value"),
        (b"\x00", "invalid character '\\x00' looking for beginning of value"),
        (b"\xff", "invalid character '\u00ff' looking for beginning of value"),
        (b"{a", "invalid character 'a' looking for beginning of object key string"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"{}x", "invalid character 'x' after top-level value"),
        (b"01", "invalid character '1' after top-level value"),
        (b"tru3", "invalid character '3' in literal true (expecting 'e')"),
        (b"nil", "invalid character 'i' in literal null (expecting 'u')"),
        (b"-x", "invalid character 'x' in numeric literal"),
        (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
        (b"1ex", "invalid character 'x' in exponent of numeric literal"),
        (b'"\n"', "invalid character '\\n' in string literal"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b'"\\u00g"', "invalid character 'g' in \\u hexadecimal character escape"),
    ],
)
def test_syntax_errors(document: bytes, text: str) -> None:
    assert go_json.syntax_error(document) == text
    assert go_json.object_error(document) == text


@pytest.mark.parametrize(
    ("document", "kind"), [(b"[]", "array"), (b'"a"', "string"), (b"1", "number"), (b"true", "bool")]
)
def test_other_types(document: bytes, kind: str) -> None:
    expected = f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    assert go_json.object_error(document) == expected


@pytest.mark.parametrize(
    "document", [b"{}", b"null", b' {"a": [1, {"b": -1.5e+3}]} ', b'{"\xff": "\\u00e9"}']
)
def test_objects(document: bytes) -> None:
    assert go_json.object_error(document) == ""


def test_what_only_python_reads_is_refused() -> None:
    assert go_json.object_error(b'{"a": NaN}') == "invalid character 'N' looking for beginning of value"


def test_depth() -> None:
    assert go_json.object_error(b"[" * 100_000) == "exceeded max depth"


values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(values)
def test_what_python_writes_is_read(value: object) -> None:
    assert go_json.syntax_error(json.dumps(value).encode()) == ""


@given(st.text('{}[]",:01-+.eE truefalsn\\u', max_size=8))
def test_agrees_with_python_on_what_is_json(document: str) -> None:
    try:
        json.loads(document)
        valid = True
    except ValueError:
        valid = False
    assert (go_json.syntax_error(document.encode()) == "") is valid
