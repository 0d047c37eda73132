"""Values never show in texts from elsewhere."""

from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.validation import go_quote
from strongroom.node.redaction import redact


def test_values_are_starred_out_as_they_are_and_quoted() -> None:
    text = 'invalid environment variable: "PASSWORD=a\\"b", or PASSWORD=a"b'
    assert redact(text, [b'a"b']) == (
        'invalid environment variable: "PASSWORD=********", or PASSWORD=********'
    )


def test_a_value_inside_another_does_not_leave_half_of_it() -> None:
    assert redact("secret-long", [b"secret", b"secret-long"]) == "********"


def test_text_without_values_stays() -> None:
    assert redact("no such file", []) == "no such file"
    assert redact("no such file", [b""]) == "no such file"


@given(st.text(min_size=3, max_size=10), st.text(max_size=20))
def test_no_value_survives(value: str, rest: str) -> None:
    shown = redact(f"{rest}{value}{rest}: {go_quote(value)}", [value.encode()])
    if value not in "********":
        assert value not in shown.replace("********", "")
