"""ObjectMeta: what the system fills in, what a client may not change, and the rules of its fields.

Texts are those of `apimachinery/pkg/api/validation/objectmeta.go` of Kubernetes 1.36.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from strongroom.machinery import duration, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

ANNOTATIONS_MAX = 256 * 1024
FIELD_MANAGER_MAX = 128
SUBRESOURCE_MAX = 256
GENERATED_BASE_MAX = 58
ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
STANDARD_FINALIZERS = frozenset((ORPHAN, FOREGROUND, "kubernetes"))

# No vowels and no look-alikes: generated names spell nothing.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SYSTEM_FIELDS = ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds")
_IMMUTABLE = (
    "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"
)  # fmt: skip


def generate_name(base: str) -> str:
    """`base` (58 characters of it at most) and five random ones."""
    # Uniqueness is the store's to check; nothing rests on these being unguessable.
    return base[:GENERATED_BASE_MAX] + "".join(random.choices(_ALPHABET, k=5))  # noqa: S311


def drop_empty(meta: Object) -> None:
    """Removes what Go's encoding leaves out: null, "", empty maps and lists."""
    for key in [key for key, value in meta.items() if not value and value is not False and value != 0]:
        del meta[key]


def prepare_for_create(meta: Object, now: datetime, uid: str) -> list[str]:
    """Replaces in `meta` what only the system sets, and makes a name of `generateName` if there is none.

    Equal owner references are dropped. Gives texts for `Warning` headers."""
    for field in _SYSTEM_FIELDS:
        meta.pop(field, None)
    meta["uid"] = uid
    meta["creationTimestamp"] = duration.timestamp(now)
    if not meta.get("name") and (base := meta.get("generateName")):
        meta["name"] = generate_name(base)
    drop_empty(meta)
    return _dedupe_owner_references(meta)


def prepare_for_update(new: Object, old: Mapping[str, Any], *, patched: bool = False) -> list[str]:
    """Restores in `new` what an update can't touch, before it is validated against `old`.

    `patched`: it is the result of a patch, of which upstream warns in words of its own.
    Equal owner references are dropped. Gives texts for `Warning` headers."""
    drop_empty(new)
    new.pop("selfLink", None)
    if "uid" not in new:
        new["uid"] = old.get("uid", "")
    for field in ("generation", "creationTimestamp"):
        if field in old:
            new[field] = old[field]
        else:
            new.pop(field, None)
    if "deletionTimestamp" in old:
        new["deletionTimestamp"] = old["deletionTimestamp"]
    # A client that leaves it out does not mean to clear it.
    if "deletionGracePeriodSeconds" not in new and "deletionGracePeriodSeconds" in old:
        new["deletionGracePeriodSeconds"] = old["deletionGracePeriodSeconds"]
    return _dedupe_owner_references(new, " after mutating admission happens" if patched else "")


def _dedupe_owner_references(meta: Object, when: str = "") -> list[str]:
    references = meta.get("ownerReferences")
    if not references or len(references) < 2:
        return []
    kept: dict[bytes, Any] = {}
    twice: dict[str, None] = {}
    for reference in references:
        identity = orjson.dumps(reference, option=orjson.OPT_SORT_KEYS)
        if identity in kept:
            twice[str(reference.get("uid", ""))] = None
        else:
            kept[identity] = reference
    if not twice:
        return []
    meta["ownerReferences"] = list(kept.values())
    return [
        f".metadata.ownerReferences contains duplicate entries{when}; "
        "API server dedups owner references in 1.20+, "
        "and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
        + ", ".join(twice)
    ]


