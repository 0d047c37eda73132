"""Keeps values out of texts that come from elsewhere, such as a runtime's complaint about an environment."""

from collections.abc import Iterable

from strongroom.machinery.validation import go_quote

_STARS = "********"


def redact(text: str, values: Iterable[bytes]) -> str:
    """`text` with each of `values` starred out, as it is and as Go quotes it; the longest first."""
    forms = set()
    for value in values:
        plain = value.decode(errors="replace")
        forms |= {plain, go_quote(plain)[1:-1]}
    for form in sorted(forms - {""}, key=len, reverse=True):
        text = text.replace(form, _STARS)
    return text
