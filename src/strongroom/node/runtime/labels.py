"""Labels and annotations by which the runtime's sandboxes and containers are found again.

They are the kubelet's, so that other tools know our containers, and all that is needed to adopt them.
"""

import hashlib

import orjson

from strongroom.machinery.gvk import Object

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"

HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
TERMINATION_MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
TERMINATION_MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
STARTED_WITH = "delivery.strongroom.dev/started-with"
"""The versions of the Secrets that are fixed in a container: `delivery.receipt.note`."""
RESOURCES = "resize.strongroom.dev/resources"
"""What a container was given when it was made: `resources.note`."""
GRACE_PERIOD = "io.kubernetes.pod.terminationGracePeriod"
CONFIG_SEEN = "kubernetes.io/config.seen"
CONFIG_SOURCE = "kubernetes.io/config.source"


def of_pod(pod: Object) -> dict[str, str]:
    """The labels that name the pod."""
    metadata = pod["metadata"]
    return {
        POD_NAME: metadata["name"],
        POD_NAMESPACE: metadata["namespace"],
        POD_UID: metadata["uid"],
    }


def of_container(pod: Object, container: Object) -> dict[str, str]:
    """The labels that name a container of the pod."""
    return {**of_pod(pod), CONTAINER_NAME: container["name"]}


def container_hash(container: Object) -> str:
    """Changes with what makes a running container another one: its name and image."""
    identity = orjson.dumps([container.get("name"), container.get("image")])
    return hashlib.sha256(identity).hexdigest()[:8]


def full_name(pod: Object) -> str:
    """`name_namespace(uid)`: how messages name a pod."""
    metadata = pod["metadata"]
    return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"


def log_directory(pod: Object) -> str:
    """`namespace_name_uid`: the name of the directory of a pod's logs."""
    metadata = pod["metadata"]
    return f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
