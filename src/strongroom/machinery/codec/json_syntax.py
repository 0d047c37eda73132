"""What is wrong with a text that is not JSON, in the words of Go's `encoding/json` scanner."""

import re
from typing import Final

END: Final = "unexpected end of JSON input"
MAX_TOKENS: Final = 50_000
"""Tokens that are looked at before the answer becomes a general one: bounds the time for hostile bodies."""

# No possessive groups: the `re` of Python 3.11.2, Debian 12's, forgets to go back when one fails. Nothing
# that follows these groups can fail, so none is tried twice.
_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_CHARACTERS: Final = re.compile(rb'(?:[^"\\\x00-\x1f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,1000}')
_NUMBER: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERALS: Final = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_DEPTH: Final = 10_000


class _Found(Exception):
    """The fault, as a text."""


def fault(data: bytes) -> str:
    """The first fault of `data`; "" if it is JSON as far as Go's scanner is concerned."""
    try:
        _scan(data)
    except _Found as found:
        return str(found)
    return ""


def _scan(data: bytes) -> None:
    """Values and closing brackets by turns, with the open brackets on a stack."""
    stack = bytearray()
    at = _space(data, 0)
    for _ in range(MAX_TOKENS):
        at, opened = _value(data, at, stack)
        if opened:
            continue
        while True:
            at = _space(data, at)
            if not stack:
                if at < len(data):
                    raise _Found(_invalid(data, at, "after top-level value"))
                return
            if at == len(data):
                raise _Found(END)
            inside_object = stack[-1] == 0x7B
            if data[at] == 0x2C:
                at = _space(data, at + 1)
                if inside_object:
                    at = _key(data, at)
                break
            if data[at] != (0x7D if inside_object else 0x5D):
                place = "after object key:value pair" if inside_object else "after array element"
                raise _Found(_invalid(data, at, place))
            stack.pop()
            at += 1
    raise _Found("invalid JSON")


def _value(data: bytes, at: int, stack: bytearray) -> tuple[int, bool]:
    """Past a scalar or an empty container: (position, False); past the start of another: (position, True)."""
    if at == len(data):
        raise _Found(END)
    first = data[at]
    if first in b"{[":
        if len(stack) == _DEPTH:
            raise _Found("exceeded max depth")
        at = _space(data, at + 1)
        if at < len(data) and data[at] == first + 2:
            return at + 1, False
        stack.append(first)
        return (_key(data, at) if first == 0x7B else at), True
    if first == 0x22:
        return _string(data, at), False
    if first in _LITERALS:
        return _literal(data, at, _LITERALS[first]), False
    if first == 0x2D or 0x30 <= first <= 0x39:
        return _number(data, at), False
    raise _Found(_invalid(data, at, "looking for beginning of value"))


def _key(data: bytes, at: int) -> int:
    """Past `"key":` and the space after it."""
    if at == len(data):
        raise _Found(END)
    if data[at] != 0x22:
        raise _Found(_invalid(data, at, "looking for beginning of object key string"))
    at = _space(data, _string(data, at))
    if at == len(data):
        raise _Found(END)
    if data[at] != 0x3A:
        raise _Found(_invalid(data, at, "after object key"))
    return _space(data, at + 1)


def _space(data: bytes, at: int) -> int:
    match = _SPACE.match(data, at)
    return match.end() if match else at


def _string(data: bytes, at: int) -> int:
    end = at + 1
    # In pieces, since the expression remembers each of its repetitions.
    while match := _CHARACTERS.match(data, end):
        end = match.end()
    if end == len(data):
        raise _Found(END)
    if data[end] == 0x22:
        return end + 1
    if data[end] != 0x5C:
        raise _Found(_invalid(data, end, "in string literal"))
    if end + 1 == len(data):
        raise _Found(END)
    if data[end + 1] != ord("u"):
        raise _Found(_invalid(data, end + 1, "in string escape code"))
    for digit in range(end + 2, end + 6):
        if digit == len(data):
            raise _Found(END)
        if data[digit] not in b"0123456789abcdefABCDEF":
            raise _Found(_invalid(data, digit, "in \\u hexadecimal character escape"))
    return end


def _literal(data: bytes, at: int, word: bytes) -> int:
    for index in range(1, len(word)):
        if at + index == len(data):
            raise _Found(END)
        if data[at + index] != word[index]:
            expecting = f"in literal {word.decode()} (expecting '{chr(word[index])}')"
            raise _Found(_invalid(data, at + index, expecting))
    return at + len(word)


def _number(data: bytes, at: int) -> int:
    match = _NUMBER.match(data, at)
    end = match.end() if match else at + 1
    if match is None:
        place = "in numeric literal"
    elif data[end : end + 1] == b"." and b"." not in match[0] and b"e" not in match[0].lower():
        end, place = end + 1, "after decimal point in numeric literal"
    elif data[end : end + 1] in (b"e", b"E") and b"e" not in match[0].lower():
        end += 2 if data[end + 1 : end + 2] in (b"+", b"-") else 1
        place = "in exponent of numeric literal"
    else:
        return end
    if end >= len(data):
        raise _Found(END)
    raise _Found(_invalid(data, end, place))


def _invalid(data: bytes, at: int, place: str) -> str:
    return f"invalid character {_quote(data[at])} {place}"


def _quote(byte: int) -> str:
    """A byte as Go quotes the character of that number."""
    named = {
        0x27: "\\'",
        0x22: '"',
        0x5C: "\\\\",
        7: "\\a",
        8: "\\b",
        9: "\\t",
        10: "\\n",
        11: "\\v",
        12: "\\f",
        13: "\\r",
    }
    if byte in named:
        return f"'{named[byte]}'"
    if byte < 0x20 or byte == 0x7F:
        return f"'\\x{byte:02x}'"
    if 0x80 <= byte < 0xA1 or byte == 0xAD:
        return f"'\\u00{byte:02x}'"
    return f"'{chr(byte)}'"
