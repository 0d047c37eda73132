"""Strategic merge patch: a merge patch that knows which lists are keyed.

Rules: "Strategic merge patch" of Kubernetes' API conventions (directives `$patch`,
`$deleteFromPrimitiveList`, `$setElementOrder`, `$retainKeys`) and `apimachinery/pkg/util/strategicpatch`.
"""

from collections.abc import Sequence
from typing import Any

from strongroom.machinery.codec import structs
from strongroom.machinery.gvk import Object
from strongroom.machinery.patch import errors, list_order
from strongroom.machinery.patch.schema import MERGE, REPLACE, FieldSchema, Schema

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList/"
ORDER = "$setElementOrder/"
_UNKNOWN = FieldSchema()
_BAD_ORDER = "invalid patch format of setElementOrder list"


def apply(original: Object, patch: Any, schema: Schema | None) -> Object:
    """A new object; parts that the patch does not touch are shared with `original`, nothing is changed.

    Raises StatusError: 400 for a malformed patch, 422 for lists of lists, 500 as upstream for the rest."""
    if patch is None:
        patch = {}  # Go's decoder leaves a map as it is
    if not isinstance(patch, dict):
        found = structs.json_type(patch)
        raise errors.malformed(
            f"json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
        )
    try:
        return _merge_map(original, patch, schema)
    except RecursionError:
        raise errors.malformed("exceeded max depth") from None


def _field(schema: Schema | None, name: str) -> FieldSchema:
    return (schema.field(name) if schema is not None else None) or _UNKNOWN


def _merge_map(original: Object, patch: Object, schema: Schema | None) -> Object:
    if DIRECTIVE in patch:
        directive = patch[DIRECTIVE]
        patch = {key: value for key, value in patch.items() if key != DIRECTIVE}
        if directive == "replace":
            return {key: _plain(value) for key, value in patch.items() if value is not None}
        if directive == "delete":
            return {}
        if directive != MERGE:
            raise errors.failed(
                f"unknown patch type: {directive} in map: {errors.go_value({DIRECTIVE: directive, **patch})}"
            )
    merged = dict(original)
    if RETAIN in patch:
        _retain_keys(merged, patch)
    ordered = _merge_ordered_lists(merged, patch, schema)
    for key, value in patch.items():
        if key == RETAIN or key.startswith(ORDER) or key in ordered:
            continue
        if key.startswith(DELETE_FROM):
            _delete_primitives(merged, key.removeprefix(DELETE_FROM), value)
        elif value is None:
            merged.pop(key, None)
        else:
            _merge_value(merged, key, value, schema)
    return merged


def _merge_value(merged: Object, key: str, value: Any, schema: Schema | None) -> None:
    current = merged.get(key)
    if isinstance(value, dict) and isinstance(current, dict):
        field = _field(schema, key)
        replaced = REPLACE in field.strategy
        merged[key] = _plain(value) if replaced else _merge_map(current, value, field.child)
    elif isinstance(value, list) and isinstance(current, list):
        field = _field(schema, key)
        merged[key] = _merge_list(current, value, field) if MERGE in field.strategy else _plain(value)
    elif not _is_dropped(value):
        merged[key] = _plain(value)
    else:
        merged.pop(key, None)


def _is_dropped(value: Any) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value


def _plain(value: Any) -> Any:
    """A new value without directives and nulls: there is nothing for them to act on."""
    if isinstance(value, dict):
        return {
            key: _plain(item)
            for key, item in value.items()
            if item is not None and not _is_dropped(item) and not key.startswith((RETAIN, DELETE_FROM, ORDER))
        }
    if isinstance(value, list):
        return [_plain(item) for item in value if not _is_dropped(item)]
    return value


def _retain_keys(merged: Object, patch: Object) -> None:
    retained = patch[RETAIN]
    if not isinstance(retained, list) or not all(isinstance(key, str) for key in retained):
        raise errors.malformed("invalid patch format of retainKeys")
    retained = set(retained)
    for key, value in patch.items():
        if value is not None and key not in retained and not key.startswith((RETAIN, DELETE_FROM, ORDER)):
            raise errors.malformed("invalid patch format of retainKeys")
    for key in [key for key in merged if key not in retained]:
        del merged[key]


