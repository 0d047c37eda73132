"""What of a Pod may change after it was made (`ValidatePodUpdate`)."""

from typing import Any

from strongroom.api.core.v1.pod import (
    containers,
    gated,
    internal_types,
    validation_annotations,
    validation_scheduling,
)
from strongroom.machinery import names, quantity, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

INT32_MAX = 2**31 - 1
_AMOUNTS = frozenset(("limits", "requests", "overhead", "sizeLimit", "divisor"))
UPDATABLE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)


def validate_update(new: Object, old: Object) -> list[FieldError]:
    """The changes that are not allowed; the new spec by itself is checked elsewhere."""
    spec, before = new["spec"], old["spec"]
    annotations, known = ((each["metadata"].get("annotations") or {}) for each in (new, old))
    errors = validation_annotations.validate_update(annotations, known)
    for kind in ("containers", "initContainers"):
        if len(containers.of(spec, kind)) != len(containers.of(before, kind)):
            text = "pod updates may not add or remove containers"
            return [*errors, validation.forbidden(f"spec.{kind}", text)]
        errors += _images(spec, kind)
    found, stop = _deadline(spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    errors += found
    if stop:
        return errors
    errors += _tolerations(spec.get("tolerations") or [], before.get("tolerations") or [])
    errors += _gates(spec.get("schedulingGates") or [], before.get("schedulingGates") or [])
    if before.get("schedulingGates"):
        errors += gated.validate_update(spec, before)
    restored = _restored(spec, before)
    if not _equal(before, restored):
        text = "pod updates may not change fields other than " + ",".join(UPDATABLE)
        difference = internal_types.difference("PodSpec", before, restored)
        errors.append(validation.forbidden("spec", f"{text}\n{difference}"))
    return errors


def _images(spec: Object, kind: str) -> list[FieldError]:
    """Upstream looks at them once more than for a new Pod, and tells of them twice."""
    errors: list[FieldError] = []
    text = "must not have leading or trailing whitespace"
    for index, container in enumerate(containers.of(spec, kind)):
        path, image = f"spec.{kind}[{index}].image", container.get("image", "")
        if not image:
            errors.append(validation.required(path))
        if image != image.strip():
            errors.append(validation.invalid_value(path, image, text))
    return errors


def validate_ephemeral_containers(new: Object, old: Object) -> list[FieldError]:
    """Ephemeral containers may be added, and nothing else; their order does not matter."""
    path = "spec.ephemeralContainers"
    present = {each.get("name"): each for each in containers.of(new["spec"], "ephemeralContainers")}
    errors = []
    for was in containers.of(old["spec"], "ephemeralContainers"):
        name = was.get("name")
        current = present.get(name)
        shown = validation.go_quote(name or "")
        if current is None:
            text = f"existing ephemeral containers {shown} may not be removed\n"
            errors.append(validation.forbidden(path, text))
        elif not _equal(was, current):
            text = f"existing ephemeral containers {shown} may not be changed\n"
            difference = internal_types.difference("EphemeralContainer", was, current)
            errors.append(validation.forbidden(path, text + difference))
    return errors


def _deadline(new: int | None, old: int | None) -> tuple[list[FieldError], bool]:
    path = "spec.activeDeadlineSeconds"
    if new == old:
        return [], False
    if new is None:
        text = "must not update from a positive integer to nil value"
        return [validation.invalid_value(path, None, text)], False
    if not 0 <= new <= INT32_MAX:
        return [validation.invalid_value(path, new, names.in_range(0, INT32_MAX))], True
    if old is not None and old < new:
        return [validation.invalid_value(path, new, "must be less than or equal to previous value")], True
    return [], False


def _gates(new: list[Object], old: list[Object]) -> list[FieldError]:
    known = {gate.get("name") for gate in old}
    return [
        validation.forbidden(
            f"spec.schedulingGates[{index}].name",
            f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'",
        )
        for index, gate in enumerate(new)
        if gate.get("name") not in known
    ]


def _tolerations(new: list[Object], old: list[Object]) -> list[FieldError]:
    if not {_identity(toleration) for toleration in old} <= {_identity(toleration) for toleration in new}:
        text = "existing toleration can not be modified except its tolerationSeconds"
        return [validation.forbidden("spec.tolerations", text)]
    return validation_scheduling.validate_tolerations(new, "spec.tolerations")


def _identity(toleration: Object) -> frozenset[tuple[str, Any]]:
    return frozenset((key, value) for key, value in toleration.items() if key != "tolerationSeconds")


def _restored(spec: Object, before: Object) -> Object:
    """`spec` with everything that may change put back as it was."""
    restored = dict(spec)
    for kind in ("containers", "initContainers"):
        pairs = zip(containers.of(spec, kind), containers.of(before, kind), strict=True)
        if kind in spec:
            restored[kind] = [_put_back(dict(current), was, "image") for current, was in pairs]
    for field in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        _put_back(restored, before, field)
    if before.get("schedulingGates"):
        # A Pod that waits at its gates may also be told where to go.
        _put_back(restored, before, "nodeSelector")
        _put_back_node_affinity(restored, before)
    if before.get("terminationGracePeriodSeconds", 0) < 0 and spec["terminationGracePeriodSeconds"] == 1:
        _put_back(restored, before, "terminationGracePeriodSeconds")
    return restored


def _put_back_node_affinity(restored: Object, before: Object) -> None:
    affinity = _put_back(dict(restored.get("affinity") or {}), before.get("affinity") or {}, "nodeAffinity")
    if affinity or "affinity" in before:
        restored["affinity"] = affinity
    else:
        restored.pop("affinity", None)


def _put_back(current: Object, was: Object, field: str) -> Object:
    if field in was:
        current[field] = was[field]
    else:
        current.pop(field, None)
    return current


def _equal(old: Any, new: Any, *, amount: bool = False) -> bool:
    # Go leaves an empty list or text out, so to have none is to have an empty one. An empty object says
    # something by itself (`emptyDir: {}`). An amount may be spelled in several ways.
    if isinstance(old, dict) and isinstance(new, dict):
        return all(
            _equal(old.get(key), new.get(key), amount=amount or key in _AMOUNTS) for key in {*old, *new}
        )
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return all(map(_equal, old, new))
    if amount and isinstance(old, str) and isinstance(new, str):
        return quantity.of(old) == quantity.of(new)
    return bool(old == new) or (_is_none(old) and _is_none(new))


def _is_none(value: Any) -> bool:
    return value in (None, [], "")
