"""What work queues are called in metrics: as in kube-controller-manager, so that its dashboards find them.

A controller that is not named here has none in Kubernetes, and its queue its own name.
"""

from collections.abc import Mapping
from typing import Final

_NAMES: Final[Mapping[str, str]] = {
    "cluster-role-aggregation": "ClusterRoleAggregator",
    "cronjob-controller": "cronjob",
    "deployment-controller": "deployment",
    "endpoint-slice": "endpoint_slice",
    "endpoints": "endpoint",
    "garbage-collector": "garbage_collector_attempt_to_delete",
    "job-controller": "job",
    "node-lifecycle": "node_lifecycle_controller",
    "pod-garbage-collector": "orphaned_pods_nodes",
    "replicaset-controller": "replicaset",
    "resource-quota": "resourcequota_primary",
    "root-ca-publisher": "root_ca_cert_publisher",
    "service-account": "serviceaccount",
    "taint-eviction": "noexec_taint_pod",
    "token-cleaner": "token_cleaner",
    "token-secrets": "serviceaccount_tokens_secret",
}


def of(controller: str) -> str:
    """The name of a controller's queue."""
    return _NAMES.get(controller, controller)
