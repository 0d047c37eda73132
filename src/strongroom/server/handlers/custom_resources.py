"""There are no custom resources, and who asks is told so.

kubectl looks for a kind that it does not know among the CustomResourceDefinitions, and takes any answer but a
list for a failure that hides its own message.
"""

from typing import Final

from strongroom.machinery.gvk import Object, Resource
from strongroom.server import responses
from strongroom.server.endpoint import Endpoint
from strongroom.server.handlers import forms
from strongroom.server.request import Request

DEFINITIONS: Final = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)
_NONE: Final[Object] = {
    "kind": "CustomResourceDefinitionList",
    "apiVersion": DEFINITIONS.api_version,
    "metadata": {"resourceVersion": "1"},
    "items": [],
}


def endpoint() -> Endpoint:
    """The empty list; it is in no discovery document, as nothing can be made there."""
    return Endpoint(DEFINITIONS, "", {"list": _list})


async def _list(request: Request) -> None:
    await responses.decoded(request, 200, _NONE, forms.many(request))
