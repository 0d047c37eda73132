"""The source `serviceAccountToken` of projected volumes: one file with a token of the pod's account.

The token is for the containers' user alone where one is known: Kubernetes' "Projected Volumes",
"SecurityContext interactions".
"""

from collections.abc import Iterator
from typing import Final

from strongroom.machinery.gvk import Object
from strongroom.node.lookup import Sources
from strongroom.node.volumes.payload import File, Payload

_SECONDS: Final = 60 * 60
_PRIVATE: Final = 0o600


def files(source: Object, pod: Object, objects: Sources, mode: int) -> Payload:
    """The file. Raises `VolumeError`, `NotSyncedError`."""
    seconds = int(source.get("expirationSeconds") or _SECONDS)
    token = objects.service_account_token(pod, str(source.get("audience") or ""), seconds)
    owner = _user(pod)
    context = pod["spec"].get("securityContext") or {}
    if owner is not None or context.get("fsGroup") is not None:
        mode = _PRIVATE
    return {str(source.get("path", "")): File(token.encode(), mode, owner)}


def _user(pod: Object) -> int | None:
    """The user that all containers run as; None if that is not said, or not the same for all."""
    shared = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    users: set[int | None] = set()
    for container in _containers(pod["spec"]):
        own = (container.get("securityContext") or {}).get("runAsUser")
        users.add(shared if own is None else own)
    return users.pop() if len(users) == 1 else None


def _containers(spec: Object) -> Iterator[Object]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()
