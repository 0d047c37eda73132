"""What a patch is refused with when its result is no object of the kind any more, in upstream's words.

They show what was patched: all of it after a JSON patch or merge patch, a strategic patch alone.
Of Secrets nothing is shown (upstream does): whoever may patch one may not be allowed to read it.
"""

import re
from typing import Any, Final

import orjson

from strongroom.api import resources
from strongroom.machinery import status, validation
from strongroom.machinery.gvk import Resource

_REDACTED: Final = "<secret contents redacted>"
_MARK: Final = " cannot be handled as a "
_MISMATCH: Final = re.compile(
    r"json: cannot unmarshal (?P<found>\w+)(?: [^ ]+)? into Go (?:struct field \S+|value) of type "
    r"(?P<wanted>.+)"
)
_GO_TYPES: Final = {"number": "int64", "array": "slice", "object": "map"}


def invalid(resource: Resource, shown: str, why: str) -> status.StatusError:
    """422 of no kind. `shown`: what was patched, as text."""
    text = _REDACTED if resource == resources.SECRETS else shown
    error = validation.invalid_value("patch", text, why)
    cause = status.Cause(error.reason, error.body, error.field).to_dict()
    return status.StatusError(422, "Invalid", f' "" is invalid: {error}', {"causes": [cause]})


def of_decoding(error: status.StatusError) -> str | None:
    """Why the patched object can't be decoded; None for an error that is about something else."""
    before, mark, why = error.message.partition(_MARK)
    if error.code != 400 or not mark or ' in version "' not in before:
        return None
    return why.partition(": ")[2]


def whole(patched: Any) -> str:
    """A patched document. Raises RecursionError for one that is nested too deep."""
    document = dict(sorted(patched.items())) if isinstance(patched, dict) else patched
    try:
        return orjson.dumps(document).decode()
    except TypeError:
        raise RecursionError from None


def go(value: Any) -> str:
    """A decoded document as Go's `%+v` prints it. Raises RecursionError for one that is nested too deep."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go, value)) + "]"
    return str(value)


def converted(why: str) -> str:
    """A mismatch of types in the words of the converter that strategic patches go through."""
    if why.startswith("illegal base64"):
        return f"error decoding from json: {why}"
    match = _MISMATCH.fullmatch(why)
    if match is None:
        return why
    found = _GO_TYPES.get(match["found"], match["found"])
    wanted = match["wanted"]
    if wanted.startswith("map["):
        return f"cannot restore map from {found}"
    if wanted.startswith("[]"):
        return f"cannot restore slice from {found}"
    if wanted == "string" and found == "int64":
        return "cannot convert int64 to string"
    if "." in wanted:
        return f"cannot restore struct from: {found}"
    return f"unrecognized type: {wanted}"
