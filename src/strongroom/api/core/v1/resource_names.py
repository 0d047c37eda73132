"""Names of resources that are counted: which are standard, where each may stand, which come in whole numbers.

Rules: `pkg/apis/core/helper` and `validateResourceName`.
"""

from typing import Final

from strongroom.machinery import names, quantity, validation
from strongroom.machinery.validation import FieldError

COUNTED: Final = (
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
)
"""Come in whole numbers."""
COMPUTE: Final = (
    "cpu",
    "memory",
    "ephemeral-storage",
    *(f"{kind}.{name}" for kind in ("requests", "limits") for name in ("cpu", "memory", "ephemeral-storage")),
)
QUOTA: Final = frozenset((*COUNTED, *COMPUTE, "requests.storage"))
_STANDARD: Final = QUOTA | {"storage"}
_CONTAINER: Final = frozenset(("cpu", "memory", "ephemeral-storage"))
_HUGE_PAGES: Final = "hugepages-"
_REQUESTS: Final = "requests."
_NATIVE: Final = "kubernetes.io/"


def is_huge_pages(name: str) -> bool:
    return name.startswith(_HUGE_PAGES)


def _is_native(name: str) -> bool:
    return "/" not in name or _NATIVE in name


def _is_extended(name: str) -> bool:
    if _is_native(name) or name.startswith(_REQUESTS):
        return False
    return not names.qualified_name(_REQUESTS + name)


def can_overcommit(name: str) -> bool:
    """Whether a request may be less than the limit."""
    return _is_native(name) and not is_huge_pages(name)


def validate(name: str, path: str) -> list[FieldError]:
    """What may stand for a resource anywhere."""
    if messages := names.qualified_name(name):
        return [validation.invalid_value(path, name, message) for message in messages]
    huge = name.removeprefix(_REQUESTS).startswith(_HUGE_PAGES)
    if "/" in name or name in _STANDARD or huge:
        return []
    text = "must be a standard resource type or fully qualified"
    return [validation.invalid_value(path, name, text)]


def validate_of_container(name: str, path: str) -> list[FieldError]:
    """What a container asks for."""
    errors = validate(name, path)
    if "/" not in name:
        if name not in _CONTAINER and not is_huge_pages(name):
            errors.append(validation.invalid_value(path, name, "must be a standard resource for containers"))
    elif not _is_native(name) and not _is_extended(name):
        text = "doesn't follow extended resource name standard"
        errors.append(validation.invalid_value(path, name, text))
    return errors


def validate_of_quota(name: str, path: str) -> list[FieldError]:
    """What a quota limits."""
    errors = validate(name, path)
    huge = name.removeprefix(_REQUESTS).startswith(_HUGE_PAGES)
    if "/" not in name and name not in QUOTA and not huge:
        errors.append(validation.invalid_value(path, name, "must be a standard resource for quota"))
    return errors


def validate_amount(name: str, amount: str, path: str) -> list[FieldError]:
    """An amount as it is stored."""
    errors: list[FieldError] = []
    value = quantity.of(amount)
    if value < quantity.ZERO:
        errors.append(validation.invalid_value(path, amount, "must be greater than or equal to 0"))
    if (name in COUNTED or _is_extended(name)) and value.nanos % quantity.NANO:
        errors.append(validation.invalid_value(path, amount, "must be an integer"))
    return errors


def validate_pages(name: str, amount: str, path: str) -> list[FieldError]:
    """Huge pages are whole ones."""
    try:
        size = quantity.of(name.removeprefix(_HUGE_PAGES))
    except quantity.QuantityError:
        size = quantity.ZERO
    if size > quantity.ZERO and quantity.of(amount).nanos % size.nanos == 0:
        return []
    text = f"{amount} is not positive integer multiple of {name}"
    return [validation.invalid_value(path, amount, text)]