def validate_object_meta(
    meta: Mapping[str, Any],
    *,
    namespaced: bool,
    name_rule: names.NameRule,
    any_finalizer: bool = False,
    path: str = "metadata",
) -> list[FieldError]:
    """All broken rules of a new object's metadata; its name must have been generated before.

    `any_finalizer`: one without a domain need not be Kubernetes' own."""
    errors: list[FieldError] = []
    if generate := meta.get("generateName"):
        errors += _invalid(f"{path}.generateName", generate, name_rule(generate, prefix=True))
    name = meta.get("name")
    if not name:
        errors.append(validation.required(f"{path}.name", "name or generateName is required"))
    elif messages := name_rule(name) or names.path_segment(name):
        errors += _invalid(f"{path}.name", name, messages)
    namespace = meta.get("namespace")
    if namespaced:
        if not namespace:
            errors.append(validation.required(f"{path}.namespace"))
        elif messages := names.dns1123_label(namespace):
            errors += _invalid(f"{path}.namespace", namespace, messages)
    elif namespace:
        errors.append(validation.forbidden(f"{path}.namespace", "not allowed on this type"))
    if (generation := meta.get("generation")) and generation < 0:
        errors.append(
            validation.invalid_value(f"{path}.generation", generation, "must be greater than or equal to 0")
        )
    errors += _validate_common(meta, path)
    if finalizers := meta.get("finalizers"):
        errors += validate_finalizers(finalizers, f"{path}.finalizers", any_name=any_finalizer)
    return errors


def validate_object_meta_update(
    new: Mapping[str, Any], old: Mapping[str, Any], *, any_finalizer: bool = False, path: str = "metadata"
) -> list[FieldError]:
    """All broken rules of an update's metadata, each once, other than those of `resourceVersion`."""
    errors = validate_change(new, old, path)
    # Upstream leaves finalizers unchecked in a change and has the whole object checked beside it.
    if (finalizers := new.get("finalizers")) and finalizers != old.get("finalizers"):
        errors += validate_finalizers(finalizers, f"{path}.finalizers", any_name=any_finalizer)
    return errors


def validate_change(
    new: Mapping[str, Any], old: Mapping[str, Any], path: str = "metadata"
) -> list[FieldError]:
    """The broken rules of metadata that an update changes, without those of the names of finalizers."""
    errors: list[FieldError] = []
    if old.get("deletionTimestamp"):
        added = sorted(set(new.get("finalizers") or ()) - set(old.get("finalizers") or ()))
        if added:
            shown = ", ".join(validation.go_quote(finalizer) for finalizer in added)
            errors.append(
                validation.forbidden(
                    f"{path}.finalizers",
                    "no new finalizers can be added if the object is being deleted, found new finalizers "
                    f"[]string{{{shown}}}",
                )
            )
    if (new.get("generation") or 0) < (old.get("generation") or 0):
        errors.append(
            validation.invalid_value(
                f"{path}.generation", new.get("generation", 0), "must not be decremented"
            )
        )
    for field in _IMMUTABLE:
        if (value := new.get(field)) != old.get(field) and (value or old.get(field)):
            shown_value = "" if value is None and field in ("name", "namespace", "uid") else value
            errors.append(validation.invalid_value(f"{path}.{field}", shown_value, "field is immutable"))
    return errors + _validate_common(new, path)


