"""Role: rights in one namespace."""

from strongroom.api import resources
from strongroom.api.rbac.v1 import rules
from strongroom.api.strategy import Strategy
from strongroom.machinery import names
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError


class RoleStrategy(Strategy):
    """`/apis/rbac.authorization.k8s.io/v1/…/roles`."""

    resource = resources.ROLES
    update_checks = (Check.WHOLE, Check.OWN, Check.CHANGE)
    singular = "role"
    creates_on_update = True

    def default(self, obj: Object) -> None:
        # The field is written even when there is no rule.
        obj.setdefault("rules", None)

    def validate(self, obj: Object) -> list[FieldError]:
        return rules.validate(obj, namespaced=True)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return names.path_segment(name, prefix=prefix)
