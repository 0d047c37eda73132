"""A Swagger 2.0 document as the protobuf message `openapi.v2.Document` of gnostic.

Clients in Go read `/openapi/v2` in this form. Maps are lists of (name, value) pairs there, values of any kind
are YAML texts (JSON, here), and extensions (`x-...`) stand apart from the fields of their object.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from strongroom.machinery.codec import json

_Encode = Callable[[Any], bytes]
_Fields = Mapping[str, tuple[int, _Encode]]
_VARINT, _BYTES = 0, 2


def encode(document: Mapping[str, Any]) -> bytes:
    """The message for a document; keys that Swagger does not have are left out."""
    return _message(_DOCUMENT, 16, document)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _delimited(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _text(value: str) -> bytes:
    return value.encode()


def _any(value: Any) -> bytes:
    return _delimited(2, json.encode(value))


def _named(encode: _Encode, value: Mapping[str, Any], number: int = 1) -> bytes:
    """Pairs of name and value, in the order of the map."""
    return b"".join(
        _delimited(number, _delimited(1, name.encode()) + _delimited(2, encode(item)))
        for name, item in value.items()
    )


def _message(fields: _Fields, extensions: int, value: Mapping[str, Any]) -> bytes:
    """An object by its table; `extensions` is the number of its extensions' field."""
    parts = []
    for key, item in value.items():
        if key in fields:
            number, encode = fields[key]
            if isinstance(item, bool):
                parts.append(_varint(number << 3 | _VARINT) + _varint(item))
            elif isinstance(item, list):
                parts += [_delimited(number, encode(each)) for each in item]
            else:
                parts.append(_delimited(number, encode(item)))
        elif key.startswith("x-"):
            parts.append(_delimited(extensions, _named_any(key, item)))
    return b"".join(parts)


def _named_any(name: str, value: Any) -> bytes:
    return _delimited(1, name.encode()) + _delimited(2, _any(value))


def _schema(value: Any) -> bytes:
    return _message(_SCHEMA, 31, value)


def _wrapped(encode: _Encode, number: int, value: Any) -> bytes:
    """A message whose only field holds the value: how a choice or a list within a field is written."""
    return _delimited(number, encode(value))


def _parameter(value: Mapping[str, Any]) -> bytes:
    if value["in"] == "body":
        return _delimited(1, _delimited(1, _message(_BODY, 6, value)))
    kind, table, extensions = (3, _QUERY, 23) if value["in"] == "query" else (4, _PATH, 22)
    return _delimited(1, _delimited(2, _delimited(kind, _message(table, extensions, value))))


def _response(value: Mapping[str, Any]) -> bytes:
    return _delimited(1, _message(_RESPONSE, 5, value))


_SCHEMA: dict[str, tuple[int, _Encode]] = {
    "$ref": (1, _text),
    "format": (2, _text),
    "description": (4, _text),
    "default": (5, _any),
    "required": (19, _text),
    "enum": (20, _any),
    "additionalProperties": (21, partial(_wrapped, _schema, 1)),
    "type": (22, partial(_wrapped, _text, 1)),
    "items": (23, partial(_wrapped, _schema, 1)),
    "properties": (25, partial(_named, _schema)),
}
_QUERY: Final[_Fields] = {
    "required": (1, _text),
    "in": (2, _text),
    "description": (3, _text),
    "name": (4, _text),
    "type": (6, _text),
    "uniqueItems": (20, _text),
}
_PATH: Final[_Fields] = {
    "required": (1, _text),
    "in": (2, _text),
    "description": (3, _text),
    "name": (4, _text),
    "type": (5, _text),
    "uniqueItems": (19, _text),
}
_BODY: Final[_Fields] = {
    "description": (1, _text),
    "name": (2, _text),
    "in": (3, _text),
    "required": (4, _text),
    "schema": (5, _schema),
}
_RESPONSE: Final[_Fields] = {"description": (1, _text), "schema": (2, partial(_wrapped, _schema, 1))}
_OPERATION: Final[_Fields] = {
    "tags": (1, _text),
    "description": (3, _text),
    "operationId": (5, _text),
    "produces": (6, _text),
    "consumes": (7, _text),
    "parameters": (8, _parameter),
    "responses": (9, partial(_named, _response)),
}
_operation = partial(_message, _OPERATION, 13)
_PATH_ITEM: Final[_Fields] = {
    "get": (2, _operation),
    "put": (3, _operation),
    "post": (4, _operation),
    "delete": (5, _operation),
    "patch": (8, _operation),
    "parameters": (9, _parameter),
}
_path_item = partial(_message, _PATH_ITEM, 10)
_INFO: Final[_Fields] = {"title": (1, _text), "version": (2, _text)}
_DOCUMENT: Final[_Fields] = {
    "swagger": (1, _text),
    "info": (2, partial(_message, _INFO, 7)),
    "paths": (8, partial(_named, _path_item, number=2)),
    "definitions": (9, partial(_named, _schema)),
}
