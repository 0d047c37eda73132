"""POST to `nodes/‹name›/token`: a machine becomes a node, or a node renews its tokens.

Nobody takes the name of a Node that is there: its key, whose digest stands on the Node, is asked for.
"""

import functools
import hmac
from typing import Any, Final, NamedTuple

import orjson

from strongroom.api import node_joining, resources
from strongroom.machinery import addresses, duration, status
from strongroom.machinery.gvk import Object
from strongroom.registry.catalog import Catalog
from strongroom.server import responses
from strongroom.server.authorization import node as nodes
from strongroom.server.endpoint import Endpoint
from strongroom.server.handlers import forms, options
from strongroom.server.node_tokens.tokens import NodeTokens
from strongroom.server.request import Request

MAX_BODY: Final = 4096


def endpoint(tokens: NodeTokens, catalog: Catalog) -> Endpoint:
    handler = functools.partial(create, tokens=tokens, catalog=catalog)
    return Endpoint(resources.NODES, node_joining.SUBRESOURCE, {"create": handler})


async def create(request: Request, *, tokens: NodeTokens, catalog: Catalog) -> None:
    """Raises StatusError 400, 403, 409, 422."""
    name = request.info.name
    if options.write(request, "CreateOptions").dry_run:
        raise status.bad_request("a node's token can't be asked for on trial")
    form = forms.one(request)
    spec = _spec(await request.body())
    node = await _node(catalog, name, spec, joins=nodes.GROUP not in request.user.groups)
    token, expires = tokens.issue(node, f"{nodes.PREFIX}{name}")
    proxy_token, _ = tokens.issue(node, node_joining.PROXY_USER)
    answer = {
        "kind": node_joining.KIND,
        "apiVersion": node_joining.API_VERSION,
        "metadata": {"name": name},
        "status": {
            "token": token,
            "proxyToken": proxy_token,
            "expirationTimestamp": duration.timestamp(expires),
        },
    }
    await responses.decoded(request, 201, answer, form)


class Spec(NamedTuple):
    """What a machine says of itself."""

    digest: str
    pod_network: str


def _spec(body: bytes) -> Spec:
    """Raises StatusError 400."""
    if len(body) > MAX_BODY:
        raise status.bad_request("the request is too long")
    try:
        given: Any = orjson.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise status.bad_request("the body is not a JSON object")
    if (given.get("apiVersion"), given.get("kind")) != (node_joining.API_VERSION, node_joining.KIND):
        raise status.bad_request(f"the body is no {node_joining.KIND} of {node_joining.API_VERSION}")
    found = given.get("spec")
    spec: dict[str, Any] = found if isinstance(found, dict) else {}
    key, wish = spec.get("key"), spec.get("podNetwork") or ""
    if not isinstance(key, str) or not node_joining.is_key(key):
        raise status.bad_request("spec.key: not at least 43 characters of base64url")
    if wish and (not isinstance(wish, str) or addresses.cidr(wish)):
        raise status.bad_request(f"spec.podNetwork: {addresses.VALID_CIDR}")
    return Spec(node_joining.key_digest(key), wish)


async def _node(catalog: Catalog, name: str, spec: Spec, *, joins: bool) -> Object:
    """The Node with that key, made if need be. Raises StatusError."""
    registry = catalog[resources.NODES]
    entry = registry.find("", name)
    if entry is None:
        if not joins:
            raise status.not_found(resources.NODES, name)
        annotations = {node_joining.KEY_ANNOTATION: spec.digest}
        if spec.pod_network:
            annotations[node_joining.POD_NETWORK_ANNOTATION] = spec.pod_network
        metadata = {"name": name, "annotations": annotations}
        node: Object = {"kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": {}}
        try:
            return (await registry.create("", node)).document.obj
        except status.StatusError as error:
            if error.code != 409 or (entry := registry.find("", name)) is None:
                raise
    known = entry.decode()
    held = (known["metadata"].get("annotations") or {}).get(node_joining.KEY_ANNOTATION) or ""
    if known["metadata"].get("deletionTimestamp") or not hmac.compare_digest(
        held.encode(), spec.digest.encode()
    ):
        raise _taken(name)
    return known


def _taken(name: str) -> status.StatusError:
    return status.conflict(
        resources.NODES,
        name,
        "a node of this name is there, and the machine that joined as it has another key: join under another "
        "name, or delete the Node first",
    )
