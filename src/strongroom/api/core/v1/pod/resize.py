"""`pods/resize`: other amounts of cpu and memory for a Pod that runs (KEP-1287).

Source: `podResizeStrategy` and `ValidatePodResize` of Kubernetes 1.36.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from strongroom.api.core.v1.pod import containers, qos
from strongroom.api.core.v1.pod.validation_annotations import MIRROR
from strongroom.api.strategy import keep
from strongroom.machinery import validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_KINDS: Final = ("containers", "initContainers")
_WRITTEN: Final = ("resources", "resizePolicy")
_AMOUNTS: Final = ("requests", "limits")
_RESIZABLE: Final = ("cpu", "memory")
_ONLY: Final = "only cpu and memory resources are mutable"
_NO_FIELD: Final = "[]"
"""What upstream's empty path looks like."""


def prepare(new: Object, old: Object) -> None:
    """Turns `new` into `old` with the resources and resize policies of `new`, in place.

    Containers that are not those of `old` are left for the rules to refuse."""
    spec, before = new["spec"], old["spec"]
    if any(len(containers.of(spec, kind)) != len(containers.of(before, kind)) for kind in _KINDS):
        return
    merged = {kind: _merged(containers.of(spec, kind), containers.of(before, kind)) for kind in _KINDS}
    new["spec"] = {**before, **{kind: listed for kind, listed in merged.items() if listed}}
    keep(new["spec"], spec, "resources")
    keep(new, old, "status")
    for field in ("labels", "annotations", "ownerReferences", "finalizers"):
        keep(new["metadata"], old["metadata"], field)


def _merged(new: Sequence[Object], old: Sequence[Object]) -> list[Object]:
    if [each.get("name") for each in new] != [each.get("name") for each in old]:
        return list(new)
    merged = []
    for current, was in zip(new, old, strict=True):
        container = dict(was)
        for field in _WRITTEN:
            keep(container, current, field)
        merged.append(container)
    return merged


def validate(new: Object, old: Object) -> list[FieldError]:
    """The changes that are not allowed; the new spec by itself is checked elsewhere."""
    spec, before = new["spec"], old["spec"]
    if MIRROR in (old["metadata"].get("annotations") or {}):
        return [validation.forbidden(_NO_FIELD, "static pods cannot be resized")]
    if (before.get("os") or {}).get("name") == "windows":
        return [validation.forbidden(_NO_FIELD, "windows pods cannot be resized")]
    errors: list[FieldError] = []
    class_before = (old.get("status") or {}).get("qosClass") or qos.qos_class(old)
    if class_before != qos.qos_class(new):
        text = "Pod QOS Class may not change as a result of resizing"
        shown = (new.get("status") or {}).get("qosClass", "")
        errors.append(validation.invalid_value("spec", shown, text))
    if not _is_supported(old):
        errors.append(validation.forbidden("spec", "Pod running on node without support for resize"))
    errors += _whole(spec, before)
    if order := _order(spec, before):
        return errors + order
    for kind in reversed(_KINDS):
        for index, (now, was) in enumerate(_pairs(spec, before, kind)):
            errors += _removed(now, was, f"spec.{kind}[{index}].resources", "resource")
    for now, was in _pairs(spec, before, "containers"):
        if _masked(now, was) != was:
            errors.append(validation.forbidden("spec", _ONLY))
    for index, (now, was) in enumerate(_pairs(spec, before, "initContainers")):
        path = f"spec.initContainers[{index}]"
        if _masked(now, was) != was:
            text = "only cpu and memory resources for init or sidecar containers are mutable"
            errors.append(validation.forbidden(path, text))
        if now != was and not containers.is_sidecar(now) and _restarts(now):
            text = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            errors.append(validation.forbidden(path, text))
    return errors


def _pairs(spec: Object, before: Object, kind: str) -> Sequence[tuple[Object, Object]]:
    return list(zip(containers.of(spec, kind), containers.of(before, kind), strict=True))


def _is_supported(pod: Object) -> bool:
    """A node that can resize says what its containers have."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if (status.get("state") or {}).get("running") is not None:
            return "resources" in status
    return True


def _whole(spec: Object, before: Object) -> list[FieldError]:
    now, was = spec.get("resources"), before.get("resources")
    if not any((each or {}).get(field) for each in (now, was) for field in _AMOUNTS):
        return []
    if was is not None and now is None:
        return [validation.forbidden("spec.resources", "pod-level resources cannot be removed")]
    errors: list[FieldError] = []
    if was is not None:
        errors += _removed(spec, before, "spec.resources", "pod-level resource")
    masked = {key: value for key, value in _masked(spec, before)["resources"].items() if value}
    if masked != (was or {}):
        errors.append(validation.forbidden("spec", f"{_ONLY} at pod-level"))
    return errors


def _order(spec: Object, before: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for kind in _KINDS:
        now, was = containers.of(spec, kind), containers.of(before, kind)
        if len(now) != len(was):
            text = f"{kind} may not be added or removed on resize"
            errors.append(validation.forbidden(f"spec.{kind}", text))
            continue
        text = f"{kind} may not be renamed or reordered on resize"
        errors += [
            validation.forbidden(f"spec.{kind}[{index}].name", text)
            for index, (each, old) in enumerate(zip(now, was, strict=True))
            if each.get("name") != old.get("name")
        ]
    return errors


def _removed(now: Object, was: Object, path: str, what: str) -> list[FieldError]:
    current, before = now.get("resources") or {}, was.get("resources") or {}
    return [
        validation.forbidden(f"{path}.{field}", f"{what} {field} cannot be removed")
        for field in _AMOUNTS
        if not set(before.get(field) or {}) <= set(current.get(field) or {})
    ]


def _masked(now: Object, was: Object) -> Object:
    """`now` with the amounts of cpu and memory of `was`."""
    current, before = now.get("resources") or {}, was.get("resources") or {}
    masked = dict(current)
    for field in _AMOUNTS:
        amounts = {name: amount for name, amount in _of(current, field).items() if name not in _RESIZABLE}
        amounts |= {name: amount for name, amount in _of(before, field).items() if name in _RESIZABLE}
        masked.pop(field, None)
        if amounts:
            masked[field] = amounts
    return {**now, "resources": masked}


def _of(requirements: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    return requirements.get(field) or {}


def _restarts(container: Object) -> bool:
    policies = container.get("resizePolicy") or ()
    return any(policy.get("restartPolicy") == "RestartContainer" for policy in policies)
