"""ClusterRoleBinding: gives a ClusterRole, everywhere, to users."""

from strongroom.api import resources
from strongroom.api.rbac.v1.binding import BindingStrategy


class ClusterRoleBindingStrategy(BindingStrategy):
    """`/apis/rbac.authorization.k8s.io/v1/clusterrolebindings`."""

    resource = resources.CLUSTER_ROLE_BINDINGS
    singular = "clusterrolebinding"
    creates_on_update = True
    role_kinds = ("ClusterRole",)
