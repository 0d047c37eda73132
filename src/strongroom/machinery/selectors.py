"""Label and field selectors: parsed once, then asked for every object.

Syntax and texts are those of `apimachinery/pkg/labels` and `pkg/fields`; `SelectorError` carries the text
that a 400 answer shows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.machinery import integers, names, validation

Labels = Mapping[str, str]
_NO_LABELS: Labels = {}

EQUALS, DOUBLE_EQUALS, NOT_EQUALS, IN, NOT_IN = "=", "==", "!=", "in", "notin"
EXISTS, DOES_NOT_EXIST, GREATER, LESS = "exists", "!", "gt", "lt"
_BINARY = (IN, NOT_IN, EQUALS, DOUBLE_EQUALS, NOT_EQUALS, GREATER, LESS)
_SYMBOLS = {
    "=": EQUALS,
    "==": DOUBLE_EQUALS,
    "!=": NOT_EQUALS,
    ">": GREATER,
    "<": LESS,
    IN: IN,
    NOT_IN: NOT_IN,
}
_SHOWN = {GREATER: ">", LESS: "<"}


class SelectorError(ValueError):
    """A selector that can't be read; `str()` is the text of the answer."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term of a label selector. `values` are sorted and distinct."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "=" | "==" | "in":
                return value is not None and value in self.values
            case "!=" | "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        if value is None or (number := integers.parse(value)) is None:
            return False
        bound = int(self.values[0])
        return number > bound if self.operator == GREATER else number < bound

    def __str__(self) -> str:
        if self.operator == EXISTS:
            return self.key
        if self.operator == DOES_NOT_EXIST:
            return "!" + self.key
        joined = ",".join(self.values)
        if self.operator in (IN, NOT_IN):
            return f"{self.key} {self.operator} ({joined})"
        return f"{self.key}{_SHOWN.get(self.operator, self.operator)}{joined}"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Requirements that must all hold, ordered by key. Without any it matches everything."""

    requirements: tuple[Requirement, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.requirements

    def matches(self, labels: Labels | None) -> bool:
        held = labels or _NO_LABELS
        return all(requirement.matches(held) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING = LabelSelector()


def _requirement(key: str, operator: str, values: Sequence[str]) -> Requirement:
    errors = []
    if messages := names.qualified_name(key):
        errors.append(validation.invalid_value("key", key, "; ".join(messages)))
    if operator in (GREATER, LESS):
        for index, value in enumerate(values):
            if integers.parse(value) is None:
                text = "for 'Gt', 'Lt' operators, the value must be an integer"
                errors.append(validation.invalid_value(f"values[{index}]", value, text))
    for index, value in enumerate(values):
        if messages := names.label_value(value):
            errors.append(validation.invalid_value(f"values[{index}][{key}]", value, "; ".join(messages)))
    if errors:
        texts = list(dict.fromkeys(map(str, errors)))
        raise SelectorError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    return Requirement(key, operator, tuple(sorted(set(values))))


_TOKEN = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^=!(),<> \t\r\n]+)|$)")


class _Parser:
    """A recursive descent over tokens; the last one is "" and stands for the end."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, bool]] = []
        position = 0
        while position < len(text) and (found := _TOKEN.match(text, position)):
            symbol, word = found.groups()
            if symbol or word:
                self._tokens.append((symbol or word, bool(word)))
            position = max(found.end(), position + 1)
        self._tokens.append(("", False))
        self._position = 0

    def _peek(self) -> tuple[str, bool]:
        return self._tokens[self._position]

    def _next(self) -> tuple[str, bool]:
        lexeme = self._tokens[self._position]
        self._position += 1
        return lexeme

    def parse(self) -> list[Requirement]:
        found: list[Requirement] = []
        while True:
            lexeme, is_word = self._peek()
            if not lexeme:
                return found
            if not is_word and lexeme != "!":
                raise SelectorError(f"found '{lexeme}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self._requirement())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            lexeme, _ = self._next()
            if not lexeme:
                return found
            if lexeme != ",":
                raise SelectorError(f"found '{lexeme}', expected: ',' or 'end of string'")
            lexeme, is_word = self._peek()
            if not is_word and lexeme != "!":
                raise SelectorError(f"found '{lexeme}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        key, is_word = self._next()
        negated = key == "!"
        if negated:
            key, is_word = self._next()
        if not is_word:
            raise SelectorError(f"found '{key}', expected: identifier")
        if messages := names.qualified_name(key):
            raise SelectorError(f"<nil>: {validation.invalid_value('', key, '; '.join(messages)).body}")
        if negated:
            return _requirement(key, DOES_NOT_EXIST, ())
        if self._peek()[0] in ("", ","):
            return _requirement(key, EXISTS, ())
        lexeme, _ = self._next()
        operator = _SYMBOLS.get(lexeme)
        if operator is None:
            raise SelectorError(f"found '{lexeme}', expected: {', '.join(_BINARY)}")
        values = self._values() if operator in (IN, NOT_IN) else self._value()
        return _requirement(key, operator, values)

    def _value(self) -> list[str]:
        if self._peek()[0] in ("", ","):
            return [""]
        lexeme, is_word = self._next()
        if not is_word:
            raise SelectorError(f"found '{lexeme}', expected: identifier")
        return [lexeme]

    def _values(self) -> list[str]:
        lexeme, _ = self._next()
        if lexeme != "(":
            raise SelectorError(f"found '{lexeme}' expected: '('")
        values: list[str] = []
        previous = ","
        while True:
            lexeme, is_word = self._next()
            if is_word:
                if previous != ",":
                    raise SelectorError(f"found '{lexeme}', expected: ',' or ')'")
                values.append(lexeme)
                previous = "word"
            elif lexeme in (",", ")"):
                # "(,a)", "(a,)" and "()" hold an empty value.
                if previous == ",":
                    values.append("")
                if lexeme == ")":
                    return sorted(set(values))
                previous = ","
            elif previous == ",":
                expected = "',', or identifier" if values else "',', ')' or identifier"
                raise SelectorError(f"found '{lexeme}', expected: {expected}")
            else:
                raise SelectorError(f"found '{lexeme}', expected: ',' or ')'")


def parse_labels(text: str) -> LabelSelector:
    """The selector of a `labelSelector` parameter. Raises SelectorError."""
    if not text:
        return EVERYTHING
    return LabelSelector(tuple(sorted(_Parser(text).parse(), key=lambda requirement: requirement.key)))


_OPERATORS = {"In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST}


def from_object(selector: Mapping[str, Any] | None) -> LabelSelector | None:
    """The selector of a `LabelSelector` object (`matchLabels`, `matchExpressions`); None matches nothing.

    Raises SelectorError."""
    if selector is None:
        return None
    found = [_requirement(key, EQUALS, [value]) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = _OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            shown = validation.go_quote(expression.get("operator", ""))
            raise SelectorError(f"{shown} is not a valid label selector operator")
        found.append(_requirement(expression.get("key", ""), operator, expression.get("values") or ()))
    return LabelSelector(tuple(sorted(found, key=lambda requirement: requirement.key)))


@dataclass(frozen=True, slots=True)
class FieldTerm:
    field: str
    value: str
    equal: bool = True


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that must all hold. Without any it matches everything."""

    terms: tuple[FieldTerm, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.terms

    def matches(self, fields: Mapping[str, str]) -> bool:
        return all((fields.get(term.field, "") == term.value) is term.equal for term in self.terms)

    def requires_exact(self, field: str) -> str | None:
        """The one value that `field` must have, or None: lets a list of one name be a get."""
        for term in self.terms:
            if term.equal and term.field == field:
                return term.value
        return None

    def __str__(self) -> str:
        return ",".join(
            f"{t.field}{'=' if t.equal else '!='}{escape_field_value(t.value)}" for t in self.terms
        )


ALL_FIELDS = FieldSelector()
_ESCAPES = str.maketrans({"\\": "\\\\", ",": "\\,", "=": "\\="})
_FIELD_OPERATOR = re.compile(r"!=|==|=")


def escape_field_value(value: str) -> str:
    """`value` as it stands in a field selector."""
    return value.translate(_ESCAPES)


def _unescape(value: str) -> str:
    if not any(char in value for char in "\\,="):
        return value
    plain: list[str] = []
    characters = iter(value)
    for char in characters:
        if char == "\\":
            escaped = next(characters, "")
            if not escaped or escaped not in "\\,=":
                raise SelectorError(f"invalid field selector: invalid escape sequence: \\{escaped}")
            plain.append(escaped)
        elif char in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            plain.append(char)
    return "".join(plain)


_FIELD_TERM = re.compile(r"(?:\\.|[^,\\]|\\$)+", re.DOTALL)


def parse_fields(text: str) -> FieldSelector:
    """The selector of a `fieldSelector` parameter, names unchecked. Raises SelectorError."""
    if not text:
        return ALL_FIELDS
    terms = []
    for part in sorted(_FIELD_TERM.findall(text)):
        operator = _FIELD_OPERATOR.search(part)
        if operator is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
        value = _unescape(part[operator.end() :])
        terms.append(FieldTerm(part[: operator.start()], value, operator.group() != "!="))
    return FieldSelector(tuple(terms))
