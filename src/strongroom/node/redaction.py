"""Keeps values out of texts that come from elsewhere, such as a runtime's complaint about an environment."""

from collections.abc import Iterable

from strongroom.api.core.v1.pod import references
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import go_quote
from strongroom.node.lookup import NotSyncedError, Objects
from strongroom.node.volumes import secret

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


def values_of(pod: Object, objects: Objects) -> list[bytes]:
    """Every value of the Secrets that a pod names, with and without blanks around it: what its containers
    may print."""
    found = set()
    for name in references.secret_names(pod):
        try:
            values = secret.data_of(objects.secret(pod["metadata"]["namespace"], name)).values()
        except NotSyncedError:
            continue
        found |= {form for value in values for form in (value, value.strip())}
    return sorted(found - {b""})
