"""JSON: orjson for speed, Go's words for what is wrong, and the repeated keys that orjson does not see."""

import json as stdlib
from typing import Any, Final

import orjson

from strongroom.machinery.codec import json_syntax
from strongroom.machinery.codec.errors import DecodeError


def encode(obj: Any) -> bytes:
    """Compact JSON in UTF-8, keys in the order of the dicts."""
    return orjson.dumps(obj)


def decode(data: bytes) -> Any:
    """The value of a JSON text; the last of repeated keys wins.

    Raises DecodeError in the words of `encoding/json`. Stricter than Go in one thing: bytes that are not
    UTF-8 and lone surrogates are refused, not replaced."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DecodeError(_why(data, error)) from None


def _why(data: bytes, error: orjson.JSONDecodeError) -> str:
    found = json_syntax.fault(data)
    if found:
        return found
    try:
        data.decode()
    except UnicodeDecodeError:
        return "invalid UTF-8 in string literal"
    if "ecursion" in error.msg or "depth" in error.msg:
        return "exceeded max depth"
    return "number out of range" if "number" in error.msg else "invalid Unicode in string literal"


def may_repeat_keys(data: bytes, keys: int, value: Any) -> bool:
    """Whether a JSON text names a key twice in one object, which its decoded `value` does not show.

    Cheap, and never wrongly False. `keys`: how many keys `value` has at least; a hint alone."""
    colons = data.count(b":")
    # Each key in the text is followed by one.
    if colons == keys:
        return False
    try:
        encoded = orjson.dumps(value)
    except TypeError:  # nested too deep
        return True
    if encoded == data:  # as compact as most write it
        return False
    # All others are in texts, where what was read has as many: unless one was escaped, or went with its key.
    return colons != encoded.count(b":") or (b"\\u003" in data and (b"\\u003a" in data or b"\\u003A" in data))


class Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys as they stand in the text, the repeated ones too."""


def decode_pairs(data: bytes) -> Any:
    """As decode, with Pairs for objects. `data` must have passed decode."""
    try:
        return stdlib.loads(data, object_pairs_hook=Pairs, parse_int=_integer)
    except RecursionError:
        raise DecodeError("exceeded max depth") from None


_LONGEST: Final = 20
"""Digits, with their sign, of an integer of 64 bits."""


def _integer(digits: str) -> int | float:
    """As orjson reads it: what has no place in 64 bits is a float, which can be written again."""
    if len(digits) > _LONGEST:
        return float(digits)
    value = int(digits)
    return value if -(1 << 63) <= value < 1 << 64 else float(value)


def merged(value: Any) -> Any:
    """The plain value of what decode_pairs gave; a repeated object adds to the earlier one, as in Go."""
    if isinstance(value, Pairs):
        return _fill({}, value)
    return [merged(item) for item in value] if isinstance(value, list) else value


def _fill(out: dict[str, Any], pairs: Pairs) -> dict[str, Any]:
    for key, item in pairs:
        old = out.get(key)
        out[key] = _fill(old, item) if isinstance(item, Pairs) and isinstance(old, dict) else merged(item)
    return out


def duplicates(data: bytes) -> list[str]:
    """Paths (`data.a`, `spec.containers[0].name`) of the repeated keys, in the order of the text."""
    found: dict[str, None] = {}

    def visit(value: Any, path: str) -> None:
        if isinstance(value, Pairs):
            seen = set()
            for key, item in value:
                where = f"{path}.{key}" if path else key
                if key in seen:
                    found[where] = None
                seen.add(key)
                visit(item, where)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                visit(item, f"{path}[{index}]")

    visit(decode_pairs(data), "")
    return list(found)
