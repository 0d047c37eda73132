"""What controllers keep in memory of Deployments and ReplicaSets: all but the template, which has a digest.

Templates are most of such an object, and are needed only when something is made of them; then the API is
asked. So a thousand workloads at rest are a few megabytes.
"""

from strongroom.api.apps.v1 import restart_on_change
from strongroom.controllers import pod_template
from strongroom.machinery.gvk import Object

DIGEST = "templateDigest"
LABELS = "templateLabels"
USES = "secretUses"
"""What Pods read of Secrets only once, by Secret; of workloads that want a restart when that changes."""
RESTARTED_AT = "restartedAt"
"""The mark of such a restart in the template."""
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def reduce(workload: Object) -> Object:
    """Without managedFields; `spec.template` is replaced by its digest and its labels, beside `spec`."""
    spec = workload.get("spec") or {}
    template = spec.get("template") or {}
    kept = {
        "kind": workload.get("kind", ""),
        "apiVersion": workload.get("apiVersion", ""),
        "metadata": _metadata(workload["metadata"]),
        "spec": {key: value for key, value in spec.items() if key != "template"},
        "status": workload.get("status") or {},
        DIGEST: pod_template.digest(template),
        LABELS: (template.get("metadata") or {}).get("labels") or {},
    }
    if restart_on_change.opted_in(workload):
        annotations = (template.get("metadata") or {}).get("annotations") or {}
        kept[USES] = restart_on_change.uses(workload)
        kept[RESTARTED_AT] = annotations.get(restart_on_change.RESTARTED_AT, "")
    return kept


def _metadata(metadata: Object) -> Object:
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    annotations = kept.get("annotations")
    if annotations and _LAST_APPLIED in annotations:
        kept["annotations"] = {key: value for key, value in annotations.items() if key != _LAST_APPLIED}
    return kept
