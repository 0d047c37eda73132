"""Which containers lost a process because they had no memory left, for certain.

containerd learns it from an event of the kernel's, which it reads beside the end of the container: on a busy
machine the event comes after the end, or never, if the container's control group is gone by then. Such a
container would be told to have ended with `Error`. So the wrapper around the OCI runtime (`runtime_wrapper`)
reads the kernel's count itself, after the last process has ended and before the group is removed, which is
before containerd says that the container has ended.
"""

from strongroom.node.containerd.container_files import ContainerFiles


class OOMKills(ContainerFiles):
    """The notes, an empty file for each such container."""

    def happened(self, container_id: str) -> bool:
        """Whether the container, which has ended, is one of them."""
        return (self._directory / container_id).exists()
