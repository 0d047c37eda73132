"""How volumes and environments read the Secrets, ConfigMaps and tokens that a pod names."""

from typing import Protocol

from strongroom.machinery.gvk import Object


class NotSyncedError(Exception):
    """The API has not been read yet for an object. This passes by itself.

    `str()` is what is told if it does not pass soon. `kind` is `secret`, `configmap` or `token`.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"failed to sync {kind} cache: timed out waiting for the condition")


class Objects(Protocol):
    """The objects that pods of this node use, as last seen. Answers at once; nothing is fetched.

    All raise `NotSyncedError` where the answer is not known yet. What is returned is not to be changed.
    """

    def secret(self, namespace: str, name: str) -> Object | None:
        """The Secret; None if there is none."""
        ...

    def config_map(self, namespace: str, name: str) -> Object | None:
        """The ConfigMap; None if there is none."""
        ...


class Sources(Objects, Protocol):
    """All that volumes are made of."""

    def service_account_token(self, pod: Object, audience: str, seconds: int) -> str:
        """A token of the pod's account for `audience` ("": the API's own), kept fresh from now on.

        Raises `VolumeError` where the API refuses one."""
        ...
