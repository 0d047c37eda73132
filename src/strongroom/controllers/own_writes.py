"""What a controller wrote and its cache does not have yet."""

from strongroom.machinery.gvk import Object


class OwnWrites:
    """The newest version of each object that was written, by uid.

    A cache lags behind the API. Who decides from an object as it was before his own last change to it does
    the same again, such as starting what he has started. Versions are compared as numbers: KEP-5504.
    """

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}

    def note(self, written: Object) -> None:
        """`written`: as the API answered it."""
        metadata = written["metadata"]
        self._versions[metadata["uid"]] = int(metadata["resourceVersion"])

    def unseen(self, cached: Object) -> bool:
        """Whether `cached` is older than what was written. The newer one comes as an event."""
        metadata = cached["metadata"]
        return int(metadata["resourceVersion"]) < self._versions.get(metadata["uid"], 0)

    def forget(self, uid: str) -> None:
        """To be told of objects that are gone."""
        self._versions.pop(uid, None)
