"""The rules of annotations that mean something on a Pod (`ValidatePodSpecificAnnotations`)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from strongroom.api.core.v1.pod import annotated_tolerations, containers
from strongroom.machinery import integers, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

MIRROR: Final = "kubernetes.io/config.mirror"
"""Of a Pod that a node runs by itself, of which the API only shows a copy."""
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
APP_ARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
"""Before the name of the container whose profile the value is."""
SECCOMP_POD: Final = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER: Final = "container.seccomp.security.alpha.kubernetes.io/"
LOCALHOST: Final = "localhost/"
"""Before the name of a profile of the node."""
_PATH: Final = "metadata.annotations"
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_APP_ARMOR_VALUES: Final = {"RuntimeDefault": ("runtime/default",), "Unconfined": ("unconfined",)}
_SECCOMP_VALUES: Final = {
    "RuntimeDefault": ("runtime/default", "docker/default"),
    "Unconfined": ("unconfined",),
}


def validate(annotations: Mapping[str, str], spec: Object, path: str = _PATH) -> list[FieldError]:
    errors: list[FieldError] = []
    if MIRROR in annotations and not spec.get("nodeName"):
        text = "must set spec.nodeName if mirror pod annotation is set"
        errors.append(validation.invalid_value(f"{path}[{MIRROR}]", annotations[MIRROR], text))
    errors += annotated_tolerations.validate(annotations, path)
    cost = annotations.get(DELETION_COST)
    if cost is not None and not (
        _INTEGER.fullmatch(cost) and integers.parse(cost, -(2**31), 2**31 - 1) is not None
    ):
        text = "must be a 32bit integer"
        errors.append(validation.invalid_value(f"{path}[{DELETION_COST}]", cost, text))
    for key in sorted(annotations, key=lambda key: key != SECCOMP_POD):
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            errors += _seccomp(annotations[key], f"{path}.{key}")
    known = {container.get("name", "") for _, container in containers.visited(spec)}
    for key, profile in annotations.items():
        if not key.startswith(APP_ARMOR):
            continue
        name = key.removeprefix(APP_ARMOR)
        if name not in known:
            errors.append(validation.invalid_value(f"{path}[{key}]", name, "container not found"))
        if profile not in ("", "runtime/default", "unconfined") and not profile.startswith(LOCALHOST):
            text = f"invalid AppArmor profile name: {validation.go_quote(profile)}"
            errors.append(validation.invalid_value(f"{path}[{key}]", profile, text))
    return errors


def _seccomp(profile: str, path: str) -> list[FieldError]:
    if profile in ("runtime/default", "docker/default", "unconfined"):
        return []
    if not profile.startswith(LOCALHOST):
        return [validation.invalid_value(path, profile, "must be a valid seccomp profile")]
    local = profile.removeprefix(LOCALHOST)
    return [validation.invalid_value(path, local, message) for message in names.relative_path(local)]


def validate_profiles(annotations: Mapping[str, str], spec: Object) -> list[FieldError]:
    """Of a new Pod: what annotations and fields say of its profiles is the same."""
    errors: list[FieldError] = []
    if SECCOMP_POD in annotations and (profile := _of(spec, "seccompProfile")) is not None:
        errors += _seccomp_match(annotations[SECCOMP_POD], profile, "spec")
    for path, container in containers.visited(spec):
        key = SECCOMP_CONTAINER + container.get("name", "")
        if key in annotations and (profile := _of(container, "seccompProfile")) is not None:
            errors += _seccomp_match(annotations[key], profile, path)
    return errors + validate_app_armor(annotations, spec)


def validate_app_armor(annotations: Mapping[str, str], spec: Object) -> list[FieldError]:
    """The same of AppArmor alone: of a template too."""
    errors: list[FieldError] = []
    if (spec.get("os") or {}).get("name") == "windows":
        return errors
    for path, container in containers.visited(spec):
        key = APP_ARMOR + container.get("name", "")
        profile = _of(container, "appArmorProfile") or _of(spec, "appArmorProfile")
        if key in annotations and profile is not None:
            at = f"{path}.securityContext.appArmorProfile"
            errors += _match(annotations[key], profile, at, "apparmor", _APP_ARMOR_VALUES)
    return errors


def _of(holder: Object, field: str) -> Object | None:
    profile: Object | None = (holder.get("securityContext") or {}).get(field)
    return profile


def _seccomp_match(annotation: str, profile: Object, path: str) -> Iterator[FieldError]:
    yield from _match(
        annotation, profile, f"{path}.securityContext.seccompProfile", "seccomp", _SECCOMP_VALUES
    )


def _match(
    annotation: str, profile: Object, path: str, word: str, values: Mapping[str, tuple[str, ...]]
) -> Iterator[FieldError]:
    kind = profile.get("type", "")
    text = "in annotation and field must match"
    if kind == "Localhost":
        if not annotation.startswith(LOCALHOST):
            yield validation.forbidden(f"{path}.type", f"{word} type {text}")
        elif annotation.removeprefix(LOCALHOST) != profile.get("localhostProfile"):
            yield validation.forbidden(f"{path}.localhostProfile", f"{word} profile {text}")
    elif kind in values and annotation not in values[kind]:
        yield validation.forbidden(f"{path}.type", f"{word} type {text}")


def validate_update(new: Mapping[str, str], old: Mapping[str, str]) -> list[FieldError]:
    """Whose copy a Pod is, and under which profiles its containers run, does not change."""
    errors: list[FieldError] = []
    for key in (*old, *(key for key in new if key not in old)):
        what = "mirror pod annotation" if key == MIRROR else "AppArmor annotations"
        if (key == MIRROR or key.startswith(APP_ARMOR)) and new.get(key) != old.get(key):
            text = f"may not {'remove or update' if key in old else 'add'} {what}"
            errors.append(validation.forbidden(f"{_PATH}[{key}]", text))
    return errors
