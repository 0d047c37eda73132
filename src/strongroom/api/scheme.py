"""The register of kinds: which strategy serves which resource."""

from collections.abc import Mapping

from strongroom.api.apps.v1 import deployment, replica_set
from strongroom.api.batch.v1 import cron_job, job
from strongroom.api.coordination.v1 import lease
from strongroom.api.core.v1 import (
    config_map,
    endpoints,
    event,
    namespace,
    node,
    resource_quota,
    secret,
    service_account,
)
from strongroom.api.core.v1.pod import strategy as pod
from strongroom.api.core.v1.service import strategy as service
from strongroom.api.delivery.v1 import secret_delivery
from strongroom.api.discovery.v1 import endpoint_slice
from strongroom.api.events.v1 import event as new_event
from strongroom.api.rbac.v1 import cluster_role, cluster_role_binding, role, role_binding
from strongroom.api.scheduling.v1 import priority_class
from strongroom.api.strategy import Strategy
from strongroom.machinery.gvk import Resource

_ALL: tuple[Strategy, ...] = (
    namespace.NamespaceStrategy(),
    secret.SecretStrategy(),
    config_map.ConfigMapStrategy(),
    service_account.ServiceAccountStrategy(),
    node.NodeStrategy(),
    pod.PodStrategy(),
    event.EventStrategy(),
    new_event.NewEventStrategy(),
    service.ServiceStrategy(),
    endpoints.EndpointsStrategy(),
    endpoint_slice.EndpointSliceStrategy(),
    resource_quota.ResourceQuotaStrategy(),
    lease.LeaseStrategy(),
    secret_delivery.SecretDeliveryStrategy(),
    deployment.DeploymentStrategy(),
    replica_set.ReplicaSetStrategy(),
    job.JobStrategy(),
    cron_job.CronJobStrategy(),
    role.RoleStrategy(),
    role_binding.RoleBindingStrategy(),
    cluster_role.ClusterRoleStrategy(),
    cluster_role_binding.ClusterRoleBindingStrategy(),
    priority_class.PriorityClassStrategy(),
)

STRATEGIES: Mapping[Resource, Strategy] = {strategy.resource: strategy for strategy in _ALL}
"""Every kind that is served."""

_BY_NAME = {(r.group, r.version, r.plural): s for r, s in STRATEGIES.items()}


def lookup(group: str, version: str, plural: str) -> Strategy | None:
    """The strategy of a resource as a URL names it."""
    return _BY_NAME.get((group, version, plural))
