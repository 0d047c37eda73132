"""The answers to patches that can't be applied (`apiserver/pkg/endpoints/handlers/patch.go`)."""

from typing import Any

from strongroom.machinery import status


def unprocessable() -> status.StatusError:
    """A well-formed patch that does not fit the object. Upstream keeps the reason to itself; so do we."""
    return status.StatusError(
        422, "Invalid", "the server rejected our request due to an error in our request", {}
    )


def malformed(text: str) -> status.StatusError:
    """A patch of the wrong shape."""
    return status.bad_request(text)


def failed(text: str) -> status.StatusError:
    """What upstream passes on as a plain error: 500 without a reason."""
    return status.StatusError(500, "", text)


def wrong_document(patch: Any, wanted: str) -> status.StatusError:
    """The patch is not the JSON type that its media type asks for; `wanted` is Go's name of it."""
    return malformed(
        f"error decoding patch: json: cannot unmarshal {json_kind(patch)} into Go value of type {wanted}"
    )


def json_kind(value: Any) -> str:
    """The JSON type of a value as Go's decoder names it."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
    return "object"


def go_value(value: Any) -> str:
    """A JSON value as Go's `%v` prints it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case dict():
            return "map[" + " ".join(f"{key}:{go_value(value[key])}" for key in sorted(value)) + "]"
        case list():
            return "[" + " ".join(map(go_value, value)) + "]"
    return str(value)
