"""Objects that a kube-apiserver put into the store: in protobuf, where it was not told to use JSON."""

from collections.abc import Mapping
from typing import Final

from strongroom.api import decoding, scheme
from strongroom.machinery.gvk import Resource
from strongroom.machinery.status import StatusError
from strongroom.registry import encoding

_MAGIC: Final = b"k8s\0"

_RESOURCES: Final[Mapping[str, Resource]] = {
    resource.storage_prefix: resource
    for resource, strategy in scheme.STRATEGIES.items()
    if strategy.view_of is None
}


def to_json(prefix: str, data: bytes) -> bytes:
    """The JSON of a stored value that is none. Raises ValueError, without a word of the value.

    Fields that Kubernetes has and this version does not know are not in it."""
    if not data.startswith(_MAGIC):
        raise ValueError("the stored value is neither JSON nor Kubernetes' protobuf")
    resource = _RESOURCES[prefix]
    try:
        decoded = decoding.decode(data, decoding.PROTOBUF, resource, decoding.IGNORE)
    except StatusError:
        raise ValueError(
            f"the stored value is protobuf, and not of a {resource.kind} that is known"
        ) from None
    return encoding.encode(decoded.obj)
