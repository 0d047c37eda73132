"""Why Go's JSON parser would refuse a document, in its own words (`encoding/json`)."""

import json

from strongroom.machinery.codec import json_syntax


def object_error(document: bytes) -> str:
    """What Go says when `document` is decoded into a map; "" when it can be."""
    try:
        value = json.loads(document.decode("utf-8", "replace"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return syntax_error(document) or "exceeded max depth"
    match value:
        case dict() | None:
            return ""
        case bool():
            kind = "bool"
        case str():
            kind = "string"
        case list():
            kind = "array"
        case _:
            kind = "number"
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"


def _no_constant(name: str) -> None:
    raise ValueError(name)


def syntax_error(document: bytes) -> str:
    """The first syntax error of `document` as Go words it; "" when there is none."""
    return json_syntax.fault(document)
