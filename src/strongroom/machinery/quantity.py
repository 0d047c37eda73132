"""Amounts of resources: `100m`, `1.5Gi`, `2e3` (API concepts, "Resource quantities")."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

NANO = 10**9
_LENGTH_MAX = 200
_MAX = 2**63 - 1
_DECIMAL_DIGITS, _BINARY_DIGITS = 18, 14
"""What fits into 64 bits for sure; longer numbers are not looked at so closely."""
_SPLIT = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_PATTERN = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)")
DECIMAL_SI, BINARY_SI, DECIMAL_EXPONENT = "DecimalSI", "BinarySI", "DecimalExponent"
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}


class QuantityError(ValueError):
    """A text that is no quantity; `str()` is what Go's decoder says."""


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An exact amount in units of 10^-9, and the notation it was written in (of no weight in comparisons)."""

    nanos: int
    notation: str = field(default=DECIMAL_SI, compare=False)

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.nanos + other.nanos, self.notation if self.nanos else other.notation)

    def __sub__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.nanos - other.nanos, self.notation if self.nanos else other.notation)

    def value(self) -> int:
        """Whole units, rounded up."""
        return -(-self.nanos // NANO)

    def milli(self) -> int:
        """Thousandths (CPU millicores), rounded up."""
        return -(-self.nanos // 10**6)

    def rounded(self) -> "Quantity":
        """In whole thousandths, rounded away from zero: the finest amounts of resources there are."""
        rest = abs(self.nanos) % 10**6
        if not rest:
            return self
        more = 10**6 - rest
        return Quantity(self.nanos + (more if self.nanos > 0 else -more), self.notation)

    def divided_by(self, divisor: "Quantity") -> int:
        """How many divisors it takes, rounded up: what `resourceFieldRef` shows."""
        return -(-self.nanos // divisor.nanos)

    def __str__(self) -> str:
        """The canonical form: no fraction, no needless zeros, the suffix as large as can be."""
        if not self.nanos:
            return "0"
        if self.notation == BINARY_SI and abs(self.nanos) >= 1024 * NANO and not self.nanos % NANO:
            number, power = self.nanos // NANO, 0
            while power < 6 and not number % 1024:
                number, power = number // 1024, power + 1
            return f"{number}{_BINARY_SUFFIX.get(power, '')}"
        number, exponent = self.nanos, -9
        while not number % 1000 and (exponent < 18 or self.notation == DECIMAL_EXPONENT):
            number, exponent = number // 1000, exponent + 3
        if self.notation == DECIMAL_EXPONENT:
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_DECIMAL_SUFFIX[exponent]}"


ZERO = Quantity(0)


@lru_cache(maxsize=1024)
def parse(text: str) -> Quantity:
    """The amount that `text` states; parts finer than 10^-9 are rounded away from zero.

    Raises QuantityError."""
    match = _PATTERN.fullmatch(text)
    if match is None or not text or len(text) > _LENGTH_MAX:
        raise QuantityError(f"quantities must match the regular expression '{_SPLIT}'")
    sign, whole, fraction, suffix = match.groups()
    fraction = fraction or ""
    if not whole and not fraction:
        raise QuantityError(
            "unable to parse numeric part of quantity"
            if "." in text
            else f"quantities must match the regular expression '{_SPLIT}'"
        )
    digits = int(whole + fraction)
    if suffix in _BINARY:
        notation = BINARY_SI
        scaled, exponent = digits * 1024 ** _BINARY[suffix], 0
    elif suffix in _DECIMAL:
        notation, scaled, exponent = DECIMAL_SI, digits, _DECIMAL[suffix]
    elif (power := _EXPONENT.fullmatch(suffix)) and len(power.group(1)) <= 3:
        notation, scaled, exponent = DECIMAL_EXPONENT, digits, int(power.group(1))
    else:
        raise QuantityError("unable to parse quantity's suffix")
    exponent += 9 - len(fraction)
    nanos = scaled * 10**exponent if exponent >= 0 else -(-scaled // 10**-exponent)
    if notation == BINARY_SI:
        nanos = min(nanos, _MAX * NANO)
    return Quantity(-nanos if sign == "-" else nanos, notation)


def of(value: str | int | float) -> Quantity:
    """The amount in a JSON field, which may be a bare number. Raises QuantityError."""
    return parse(value if isinstance(value, str) else str(value))


@lru_cache(maxsize=1024)
def written(text: str) -> str:
    """A quantity as it is stored: canonical, or as it is spelled where Kubernetes' decoder takes that over.

    It does (`ParseQuantity`) unless there is something to shorten: `1.500`, `+1` and `2e0` stay, `0.5` does
    not. Raises QuantityError."""
    amount = parse(text)
    return text if _stays(text) else str(amount)


def rounded(value: str | int | float) -> str:
    """As `written`, in whole thousandths: an amount of a resource. Raises QuantityError."""
    amount = of(value)
    return str(amount.rounded()) if amount.nanos % 10**6 else written(str(value))


def _stays(text: str) -> bool:
    match = _PATTERN.fullmatch(text)
    if match is None:
        return False
    _, whole, fraction, suffix = match.groups()
    number = whole.lstrip("0") or "0"
    if suffix in _BINARY:
        short = len(number) + 3 * _BINARY[suffix] <= _BINARY_DIGITS
        return not fraction and short and int(number) % 8 != 0
    digits = number + (fraction or "")
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    scale = exponent - len(fraction or "")
    return (
        len(digits) <= _DECIMAL_DIGITS
        and scale >= _DECIMAL["n"]
        and scale % 3 == 0
        and digits[0] != "0"
        and not digits.endswith("000")
    )
