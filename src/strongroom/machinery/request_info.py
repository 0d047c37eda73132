"""Who asks what: a request's path and query in the API's words.

Source of the rules: Kubernetes API concepts ("Resource URIs"), `apiserver/pkg/endpoints/request`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class UserInfo:
    """The authenticated subject of a request."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class RequestInfo(NamedTuple):
    """What authorization and audit see of a request. Resource parts are "" for non-resource requests.

    `verb`: get list watch create update patch delete deletecollection, or the lower-case method for
    non-resource requests. `name` is also set by `fieldSelector=metadata.name=x` on list and watch.
    The selectors are those of list, watch and deletecollection, as they came.
    """

    is_resource: bool
    verb: str
    path: str
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""
