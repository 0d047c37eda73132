"""The volume through which a Pod reaches the API: token, CA certificate and namespace of its account.

Rules: Kubernetes' "Configure Service Accounts for Pods" and the plugin `serviceaccount`. The token is a bound
one, which the node asks for and renews; its odd lifetime is upstream's mark for a token that was not asked
for.
"""

from collections.abc import Callable, Iterator
from typing import Final

from strongroom.machinery import meta
from strongroom.machinery.gvk import Object

MOUNT_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX: Final = "kube-api-access-"
TOKEN_SECONDS: Final = 60 * 60 + 7
ROOT_CA: Final = "kube-root-ca.crt"


def wanted(pod_spec: Object, account: Object) -> bool:
    """Whether the Pod gets it: `automountServiceAccountToken` of the Pod, else of its account, else yes."""
    for holder in (pod_spec, account):
        if (choice := holder.get("automountServiceAccountToken")) is not None:
            return bool(choice)
    return True


def mount(pod_spec: Object, generate_name: Callable[[str], str] = meta.generate_name) -> None:
    """Mounts it into every container that has nothing there yet; adds the volume when one needs it."""
    volumes = pod_spec.get("volumes") or []
    own = [volume["name"] for volume in volumes if volume.get("name", "").startswith(VOLUME_PREFIX)]
    name = own[0] if own else generate_name(VOLUME_PREFIX)
    needing = [container for container in _containers(pod_spec) if not _has_mount(container)]
    for container in needing:
        mounts = container.get("volumeMounts") or []
        added = {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}
        container["volumeMounts"] = [*mounts, added]
    if needing and not own:
        pod_spec["volumes"] = [*volumes, _volume(name)]


def _containers(pod_spec: Object) -> Iterator[Object]:
    yield from pod_spec.get("initContainers") or ()
    yield from pod_spec.get("containers") or ()


def _has_mount(container: Object) -> bool:
    return any(each.get("mountPath") == MOUNT_PATH for each in container.get("volumeMounts") or ())


def _volume(name: str) -> Object:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}
