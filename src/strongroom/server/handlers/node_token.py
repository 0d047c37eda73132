"""POST to `nodes/‹name›/token`: a machine becomes a node, or a node renews its tokens.

Nobody takes the name of a Node that is there: its key, whose digest stands on the Node, is asked for. And a
bootstrap token makes so many Nodes and no more: each has a subnet of the cluster's.
"""

import functools
import hmac
from collections import Counter
from typing import Any, Final, NamedTuple

import orjson

from strongroom.api import node_joining, resources
from strongroom.api.core.v1 import bootstrap_token
from strongroom.machinery import addresses, duration, status
from strongroom.machinery.gvk import Object
from strongroom.registry.catalog import Catalog
from strongroom.registry.generic import Registry
from strongroom.server import responses
from strongroom.server.authorization import node as nodes
from strongroom.server.endpoint import Endpoint
from strongroom.server.handlers import forms, options
from strongroom.server.node_tokens.tokens import NodeTokens
from strongroom.server.request import Request

MAX_BODY: Final = 4096
NODES_OF_A_TOKEN: Final = 100
"""That are there at once. Whoever has more machines makes another token."""


def endpoint(tokens: NodeTokens, catalog: Catalog) -> Endpoint:
    joining: Counter[str] = Counter()
    handler = functools.partial(create, tokens=tokens, catalog=catalog, joining=joining)
    return Endpoint(resources.NODES, node_joining.SUBRESOURCE, {"create": handler})


async def create(request: Request, *, tokens: NodeTokens, catalog: Catalog, joining: Counter[str]) -> None:
    """`joining`: how many Nodes are being made with each token. Raises StatusError 400, 403, 409, 422."""
    name = request.info.name
    if options.write(request, "CreateOptions").dry_run:
        raise status.bad_request("a node's token can't be asked for on trial")
    form = forms.one(request)
    spec = _spec(await request.body())
    joins = nodes.GROUP not in request.user.groups
    token_id = ""
    if joins and request.user.name.startswith(bootstrap_token.USER_PREFIX):
        token_id = request.user.name.removeprefix(bootstrap_token.USER_PREFIX)
    joining[token_id] += 1
    try:
        node = await _node(catalog, name, spec, token_id, joins=joins, under_way=joining[token_id])
    finally:
        joining[token_id] -= 1
        if not joining[token_id]:
            del joining[token_id]
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


async def _node(
    catalog: Catalog, name: str, spec: Spec, token_id: str, *, joins: bool, under_way: int
) -> Object:
    """The Node with that key, made if need be. Raises StatusError."""
    registry = catalog[resources.NODES]
    entry = registry.find("", name)
    if entry is None:
        if not joins:
            raise status.not_found(resources.NODES, name)
        if token_id and _made_with(registry, token_id) + under_way > NODES_OF_A_TOKEN:
            text = f"{NODES_OF_A_TOKEN} nodes have joined with this bootstrap token: make another one"
            raise status.forbidden(resources.NODES, name, text)
        annotations = {node_joining.KEY_ANNOTATION: spec.digest}
        if spec.pod_network:
            annotations[node_joining.POD_NETWORK_ANNOTATION] = spec.pod_network
        if token_id:
            annotations[node_joining.TOKEN_ANNOTATION] = token_id
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


def _made_with(registry: Registry, token_id: str) -> int:
    """How many Nodes there are that joined with this token."""
    # What the bytes don't hold needs no decoding, nor can it be held by what can't be read.
    mark = f'"{node_joining.TOKEN_ANNOTATION}":"{token_id}"'.encode()
    return sum(mark in entry.item for entry in registry.rows.entries() if not entry.error)


def _taken(name: str) -> status.StatusError:
    return status.conflict(
        resources.NODES,
        name,
        "a node of this name is there, and the machine that joined as it has another key: join under another "
        "name, or delete the Node first",
    )