def _validate_common(meta: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if labels := meta.get("labels"):
        errors += validate_labels(labels, f"{path}.labels")
    if annotations := meta.get("annotations"):
        errors += validate_annotations(annotations, f"{path}.annotations")
    if references := meta.get("ownerReferences"):
        errors += validate_owner_references(references, f"{path}.ownerReferences")
    if managed := meta.get("managedFields"):
        errors += validate_managed_fields(managed, f"{path}.managedFields")
    return errors


def _invalid(field: str, value: object, messages: Sequence[str]) -> list[FieldError]:
    return [validation.invalid_value(field, value, message) for message in messages]


def validate_labels(labels: Mapping[str, str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for key, value in labels.items():
        errors += _invalid(path, key, names.qualified_name(key))
        errors += _invalid(path, value, names.label_value(value))
    return errors


def validate_annotations(annotations: Mapping[str, str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    total = 0
    for key, value in annotations.items():
        errors += _invalid(path, key, names.qualified_name(key.lower()))
        total += names.size(key) + names.size(value)
    if total > ANNOTATIONS_MAX:
        errors.append(validation.too_long(path, ANNOTATIONS_MAX))
    return errors


def validate_finalizer_domain(finalizer: str, path: str) -> list[FieldError]:
    """Finalizers without a domain are Kubernetes' own."""
    if "/" in finalizer or finalizer in STANDARD_FINALIZERS:
        return []
    text = "name is neither a standard finalizer name nor is it fully qualified"
    return [validation.invalid_value(path, finalizer, text)]


def validate_finalizer_domains(finalizers: Sequence[str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, finalizer in enumerate(finalizers):
        errors += validate_finalizer_domain(finalizer, f"{path}[{index}]")
    return errors


def validate_finalizers(finalizers: Sequence[str], path: str, *, any_name: bool = False) -> list[FieldError]:
    """`any_name`: one without a domain need not be Kubernetes' own."""
    errors: list[FieldError] = []
    for finalizer in finalizers:
        errors += _invalid(path, finalizer, names.qualified_name(finalizer))
    if not any_name:
        errors += validate_finalizer_domains(finalizers, path)
    if ORPHAN in finalizers and FOREGROUND in finalizers:
        errors.append(
            validation.invalid_value(
                path, list(finalizers), f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"
            )
        )
    return errors


def validate_owner_references(references: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    controller, several = "", False
    for reference in references:
        version, kind = reference.get("apiVersion", ""), reference.get("kind", "")
        if not version:
            errors.append(validation.invalid_value(f"{path}.apiVersion", "", "version must not be empty"))
        for field in ("kind", "name", "uid"):
            if not reference.get(field):
                errors.append(validation.invalid_value(f"{path}.{field}", "", "must not be empty"))
        if version == "v1" and kind == "Event":
            errors.append(
                validation.invalid_value(
                    path, _shown(reference), "/v1, Kind=Event is disallowed from being an owner"
                )
            )
        if reference.get("controller"):
            current = f"{kind}/{reference.get('name', '')}"
            # Said once: the text repeats the whole list.
            if controller and not several:
                several = True
                errors.append(
                    validation.invalid_value(
                        path,
                        [_shown(each) for each in references],
                        'Only one reference can have Controller set to true. Found "true" in references for '
                        f"{controller} and {current}",
                    )
                )
            elif not controller:
                controller = current
    return errors


def _shown(reference: Mapping[str, Any]) -> Object:
    """As Go prints one: these are there even when they are empty."""
    return {"apiVersion": "", "kind": "", "name": "", "uid": "", **reference}


def validate_managed_fields(entries: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, entry in enumerate(entries):
        field = f"{path}[{index}]"
        operation = entry.get("operation", "")
        if operation not in ("Apply", "Update"):
            errors.append(
                validation.invalid_value(f"{field}.operation", operation, "must be `Apply` or `Update`")
            )
        if (fields_type := entry.get("fieldsType")) and fields_type != "FieldsV1":
            errors.append(validation.invalid_value(f"{field}.fieldsType", fields_type, "must be `FieldsV1`"))
        errors += validate_field_manager(entry.get("manager", ""), f"{field}.manager")
        if names.size(entry.get("subresource", "")) > SUBRESOURCE_MAX:
            errors.append(validation.too_long(f"{field}.subresource", SUBRESOURCE_MAX))
    return errors


def validate_field_manager(manager: str, path: str) -> list[FieldError]:
    """The `fieldManager` option, and `manager` of an entry: at most 128 bytes, printable."""
    errors: list[FieldError] = []
    if names.size(manager) > FIELD_MANAGER_MAX:
        errors.append(validation.too_long(path, FIELD_MANAGER_MAX))
    if manager.isprintable():
        return errors
    for position, char in enumerate(manager):
        if not char.isprintable():
            offset = len(manager[:position].encode())
            errors.append(
                validation.invalid_value(
                    path, manager, f"invalid character U+{ord(char):04X} (at position {offset})"
                )
            )
    return errors
