"""YAML to JSON values and back as `sigs.k8s.io/yaml` does it: YAML 1.1 scalars, string keys, one document."""

import math
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Any, Final

import yaml as pyyaml

from strongroom.machinery.codec.errors import DecodeError

MAX_DEPTH: Final = 1000
MAX_ALIASED: Final = 100_000
"""Nodes that aliases may stand for, in sum: keeps a short text from growing without bound."""

_LOADER: Final[Any] = getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)
_BASE_DUMPER: Final[Any] = getattr(pyyaml, "CSafeDumper", pyyaml.SafeDumper)
_NO_WRAP: Final = 2**30
_PREFIX: Final = "tag:yaml.org,2002:"

_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]*|[1-9][0-9_]*)", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_INFINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def decode(data: bytes) -> tuple[Any, list[str]]:
    """The first document as JSON values, and `line 3: key "a" already set in map` for each repeated key.

    Raises DecodeError in go-yaml's words; they never quote the text."""
    try:
        events = pyyaml.parse(data, Loader=_LOADER)
        return _Builder(events).build()
    except pyyaml.MarkedYAMLError as error:
        raise DecodeError(f"yaml: {_where(error)}{error.problem or error.context}") from None
    except (pyyaml.YAMLError, UnicodeDecodeError):
        raise DecodeError("yaml: control characters are not allowed") from None


class _Dumper(_BASE_DUMPER):  # type: ignore[misc]
    """Quotes every text that would not be read as text; writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    plain = not _INFINITE.fullmatch(text) and scalar(text, None, plain=True) is text
    style = "|" if "\n" in text else None if plain else "'"
    return dumper.represent_scalar(_PREFIX + "str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def encode(obj: Any) -> bytes:
    """Block style, keys sorted, in UTF-8."""
    text: str = pyyaml.dump(obj, Dumper=_Dumper, allow_unicode=True, default_flow_style=False, width=_NO_WRAP)
    return text.encode()


def _where(error: pyyaml.MarkedYAMLError) -> str:
    scanner = isinstance(error, pyyaml.scanner.ScannerError)
    line = error.problem_mark.line + scanner if error.problem_mark and error.problem_mark.line else 0
    if not line and error.context_mark:
        line = error.context_mark.line
    return f"line {line}: " if line else ""


class _Builder:
    """Builds values from events. Nesting is a stack of its own, so depth costs no recursion."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: set[str] = set()
        self._aliased = 0
        self._repeated: list[str] = []

    def build(self) -> tuple[Any, list[str]]:
        stack: list[_Container] = []
        for event in self._events:
            if isinstance(event, pyyaml.ScalarEvent):
                value, size = self._scalar(event), 1
            elif isinstance(event, pyyaml.AliasEvent):
                value, size = self._alias(event)
            elif isinstance(event, pyyaml.CollectionStartEvent):
                if len(stack) == MAX_DEPTH:
                    raise DecodeError("yaml: exceeded max depth")
                kind = _Mapping if isinstance(event, pyyaml.MappingStartEvent) else _Sequence
                stack.append(kind(event.anchor))
                if event.anchor:
                    self._open.add(event.anchor)
                continue
            elif isinstance(event, pyyaml.CollectionEndEvent):
                done = stack.pop()
                value, size = done.value, done.size
                self._anchor(done.anchor, value, size)
            elif isinstance(event, pyyaml.DocumentEndEvent):
                break
            else:
                continue
            if not stack:
                return value, self._repeated
            problem = stack[-1].add(value, size)
            if problem:
                self._repeated.append(f"line {event.start_mark.line + 1}: {problem}")
        return None, []

    def _anchor(self, anchor: str | None, value: Any, size: int) -> None:
        if anchor:
            self._open.discard(anchor)
            self._anchors[anchor] = value, size

    def _alias(self, event: Any) -> tuple[Any, int]:
        if event.anchor in self._open:
            raise DecodeError(f"yaml: anchor '{event.anchor}' value contains itself")
        if event.anchor not in self._anchors:
            raise DecodeError(f"yaml: unknown anchor '{event.anchor}' referenced")
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            raise DecodeError("yaml: document contains excessive aliasing")
        return value, size

    def _scalar(self, event: Any) -> Any:
        value = scalar(event.value, event.tag, plain=event.implicit[0])
        self._anchor(event.anchor, value, 1)
        return value


class _Container:
    """A collection that is being read. `size` counts its nodes, with what aliases stand for."""

    def __init__(self, anchor: str | None) -> None:
        self.anchor = anchor
        self.value: Any
        self.size = 1

    def add(self, item: Any, size: int) -> str:
        raise TypeError("a container is a sequence or a mapping")


class _Sequence(_Container):
    def __init__(self, anchor: str | None) -> None:
        super().__init__(anchor)
        self.value: list[Any] = []

    def add(self, item: Any, size: int) -> str:
        self.size += size
        self.value.append(item)
        return ""


class _Mapping(_Container):
    def __init__(self, anchor: str | None) -> None:
        super().__init__(anchor)
        self.value: dict[str, Any] = {}
        self._key: list[Any] = []
        self._set: set[str] = set()

    def add(self, item: Any, size: int) -> str:
        self.size += size
        if not self._key:
            self._key.append(item)
            return (
                "" if item == "<<" or key(item) not in self._set else f'key "{key(item)}" already set in map'
            )
        name = self._key.pop()
        if name == "<<":
            for source in reversed(item if isinstance(item, list) else [item]):
                if not isinstance(source, dict):
                    raise DecodeError("yaml: map merge requires map or sequence of maps as the value")
                self.value = {**self.value, **{k: v for k, v in source.items() if k not in self._set}}
        else:
            self._set.add(key(name))
            self.value[key(name)] = item
        return ""


def key(value: Any) -> str:
    """A mapping's key as JSON needs it. Raises DecodeError for a null or a collection."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise DecodeError("yaml: invalid map key")


def scalar(text: str, tag: str | None, *, plain: bool) -> Any:
    """A scalar's value by its tag, or by its look if it is plain and has none."""
    if tag == _PREFIX + "binary":
        try:
            return b64decode("".join(text.split()), validate=True).decode()
        except (Base64Error, UnicodeDecodeError):
            raise DecodeError("yaml: !!binary value contains invalid base64 data") from None
    if tag == _PREFIX + "str" or (tag is None and not plain):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INFINITE.fullmatch(text):
        raise DecodeError("json: unsupported value: an infinity or NaN")
    if _INTEGER.fullmatch(text):
        number = _integer(text.replace("_", ""))
        if number is not None and -(2**63) <= number < 2**64:
            return number
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            return text
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    return text


def _integer(text: str) -> int | None:
    """0b, 0o, 0x, a leading 0 for octal, else decimal."""
    digits = text.lstrip("+-").lower()
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        digits = "0o" + digits[1:]
    try:
        return int(digits, 0) * (-1 if text.startswith("-") else 1)
    except ValueError:
        return None
