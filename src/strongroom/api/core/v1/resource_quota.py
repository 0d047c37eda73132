"""ResourceQuota: how much of what a namespace may hold. Its status says how much there is.

Rules: Kubernetes' "Resource Quotas" page and `ValidateResourceQuota`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from strongroom.api import resources
from strongroom.api.core.v1 import resource_names
from strongroom.api.strategy import AGE, NAME, Column, Strategy, Subresource
from strongroom.machinery import duration, quantity, status, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.validation import FieldError

_OF_PODS = frozenset((*resource_names.COMPUTE, "pods"))
_POD_SCOPES = ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity")
SCOPES: Mapping[str, frozenset[str]] = {
    "BestEffort": frozenset(("pods",)),
    **dict.fromkeys(_POD_SCOPES, _OF_PODS),
    "VolumeAttributesClass": frozenset(("persistentvolumeclaims", "requests.storage")),
}
"""The resources that each scope can be applied to."""
_EXIST_ONLY = frozenset(
    ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
)
_MUST_EXIST = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
    "ResourceQuotaScopeCrossNamespacePodAffinity"
)
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
        """Amounts in whole thousandths. Raises StatusError 400 for one that can't be read."""
        parts = [(obj.get("spec") or {}, ("hard",)), (obj.get("status") or {}, ("hard", "used"))]
        try:
            for part, fields in parts:
                for field in fields:
                    if amounts := part.get(field):
                        part[field] = {
                            name: quantity.rounded(amount) for name, amount in sorted(amounts.items())
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
        return _amounts(spec.get("hard") or {}, "spec.hard") + _scopes(spec) + _selector(spec)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.validate(new)
        scopes = new["spec"].get("scopes") or []
        if set(scopes) != set(old["spec"].get("scopes") or ()):
            errors.append(validation.invalid_value("spec.scopes", scopes or None, "field is immutable"))
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
        errors += resource_names.validate_of_quota(name, at)
        errors += resource_names.validate_amount(name, amount, at)
    return errors


def _misfits(scope: str, spec: Object) -> list[str]:
    """The standard resources that the scope can't be applied to."""
    fitting = SCOPES.get(scope)
    if fitting is None:
        return []
    return [name for name in spec.get("hard") or () if name in resource_names.QUOTA and name not in fitting]


def _scopes(spec: Object) -> list[FieldError]:
    scopes = spec.get("scopes") or []
    messages = []
    for scope in scopes:
        if scope not in SCOPES:
            messages.append("unsupported scope")
        messages += ["unsupported scope applied to resource" for _ in _misfits(scope, spec)]
    messages += _conflicts(scopes)
    return [validation.invalid_value("spec.scopes", scopes, message) for message in messages]


def _conflicts(scopes: Sequence[str]) -> list[str]:
    return ["conflicting scopes" for pair in _CONFLICTS if set(pair) <= set(scopes)]


def _selector(spec: Object) -> list[FieldError]:
    selector = spec.get("scopeSelector")
    path = "spec.scopeSelector.matchExpressions"
    errors: list[FieldError] = []
    expressions = (selector or {}).get("matchExpressions") or ()
    shown = {"MatchExpressions": [_internal(expression) for expression in expressions]}
    for expression in expressions:
        scope, operator = expression.get("scopeName", ""), expression.get("operator", "")
        values = expression.get("values") or []
        if scope not in SCOPES:
            errors.append(validation.invalid_value(f"{path}.scopeName", scope, "unsupported scope"))
        errors += [
            validation.invalid_value(path, shown, "unsupported scope applied to resource")
            for _ in _misfits(scope, spec)
        ]
        if scope in _EXIST_ONLY and operator != "Exists":
            errors.append(validation.invalid_value(f"{path}.operator", operator, _MUST_EXIST))
        if operator in ("In", "NotIn"):
            if not values:
                text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                errors.append(validation.required(f"{path}.values", text))
        elif operator not in ("Exists", "DoesNotExist"):
            errors.append(
                validation.invalid_value(f"{path}.operator", operator, "not a valid selector operator")
            )
        elif values:
            text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            errors.append(validation.invalid_value(f"{path}.values", values, text))
    conflicts = _conflicts([expression.get("scopeName", "") for expression in expressions])
    return errors + [validation.invalid_value(path, spec.get("scopes"), message) for message in conflicts]


def _internal(expression: Object) -> Object:
    """In the field names of Go's internal type."""
    return {
        "ScopeName": expression.get("scopeName", ""),
        "Operator": expression.get("operator", ""),
        "Values": expression.get("values"),
    }
