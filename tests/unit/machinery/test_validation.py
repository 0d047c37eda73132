"""Field errors as Kubernetes prints them."""

import pytest

from strongroom.machinery import validation


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a", '"a"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\nb\tc\r", '"a\\nb\\tc\\r"'),
        ("\a\b\f\v", '"\\a\\b\\f\\v"'),
        ("\x00\x7f", '"\\x00\\x7f"'),
        ("é", '"é"'),
        ("\u200b", '"\\u200b"'),
        ("\U000e0001", '"\\U000e0001"'),
    ],
)
def test_go_quote(text: str, quoted: str) -> None:
    assert validation.go_quote(text) == quoted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        (1, "1"),
        (True, "true"),
        (None, "null"),
        ([1, "<"], '[1,"\\u003c"]'),
        ({"a": 1}, '{"a":1}'),
    ],
)
def test_render(value: object, text: str) -> None:
    assert validation.render(value) == text


@pytest.mark.parametrize(
    ("error", "reason", "text"),
    [
        (validation.required("f"), "FieldValueRequired", "f: Required value"),
        (validation.required("f", "why"), "FieldValueRequired", "f: Required value: why"),
        (validation.invalid_value("f", "v", "why"), "FieldValueInvalid", 'f: Invalid value: "v": why'),
        (validation.invalid_value("f", 1), "FieldValueInvalid", "f: Invalid value: 1"),
        (
            validation.redacted("f", "why"),
            "FieldValueInvalid",
            'f: Invalid value: "<secret contents redacted>": why',
        ),
        (
            validation.not_supported("f", "v", ["a", "b"]),
            "FieldValueNotSupported",
            'f: Unsupported value: "v": supported values: "a", "b"',
        ),
        (validation.forbidden("f", "why"), "FieldValueForbidden", "f: Forbidden: why"),
        (validation.duplicate("f", "v"), "FieldValueDuplicate", 'f: Duplicate value: "v"'),
        (validation.not_found("f", "v"), "FieldValueNotFound", 'f: Not found: "v"'),
        (validation.too_long("f", 2), "FieldValueTooLong", "f: Too long: may not be more than 2 bytes"),
        (validation.too_long("f", 1), "FieldValueTooLong", "f: Too long: may not be more than 1 byte"),
        (validation.too_many("f", 3, 2), "FieldValueTooMany", "f: Too many: 3: must have at most 2 items"),
        (validation.too_many("f", 3, 1), "FieldValueTooMany", "f: Too many: 3: must have at most 1 item"),
        (validation.type_invalid("f", 1, "why"), "FieldValueTypeInvalid", "f: Invalid value: 1: why"),
    ],
)
def test_errors(error: validation.FieldError, reason: str, text: str) -> None:
    assert (error.reason, str(error)) == (reason, text)
