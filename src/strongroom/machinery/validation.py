"""Field errors as Kubernetes prints them (`apimachinery/pkg/util/validation/field`)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_GO_ESCAPES = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\", '"': '\\"',
}  # fmt: skip


def _go_escape(char: str) -> str:
    if (known := _GO_ESCAPES.get(char)) is not None:
        return known
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def go_quote(text: str) -> str:
    """`text` as Go's `%q` prints it."""
    return '"' + "".join(map(_go_escape, text)) + '"'


def render(value: Any) -> str:
    """A bad value in a message: strings quoted, numbers and booleans bare, the rest as JSON."""
    if isinstance(value, str):
        return go_quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value)
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule: `str()` is `‹field›: ‹body›`; `body` is what `details.causes[].message` carries."""

    reason: str
    field: str
    body: str

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"


def required(field: str, detail: str = "") -> FieldError:
    return FieldError("FieldValueRequired", field, "Required value" + (f": {detail}" if detail else ""))


def invalid_value(field: str, value: Any, detail: str = "") -> FieldError:
    text = f"Invalid value: {render(value)}"
    return FieldError("FieldValueInvalid", field, text + (f": {detail}" if detail else ""))


def redacted(field: str, detail: str) -> FieldError:
    """An invalid value that must not be shown."""
    return invalid_value(field, "<secret contents redacted>", detail)


def not_supported(field: str, value: Any, supported: Sequence[str]) -> FieldError:
    choices = ", ".join(go_quote(choice) for choice in supported)
    return FieldError(
        "FieldValueNotSupported", field, f"Unsupported value: {render(value)}: supported values: {choices}"
    )


def forbidden(field: str, detail: str) -> FieldError:
    return FieldError("FieldValueForbidden", field, f"Forbidden: {detail}")


def duplicate(field: str, value: Any, detail: str = "") -> FieldError:
    text = f"Duplicate value: {render(value)}"
    return FieldError("FieldValueDuplicate", field, text + (f": {detail}" if detail else ""))


def not_found(field: str, value: Any, detail: str = "") -> FieldError:
    text = f"Not found: {render(value)}"
    return FieldError("FieldValueNotFound", field, text + (f": {detail}" if detail else ""))


def too_long(field: str, limit: int) -> FieldError:
    unit = "byte" if limit == 1 else "bytes"
    return FieldError("FieldValueTooLong", field, f"Too long: may not be more than {limit} {unit}")


def too_many(field: str, count: int, limit: int) -> FieldError:
    unit = "item" if limit == 1 else "items"
    return FieldError("FieldValueTooMany", field, f"Too many: {count}: must have at most {limit} {unit}")


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueTypeInvalid", field, f"Invalid value: {render(value)}: {detail}")
