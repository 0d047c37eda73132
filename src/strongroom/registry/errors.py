"""What the store's errors are to a client: the one place that turns them into a Status."""

from strongroom.machinery import status
from strongroom.store import errors


def to_status(error: BaseException) -> status.StatusError | None:
    """The answer for an error of the store; None for any other. Its text holds no stored value."""
    if isinstance(error, errors.Unreadable):
        return status.internal_error(f"{error.key}: {error.reason}")
    if isinstance(error, errors.TooLarge):
        return status.StatusError(500, "", str(error))
    if isinstance(error, errors.Unavailable):
        return status.service_unavailable(f"the store is unavailable: {error}")
    if isinstance(error, errors.FutureRevision):
        return status.timeout("request did not complete within requested timeout - context deadline exceeded")
    if isinstance(error, errors.StoreError):
        return status.internal_error(str(error))
    return None