def _delete_primitives(merged: Object, key: str, values: Any) -> None:
    if not isinstance(values, list):
        raise errors.malformed("invalid patch format of primitive list")
    unwanted = {list_order.identity(value, "") for value in values}
    if isinstance(current := merged.get(key), list):
        merged[key] = [item for item in current if isinstance(item, dict | list) or item not in unwanted]


def _merge_ordered_lists(merged: Object, patch: Object, schema: Schema | None) -> set[str]:
    """Merges the lists that come with a `$setElementOrder`; gives their names."""
    done: set[str] = set()
    for directive, order in patch.items():
        if not directive.startswith(ORDER):
            continue
        key = directive.removeprefix(ORDER)
        current, changes = merged.get(key), patch.get(key)
        if (
            not isinstance(order, list)
            or not isinstance(current, list | None)
            or not isinstance(changes, list | None)
        ):
            raise errors.malformed(_BAD_ORDER)
        field = _field(schema, key)
        _check_order(changes or [], order, field.merge_key)
        if key in patch and changes is None:
            continue
        if current is None and changes is None:
            continue
        done.add(key)
        if current is None:
            result = _plain(changes)
        elif changes is None:
            result = current
        else:
            result = _merge_list(current, changes, field) if MERGE in field.strategy else _plain(changes)
        merged[key] = list_order.arrange(result, order, current or [], field.merge_key)
    return done


def _check_order(changes: Sequence[Any], order: Sequence[Any], merge_key: str) -> None:
    """Every element of the patch must be in the order list, in the same sequence."""
    if not order or not changes:
        return
    remaining = iter(order)
    for change in changes:
        if _is_dropped(change):
            continue
        wanted = list_order.identity(change, merge_key)
        if not any(list_order.identity(item, merge_key) == wanted for item in remaining):
            raise errors.failed(
                f"The order in patch list:\n{errors.go_value(list(changes))}\n doesn't match "
                f"$setElementOrder list:\n{errors.go_value(list(order))}\n"
            )


def _merge_list(original: list[Any], patch: list[Any], field: FieldSchema) -> list[Any]:
    if not original and not patch:
        return original
    _check_elements(original, patch)
    first = original[0] if original else patch[0]
    if not isinstance(first, dict):
        merged = list(dict.fromkeys([*original, *patch]))
        return list_order.arrange(merged, patch, original, "")
    if not field.merge_key:
        raise errors.failed("cannot merge lists without merge key")
    original, patch = _special_elements(original, patch, field.merge_key)
    merged = list(original)
    index = list_order.positions(merged, field.merge_key)
    for change in patch:
        value = list_order.identity(change, field.merge_key)
        if value in index:
            merged[index[value]] = _merge_map(merged[index[value]], change, field.child)
        else:
            index[value] = len(merged)
            merged.append(_plain(change))
    return list_order.arrange(merged, patch, original, field.merge_key)


def _check_elements(*lists: list[Any]) -> None:
    kinds = {errors.json_kind(item) for items in lists for item in items}
    if "array" in kinds:
        raise errors.unprocessable()
    if len(kinds) > 1:
        raise errors.failed(f"list element types are not identical: {errors.go_value(list(lists))}")


def _special_elements(original: list[Any], patch: list[Any], merge_key: str) -> tuple[list[Any], list[Any]]:
    """Acts on elements that are directives; gives what is left of both lists."""
    changes: list[Any] = []
    removed: set[Any] = set()
    replace = False
    for element in patch:
        directive = element.get(DIRECTIVE)
        if directive is None:
            changes.append(element)
        elif directive == "delete":
            removed.add(list_order.identity(element, merge_key))
        elif directive == "replace":
            replace = True
        elif directive == MERGE:
            raise errors.failed("merging lists cannot yet be specified in the patch")
        else:
            raise errors.failed(f"unknown patch type: {directive} in map: {errors.go_value(element)}")
    if replace:
        return changes, []
    return [item for item in original if item.get(merge_key) not in removed], changes
