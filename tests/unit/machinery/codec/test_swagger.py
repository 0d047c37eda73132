"""Swagger in protobuf: field numbers and shapes of gnostic's `openapi.v2.Document`."""

from typing import Any

from strongroom.machinery.codec import swagger

Field = tuple[int, int | bytes]


def fields(data: bytes) -> list[Field]:
    """The fields of a message, in their order."""
    found: list[Field] = []
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            found.append((key >> 3, data[at : at + value]))
            at += value
        else:
            assert key & 7 == 0
            found.append((key >> 3, value))
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def inside(data: bytes, *path: int) -> bytes:
    """What the only fields of these numbers, one within the other, hold."""
    for number in path:
        found = [value for field, value in fields(data) if field == number]
        assert len(found) == 1 and isinstance(found[0], bytes), fields(data)
        data = found[0]
    return data


def schema(value: dict[str, Any]) -> list[Field]:
    return fields(inside(swagger.encode({"definitions": {"A": value}}), 9, 1, 2))


def test_the_head() -> None:
    encoded = swagger.encode({"swagger": "2.0", "info": {"title": "T", "version": "v1"}})
    assert fields(encoded) == [(1, b"2.0"), (2, b"\x0a\x01T\x12\x02v1")]


def test_definitions_are_pairs_of_name_and_schema() -> None:
    encoded = swagger.encode({"definitions": {"A": {"type": "object"}, "B": {"$ref": "#/definitions/A"}}})
    pairs = [fields(value) for _, value in fields(inside(encoded, 9)) if isinstance(value, bytes)]
    assert pairs == [
        [(1, b"A"), (2, b"\xb2\x01\x08\x0a\x06object")],
        [(1, b"B"), (2, b"\x0a\x0f#/definitions/A")],
    ]


def test_a_schema() -> None:
    assert schema({"description": "d", "format": "int32", "required": ["a", "b"], "default": {}}) == [
        (4, b"d"),
        (2, b"int32"),
        (19, b"a"),
        (19, b"b"),
        (5, b"\x12\x02{}"),
    ]
    assert schema({"items": {"$ref": "r"}}) == [(23, b"\x0a\x03\x0a\x01r")]
    assert schema({"additionalProperties": {"$ref": "r"}}) == [(21, b"\x0a\x03\x0a\x01r")]
    assert schema({"properties": {"p": {"$ref": "r"}}}) == [(25, b"\x0a\x08\x0a\x01p\x12\x03\x0a\x01r")]


def test_what_is_long_has_a_length_of_several_bytes() -> None:
    assert schema({"description": "x" * 300}) == [(4, b"x" * 300)]


def test_extensions_are_named_yaml() -> None:
    [(number, content)] = schema({"x-kubernetes-list-map-keys": ["name"]})
    assert number == 31 and isinstance(content, bytes)
    assert inside(content, 1) == b"x-kubernetes-list-map-keys"
    assert inside(content, 2, 2) == b'["name"]'


def test_an_operation_and_its_parameters() -> None:
    operation = {
        "operationId": "id",
        "consumes": ["a", "b"],
        "parameters": [
            {"in": "body", "name": "body", "required": True, "schema": {"$ref": "r"}},
            {"in": "query", "name": "fieldValidation", "type": "string", "uniqueItems": True},
        ],
        "responses": {"200": {"description": "OK", "schema": {"$ref": "r"}}},
        "x-kubernetes-group-version-kind": {"kind": "A"},
    }
    named = {"name": "name", "in": "path", "required": True, "type": "string"}
    encoded = swagger.encode({"paths": {"/a": {"patch": operation, "parameters": [named]}}})
    item = inside(encoded, 8, 2)
    assert inside(item, 1) == b"/a"
    found = fields(inside(item, 2, 8))
    assert [number for number, _ in found] == [5, 7, 7, 8, 8, 9, 13]
    body, query = [value for number, value in found if number == 8]
    assert isinstance(body, bytes) and isinstance(query, bytes)
    assert fields(inside(body, 1, 1)) == [(3, b"body"), (2, b"body"), (4, 1), (5, b"\x0a\x01r")]
    assert fields(inside(query, 1, 2, 3)) == [(2, b"query"), (4, b"fieldValidation"), (6, b"string"), (20, 1)]
    assert fields(inside(item, 2, 9, 1, 2, 4)) == [(4, b"name"), (2, b"path"), (1, 1), (5, b"string")]
    responses = found[5][1]
    assert isinstance(responses, bytes)
    assert inside(responses, 1, 1) == b"200"
    assert fields(inside(responses, 1, 2, 1)) == [(1, b"OK"), (2, b"\x0a\x03\x0a\x01r")]


def test_an_unknown_key_is_left_out() -> None:
    assert swagger.encode({"host": "h", "definitions": {}}) == b"\x4a\x00"
