"""JSON patch (RFC 6902), with the limits of kube-apiserver.

Negative indices count from the end, as in the library that Kubernetes uses.
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

from strongroom.machinery import integers, status
from strongroom.machinery.patch import errors

OPERATIONS_MAX = 10_000
COPIES_MAX = 3 * 1024 * 1024
"""Bytes of JSON that `copy` operations may add up to: copies of copies would grow without bound."""

_MISSING = object()
_INDEX = re.compile(r"-?[0-9]+")


def apply(original: Any, patch: Any) -> Any:
    """A new document; parts that no operation touches are shared with `original`, nothing is changed.

    Raises StatusError: 400 for a malformed patch, 413 for too many operations, 422 for one that fails."""
    if patch is None:  # to Go, null is a list without operations
        return original
    if not isinstance(patch, list):
        raise errors.wrong_document(patch, "[]handlers.jsonPatchOp")
    if len(patch) > OPERATIONS_MAX:
        raise status.too_large(
            f"The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {len(patch)}"
        )
    document, copied = original, 0
    for operation in patch:
        if operation is None:
            raise errors.unprocessable()
        if not isinstance(operation, dict):
            raise errors.wrong_document(operation, "handlers.jsonPatchOp")
        if operation.get("op") == "copy":
            copied += len(orjson.dumps(_copied(document, _path(operation, "from"))))
            if copied > COPIES_MAX:
                raise errors.unprocessable()
        document = _operate(document, operation)
    return document


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    path = _path(operation, "path")
    match operation.get("op"):
        case "add":
            return _set(document, path, operation.get("value"), _insert)
        case "replace":
            return _set(document, path, operation.get("value"), _replace)
        case "remove":
            return _remove(document, path)
        case "move":
            origin = _path(operation, "from")
            if path[: len(origin)] == origin and len(path) > len(origin):
                raise errors.unprocessable()
            return _set(_remove(document, origin), path, _get(document, origin), _insert)
        case "copy":
            return _set(document, path, _copied(document, _path(operation, "from")), _insert)
        case "test":
            return _test(document, path, operation.get("value"))
    raise errors.unprocessable()


def _path(operation: dict[str, Any], name: str) -> list[str]:
    text = operation.get(name)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise errors.unprocessable()
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(items: list[Any], part: str, end: int) -> int:
    if not _INDEX.fullmatch(part):
        raise errors.unprocessable()
    index = integers.parse(part)
    if index is None:
        raise errors.unprocessable()
    if index < 0:
        index += end
    if not 0 <= index < end:
        raise errors.unprocessable()
    return index


def _child(container: Any, part: str) -> Any:
    if isinstance(container, dict):
        return container.get(part, _MISSING)
    if isinstance(container, list):
        return container[_index(container, part, len(container))]
    raise errors.unprocessable()


def _get(document: Any, path: list[str]) -> Any:
    for part in path:
        document = _child(document, part)
        if document is _MISSING:
            raise errors.unprocessable()
    return document


def _copied(document: Any, path: list[str]) -> Any:
    """As `_get`; upstream's library copies a field that there is not as null."""
    if not path:
        return document
    holder = _get(document, path[:-1])
    return holder.get(path[-1]) if isinstance(holder, dict) else _get(holder, path[-1:])


def _test(document: Any, path: list[str], expected: Any) -> Any:
    found: Any = document
    for position, part in enumerate(path):
        found = _child(found, part)
        if found is _MISSING:
            if position + 1 == len(path) and expected is None:
                return document
            raise errors.unprocessable()
    if not _equal(found, expected):
        raise errors.unprocessable()
    return document


def _equal(left: Any, right: Any) -> bool:
    # In Python True equals 1; in JSON it does not.
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)


Setter = Callable[[Any, str, Any], Any]


def _set(document: Any, path: list[str], value: Any, setter: Setter) -> Any:
    """`document` with the containers along `path` copied, and `value` put into the last one."""
    if not path:
        return value
    return _along(document, path, lambda container, part: setter(container, part, value))


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        raise errors.unprocessable()
    return _along(document, path, _delete)


def _along(document: Any, path: list[str], change: Callable[[Any, str], Any]) -> Any:
    containers = [document]
    for part in path[:-1]:
        child = _child(containers[-1], part)
        if child is _MISSING:
            raise errors.unprocessable()
        containers.append(child)
    changed = change(containers[-1], path[-1])
    for container, part in zip(reversed(containers[:-1]), reversed(path[:-1]), strict=True):
        copy = container.copy()
        copy[part if isinstance(copy, dict) else _index(copy, part, len(copy))] = changed
        changed = copy
    return changed


def _insert(container: Any, part: str, value: Any) -> Any:
    if isinstance(container, dict):
        return {**container, part: value}
    if not isinstance(container, list):
        raise errors.unprocessable()
    index = len(container) if part == "-" else _index(container, part, len(container) + 1)
    return [*container[:index], value, *container[index:]]


def _replace(container: Any, part: str, value: Any) -> Any:
    if isinstance(container, dict):  # upstream's library looks at lists alone for what is to be replaced
        return {**container, part: value}
    if not isinstance(container, list):
        raise errors.unprocessable()
    index = _index(container, part, len(container))
    return [*container[:index], value, *container[index + 1 :]]


def _delete(container: Any, part: str) -> Any:
    if isinstance(container, dict) and part in container:
        return {key: value for key, value in container.items() if key != part}
    if not isinstance(container, list):
        raise errors.unprocessable()
    index = _index(container, part, len(container))
    return container[:index] + container[index + 1 :]
