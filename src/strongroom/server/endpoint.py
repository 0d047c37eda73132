"""What is served without a registry behind it."""

from collections.abc import Mapping
from typing import NamedTuple

from strongroom.machinery.gvk import Resource
from strongroom.server.filters import Handler


class Endpoint(NamedTuple):
    """A review, or a subresource that stores nothing: its handlers by verb."""

    resource: Resource
    subresource: str
    handlers: Mapping[str, Handler]
