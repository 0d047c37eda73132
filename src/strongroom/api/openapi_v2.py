"""`/openapi/v2`: one Swagger 2.0 document for all groups, made from those of OpenAPI 3.0.

What it says is what they say, in the older grammar: bodies are parameters, references may have a description
beside them, and a value of two types is a string.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

Document = dict[str, Any]

_V3: Final = "#/components/schemas/"
_V2: Final = "#/definitions/"
_METHODS: Final = ("get", "put", "post", "delete", "patch")
_ANY_TYPE: Final = ["*/*"]


def document(parts: Iterable[Mapping[str, Any]], info: Mapping[str, str]) -> Document:
    """The document that says what `parts`, OpenAPI 3.0 documents, say together."""
    paths: Document = {}
    definitions: Document = {}
    for part in parts:
        paths |= {path: _path_item(item) for path, item in part["paths"].items()}
        definitions |= {name: schema(each) for name, each in part["components"]["schemas"].items()}
    return {
        "swagger": "2.0",
        "info": dict(info),
        "paths": dict(sorted(paths.items())),
        "definitions": dict(sorted(definitions.items())),
    }


def schema(node: Mapping[str, Any]) -> Document:
    """A schema in the older grammar."""
    out: Document = {}
    for key, value in node.items():
        if key == "allOf":
            out |= schema(value[0])
        elif key == "oneOf":
            out["type"] = "string"
        elif key == "$ref":
            out[key] = _V2 + value.removeprefix(_V3)
        elif key == "properties":
            out[key] = {name: schema(each) for name, each in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, Mapping):
            out[key] = schema(value)
        else:
            out[key] = value
    return out


def _path_item(item: Mapping[str, Any]) -> Document:
    out: Document = {method: _operation(item[method]) for method in _METHODS if method in item}
    out["parameters"] = [_parameter(each) for each in item["parameters"]]
    return out


def _parameter(parameter: Mapping[str, Any]) -> Document:
    return {**{key: value for key, value in parameter.items() if key != "schema"}, **parameter["schema"]}


def _operation(operation: Mapping[str, Any]) -> Document:
    extensions = {key: value for key, value in operation.items() if key.startswith("x-")}
    body = operation.get("requestBody")
    parameters = [_parameter(each) for each in operation["parameters"]]
    if body is not None:
        parameters.insert(0, _body(body))
    return {
        "tags": operation["tags"],
        "description": operation["description"],
        "operationId": operation["operationId"],
        "consumes": list(body["content"]) if body and "patch" in extensions.values() else _ANY_TYPE,
        "produces": list(operation["responses"]["200"].get("content", ())) or _ANY_TYPE,
        "parameters": parameters,
        "responses": {code: _response(each) for code, each in operation["responses"].items()},
        **extensions,
    }


def _body(body: Mapping[str, Any]) -> Document:
    found: Document = {"in": "body", "name": "body", "schema": _content(body) or {"type": "object"}}
    return {**found, "required": True} if body.get("required") else found


def _response(response: Mapping[str, Any]) -> Document:
    found: Document = {"description": response["description"]}
    content = _content(response)
    return {**found, "schema": content} if content else found


def _content(holder: Mapping[str, Any]) -> Document:
    for described in holder.get("content", {}).values():
        return schema(described.get("schema", {}))
    return {}
