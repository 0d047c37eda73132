"""Why Go's JSON parser would refuse a document, in its own words (`encoding/json`)."""

import json
import re

from strongroom.machinery.validation import go_quote

END = "unexpected end of JSON input"
_SPACE = b" \t\r\n"
_HEX = b"0123456789abcdefABCDEF"
_DIGITS = b"0123456789"
_STRING = re.compile(rb'[^"\\\x00-\x1f]*')


class _Refused(Exception):
    pass


def object_error(document: bytes) -> str:
    """What Go says when `document` is decoded into a map; "" when it can be."""
    try:
        value = json.loads(document.decode("utf-8", "replace"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return syntax_error(document) or "exceeded max depth"
    match value:
        case dict() | None:
            return ""
        case bool():
            kind = "bool"
        case str():
            kind = "string"
        case list():
            kind = "array"
        case _:
            kind = "number"
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


def _no_constant(name: str) -> None:
    raise ValueError(name)


def syntax_error(document: bytes) -> str:
    """The first syntax error of `document` as Go words it; "" when there is none."""
    try:
        _Scanner(document).document()
    except _Refused as refused:
        return str(refused)
    except RecursionError:
        return "exceeded max depth"
    return ""


class _Scanner:
    def __init__(self, document: bytes) -> None:
        self._document = document
        self._at = 0

    def _refuse(self, where: str) -> _Refused:
        if self._at >= len(self._document):
            return _Refused(END)
        char = chr(self._document[self._at])
        shown = "\\'" if char == "'" else '"' if char == '"' else go_quote(char)[1:-1]
        return _Refused(f"invalid character '{shown}' {where}")

    def _peek(self) -> int:
        return self._document[self._at] if self._at < len(self._document) else -1

    def _take(self, allowed: bytes, where: str) -> int:
        byte = self._peek()
        if byte < 0 or byte not in allowed:
            raise self._refuse(where)
        self._at += 1
        return byte

    def _space(self) -> None:
        while (byte := self._peek()) >= 0 and byte in _SPACE:
            self._at += 1

    def document(self) -> None:
        self._value()
        self._space()
        if self._at < len(self._document):
            raise self._refuse("after top-level value")

    def _value(self) -> None:
        self._space()
        byte = self._peek()
        if byte == ord("{"):
            self._object()
        elif byte == ord("["):
            self._array()
        elif byte == ord('"'):
            self._string()
        elif byte == ord("-") or (byte >= 0 and byte in _DIGITS):
            self._number()
        elif byte in (ord("t"), ord("f"), ord("n")):
            self._literal({ord("t"): "true", ord("f"): "false", ord("n"): "null"}[byte])
        else:
            raise self._refuse("looking for beginning of value")

    def _object(self) -> None:
        self._at += 1
        self._space()
        if self._peek() == ord("}"):
            self._at += 1
            return
        while True:
            self._space()
            if self._peek() != ord('"'):
                raise self._refuse("looking for beginning of object key string")
            self._string()
            self._space()
            self._take(b":", "after object key")
            self._value()
            self._space()
            if self._take(b",}", "after object key:value pair") == ord("}"):
                return

    def _array(self) -> None:
        self._at += 1
        self._space()
        if self._peek() == ord("]"):
            self._at += 1
            return
        while True:
            self._value()
            self._space()
            if self._take(b",]", "after array element") == ord("]"):
                return

    def _string(self) -> None:
        self._at += 1
        while True:
            found = _STRING.match(self._document, self._at)
            self._at = found.end() if found else self._at
            if self._take(b'"\\', "in string literal") == ord('"'):
                return
            if self._take(b'bfnrt\\/"u', "in string escape code") == ord("u"):
                for _ in range(4):
                    self._take(_HEX, "in \\u hexadecimal character escape")

    def _digits(self, where: str) -> None:
        self._take(_DIGITS, where)
        while (byte := self._peek()) >= 0 and byte in _DIGITS:
            self._at += 1

    def _number(self) -> None:
        if self._peek() == ord("-"):
            self._at += 1
        if self._peek() == ord("0"):
            self._at += 1
        else:
            self._digits("in numeric literal")
        if self._peek() == ord("."):
            self._at += 1
            self._digits("after decimal point in numeric literal")
        if self._peek() in (ord("e"), ord("E")):
            self._at += 1
            if self._peek() in (ord("+"), ord("-")):
                self._at += 1
            self._digits("in exponent of numeric literal")

    def _literal(self, word: str) -> None:
        for expected in word:
            tail = "" if expected == word[0] else f"in literal {word} (expecting '{expected}')"
            self._take(expected.encode(), tail)
