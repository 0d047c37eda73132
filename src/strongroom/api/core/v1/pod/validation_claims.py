"""The rules of a Pod's claims on devices (`spec.resourceClaims`), and of the places that name them."""

from typing import Any

from strongroom.api.core.v1.pod import internal_types
from strongroom.machinery import names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_SOURCES = ("resourceClaimName", "resourceClaimTemplateName")


def validate(spec: Object) -> list[FieldError]:
    """`spec.resourceClaims`."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, claim in enumerate(spec.get("resourceClaims") or ()):
        path, name = f"spec.resourceClaims[{index}]", claim.get("name", "")
        if not name:
            errors.append(validation.required(f"{path}.name"))
        elif name in seen:
            errors.append(validation.duplicate(f"{path}.name", name))
        else:
            errors += _invalid(f"{path}.name", name, names.dns1123_label(name))
            seen.add(name)
        given = [field for field in _SOURCES if claim.get(field) is not None]
        if len(given) != 1:
            both = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            none = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            shown = internal_types.shown("PodResourceClaim", claim)
            errors.append(validation.invalid_value(path, shown, both if given else none))
        for field in given:
            errors += _invalid(f"{path}.{field}", claim[field], names.dns1123_subdomain(claim[field]))
    return errors


def validate_names(requirements: Object, spec: Object, path: str) -> list[FieldError]:
    """`claims` in the resources of a container: each names one of the Pod's."""
    errors: list[FieldError] = []
    known = sorted({claim["name"] for claim in spec.get("resourceClaims") or () if claim.get("name")})
    seen: set[str] = set()
    for index, claim in enumerate(requirements.get("claims") or ()):
        at, name, request = f"{path}.claims[{index}]", claim.get("name", ""), claim.get("request", "")
        if not name:
            errors.append(validation.required(at))
            continue
        if name in seen:
            errors.append(validation.duplicate(at, name))
        else:
            key = f"{name}/{request}" if request else name
            if request:
                errors += _invalid(f"{at}.request", request, names.dns1123_label(request))
            if key in seen:
                errors.append(validation.duplicate(at, key))
            elif not request:
                overlaps = [each for each in seen if each.startswith(f"{name}/")]
                errors += [validation.duplicate(at, name) for _ in overlaps]
            seen.add(key)
        if name not in known:
            text = "must be one of the names in pod.spec.resourceClaims"
            text += ": " + ", ".join(known) if known else " which is empty"
            errors.append(validation.not_found(at, name, text))
    return errors


def _invalid(field: str, value: Any, messages: list[str]) -> list[FieldError]:
    return [validation.invalid_value(field, value, message) for message in messages]
