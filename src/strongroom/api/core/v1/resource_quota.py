"""ResourceQuota: how much of what a namespace may hold. Its status says how much there is.

Rules: Kubernetes' "Resource Quotas" page and `ValidateResourceQuota`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.strategy import AGE, NAME, Column, Strategy, Subresource
from strongroom.machinery import duration, names, quantity, status, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

COUNTED = (
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
"""Resources that come in whole numbers."""
COMPUTE = (
    "cpu",
    "memory",
    "ephemeral-storage",
    *(f"{kind}.{name}" for kind in ("requests", "limits") for name in ("cpu", "memory", "ephemeral-storage")),
)
STANDARD = frozenset((*COUNTED, *COMPUTE, "requests.storage"))
_OF_PODS = frozenset((*COMPUTE, "pods"))
_POD_SCOPES = ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity")
SCOPES: Mapping[str, frozenset[str]] = {
    "BestEffort": frozenset(("pods",)),
    **dict.fromkeys(_POD_SCOPES, _OF_PODS),
    "VolumeAttributesClass": frozenset(("persistentvolumeclaims", "requests.storage")),
}
"""The resources that each scope can be applied to."""
_CONFLICTS = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))


class ResourceQuotaStrategy(Strategy):
    """`/api/v1/…/resourcequotas`."""

    resource = resources.RESOURCE_QUOTAS
    singular = "resourcequota"
    short_names = ("quota",)
    subresources = (Subresource("status", "ResourceQuota", ("get", "patch", "update")),)
    has_status = True
    returns_deleted = True
    columns = (
        NAME,
        Column("Request", description="What is used of what may be used."),
        Column("Limit", description="The same for limits."),
        AGE,
    )

    def convert(self, obj: Object) -> None:
        """Amounts in their canonical form. Raises StatusError 400 for one that can't be read."""
        parts = [(obj.get("spec") or {}, ("hard",)), (obj.get("status") or {}, ("hard", "used"))]
        try:
            for part, fields in parts:
                for field in fields:
                    if amounts := part.get(field):
                        part[field] = {
                            name: str(quantity.of(amount)) for name, amount in sorted(amounts.items())
                        }
        except quantity.QuantityError as error:
            kind = self.resource.kind
            text = f'{kind} in version "{self.resource.version}" cannot be handled as a {kind}: {error}'
            raise status.bad_request(text) from None

    def default(self, obj: Object) -> None:
        if "spec" not in obj:
            reported = obj.pop("status", None)
            obj["spec"] = {}
            if reported is not None:
                obj["status"] = reported

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        return _amounts(spec.get("hard") or {}, "spec.hard") + _scopes(spec)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.validate(new)
        scopes = new["spec"].get("scopes") or []
        if set(scopes) != set(old["spec"].get("scopes") or ()):
            errors.append(validation.invalid_value("spec.scopes", scopes or None, "field is immutable"))
        selector = new["spec"].get("scopeSelector")
        if selector != old["spec"].get("scopeSelector"):
            errors.append(validation.invalid_value("spec.scopeSelector", selector, "field is immutable"))
        return errors

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        reported = new.get("status") or {}
        errors = _amounts(reported.get("hard") or {}, "status.hard")
        return errors + _amounts(reported.get("used") or {}, "status.used")

    def row(self, obj: Object, now: datetime) -> list[Any]:
        metadata, reported = obj["metadata"], obj.get("status") or {}
        used = reported.get("used") or {}
        cells = [
            (name.startswith("limits."), f"{name}: {used.get(name, '0')}/{amount}")
            for name, amount in sorted((reported.get("hard") or {}).items())
        ]
        return [
            metadata["name"],
            ", ".join(cell for limit, cell in cells if not limit),
            ", ".join(cell for limit, cell in cells if limit),
            duration.age(metadata.get("creationTimestamp"), now),
        ]


def _amounts(amounts: Mapping[str, str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, amount in amounts.items():
        at = f"{path}[{name}]"
        errors += [validation.invalid_value(at, name, message) for message in names.qualified_name(name)]
        if "/" not in name and name not in STANDARD:
            errors.append(validation.invalid_value(at, name, "must be a standard resource for quota"))
        nanos = quantity.of(amount).nanos
        if nanos < 0:
            errors.append(validation.invalid_value(at, amount, "must be greater than or equal to 0"))
        if name in COUNTED and nanos % quantity.NANO:
            errors.append(validation.invalid_value(at, amount, "must be an integer"))
    return errors


def _scopes(spec: Object) -> list[FieldError]:
    path, scopes = "spec.scopes", spec.get("scopes") or []
    messages = []
    for scope in scopes:
        fitting = SCOPES.get(scope)
        if fitting is None:
            messages.append("unsupported scope")
        messages += [
            "unsupported scope applied to resource"
            for name in spec.get("hard") or ()
            if name in STANDARD and name not in (fitting or frozenset())
        ]
    messages += ["conflicting scopes" for pair in _CONFLICTS if set(pair) <= set(scopes)]
    return [validation.invalid_value(path, scopes, message) for message in messages]
