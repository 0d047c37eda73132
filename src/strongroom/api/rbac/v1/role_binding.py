"""RoleBinding: gives a Role, or a ClusterRole's rights in one namespace, to users."""

from strongroom.api import resources
from strongroom.api.rbac.v1.binding import BindingStrategy


class RoleBindingStrategy(BindingStrategy):
    """`/apis/rbac.authorization.k8s.io/v1/…/rolebindings`."""

    resource = resources.ROLE_BINDINGS
    singular = "rolebinding"
    creates_on_update = True
    role_kinds = ("Role", "ClusterRole")
