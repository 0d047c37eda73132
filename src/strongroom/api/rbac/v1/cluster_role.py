"""ClusterRole: rights everywhere, or wherever a RoleBinding names it; and rights on paths."""

from strongroom.api import resources
from strongroom.api.rbac.v1 import rules
from strongroom.api.strategy import Strategy
from strongroom.machinery import label_selector, names, validation
from strongroom.machinery.gvk import Object
from strongroom.machinery.update_causes import Check
from strongroom.machinery.validation import FieldError


class ClusterRoleStrategy(Strategy):
    """`/apis/rbac.authorization.k8s.io/v1/clusterroles`."""

    resource = resources.CLUSTER_ROLES
    update_checks = (Check.WHOLE, Check.OWN, Check.CHANGE)
    singular = "clusterrole"
    creates_on_update = True

    def default(self, obj: Object) -> None:
        if "rules" not in obj:
            # The field is written even when there is no rule, and before the aggregation rule.
            aggregation = obj.pop("aggregationRule", None)
            obj["rules"] = None
            if aggregation is not None:
                obj["aggregationRule"] = aggregation

    def validate(self, obj: Object) -> list[FieldError]:
        errors = rules.validate(obj, namespaced=False)
        aggregation = obj.get("aggregationRule")
        if aggregation is None:
            return errors
        path = "aggregationRule.clusterRoleSelectors"
        selectors = aggregation.get("clusterRoleSelectors")
        if not selectors:
            text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            errors.append(validation.required(path, text))
        for index, selector in enumerate(selectors or ()):
            broken = label_selector.validate(selector, f"{path}[{index}]")
            errors += broken
            if broken:
                errors.append(validation.invalid_value(f"{path}[{index}]", None, "invalid label selector."))
        return errors

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return names.path_segment(name, prefix=prefix)
