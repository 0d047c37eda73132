"""Integers that others write as text.

`int` refuses a text of thousands of digits with the error that it has for what is no number at all, which is
where a client's text must not get.
"""

import re
from typing import Final

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_LONGEST: Final = 20
"""Digits of the largest of 64 bits."""


def parse(text: str, low: int = -(2**63), high: int = 2**63 - 1) -> int | None:
    """As Go's strconv.ParseInt: None for what is none, or is not between `low` and `high`."""
    digits = text.lstrip("+-0")
    if not _INTEGER.fullmatch(text) or len(digits) > _LONGEST:
        return None
    value = int(digits or "0") * (-1 if text[0] == "-" else 1)
    return value if low <= value <= high else None


def problem(text: str) -> str:
    """Why Go would not parse `text`, of which parse made nothing."""
    return "value out of range" if _INTEGER.fullmatch(text) else "invalid syntax"
