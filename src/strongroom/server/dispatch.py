"""From who asks what to the handler that answers: one look-up, in tables made at the start."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from strongroom.api import resources
from strongroom.machinery import status
from strongroom.machinery.gvk import Resource
from strongroom.machinery.request_info import RequestInfo
from strongroom.registry.catalog import Catalog
from strongroom.registry.generic import Registry
from strongroom.server import negotiation, responses, version
from strongroom.server.admission.plugin import Chain
from strongroom.server.endpoint import Endpoint
from strongroom.server.filters import Handler
from strongroom.server.handlers import binding, create, delete, eviction, get, log, patch, scale, update
from strongroom.server.handlers import list as lists
from strongroom.server.handlers.apply import ApplyHandler
from strongroom.server.handlers.connect import SUBRESOURCES, ConnectHandler
from strongroom.server.handlers.watch import WatchHandler
from strongroom.server.node_connection import NodeConnector
from strongroom.server.request import Request
from strongroom.telemetry.requests import Tally

_WITHOUT_NAMESPACE = frozenset(("list", "watch"))
_COLLECTION = frozenset(("create", "list", "deletecollection"))
_PLACED = frozenset(("create", "update", "patch"))
"""Verbs whose method does not tell whether the path is an object's or a collection's."""


class PathHandler(Protocol):
    """Answers some paths that are no resources."""

    def has(self, path: str) -> bool: ...

    async def serve(self, request: Request) -> None: ...


class Route(NamedTuple):
    """A resource or subresource: its handlers by verb, and what is counted of its requests."""

    namespaced: bool
    handlers: Mapping[str, Handler]
    tally: Tally


Key = tuple[str, str, str, str]
"""Group, version, resource, subresource."""


class Dispatcher:
    """The innermost handler."""

    def __init__(
        self,
        catalog: Catalog,
        admission: Chain,
        watches: WatchHandler,
        connections: ConnectHandler,
        applies: ApplyHandler,
        nodes: NodeConnector,
        paths: Iterable[PathHandler],
        listed: Iterable[str],
        endpoints: Iterable[Endpoint] = (),
    ) -> None:
        self._catalog = catalog
        self._admission = admission
        self._watches = watches
        self._connections = connections
        self._applies = applies
        self._nodes = nodes
        self._paths = tuple(paths)
        self._listed = sorted(listed)
        self._fixed = frozenset(self._listed)
        self._routes: dict[Key, Route] = {}
        self._groups = {group for group, _ in catalog.group_versions() if group}
        for registry in catalog:
            self._add(registry)
        self._add_pods()
        self._add_scales()
        for endpoint in endpoints:
            self._groups.add(endpoint.resource.group)
            self._route(endpoint.resource, endpoint.subresource, endpoint.handlers)

    def handle(self, request: Request) -> Awaitable[None]:
        """Raises StatusError 404 and 405 for what is not served."""
        info = request.info
        if not info.is_resource:
            return self._other(request)
        route = self._routes.get((info.group, info.version, info.resource, info.subresource))
        if route is None:
            return self._unknown(request)
        request.tally = route.tally
        handler = route.handlers.get(info.verb)
        if handler is None or (info.namespace == "") is route.namespaced or info.verb in _PLACED:
            _check(request, route)
            if handler is None:
                raise status.method_not_allowed()
        return handler(request)

    def serves(self, info: RequestInfo) -> bool:
        """Whether there is such a resource, or such a path, whatever may be asked of it."""
        if info.is_resource:
            return (info.group, info.version, info.resource, info.subresource) in self._routes
        return info.path in self._fixed

    # ---- tables ----

    def _add(self, registry: Registry) -> None:
        chain, main, creator = self._admission, registry.main, self._applies.creator
        possible: dict[str, Handler] = {
            "get": lambda request: get.get(request, registry),
            "list": lambda request: lists.list_objects(request, registry),
            "watch": lambda request: self._watches.watch(request, registry),
            "create": lambda request: create.create(request, registry, chain),
            "update": lambda request: update.update(request, registry, chain, main, creator),
            "patch": lambda request: patch.patch(request, registry, chain, main, self._applies),
            "delete": lambda request: delete.delete(request, registry, chain),
            "deletecollection": lambda request: delete.delete_collection(request, registry, chain),
        }
        served = {verb: handler for verb, handler in possible.items() if verb in registry.strategy.verbs}
        if text := registry.strategy.deprecation:
            served = {verb: _warning(handler, text) for verb, handler in served.items()}
        self._route(registry.resource, "", served)
        for name, rules in registry.subresources.items():
            part: dict[str, Handler] = {
                "get": lambda request: get.get(request, registry),
                "update": lambda request, rules=rules: update.update(  # type: ignore[misc]
                    request, registry, chain, rules, creator
                ),
                "patch": lambda request, rules=rules: patch.patch(  # type: ignore[misc]
                    request, registry, chain, rules, self._applies
                ),
            }
            verbs = next(sub.verbs for sub in registry.strategy.subresources if sub.name == name)
            self._route(registry.resource, name, {verb: part[verb] for verb in verbs})

    def _add_pods(self) -> None:
        pods = self._catalog[resources.PODS]

        def bind(request: Request) -> Awaitable[None]:
            return binding.bind(request, self._catalog)

        self._route(pods.resource, "binding", {"create": bind})
        self._routes["", "v1", "bindings", ""] = Route(True, {"create": bind}, {})
        self._route(
            pods.resource,
            eviction.SUBRESOURCE,
            {"create": lambda request: eviction.evict(request, self._catalog, self._admission)},
        )
        self._route(
            pods.resource, "log", {"get": lambda request: log.log(request, self._catalog, self._nodes)}
        )
        for name in SUBRESOURCES:
            connect: Callable[[Request], Awaitable[None]] = self._connections.connect
            self._route(pods.resource, name, {"get": connect, "create": connect})

    def _add_scales(self) -> None:
        chain = self._admission
        for resource, registry in self._catalog.scales.items():
            rules = registry.main
            handlers: dict[str, Handler] = {
                "get": lambda request, registry=registry: scale.get(request, registry),  # type: ignore[misc]
                "update": lambda request, registry=registry, rules=rules: update.update(  # type: ignore[misc]
                    request, registry, chain, rules, self._applies.creator
                ),
                "patch": lambda request, registry=registry, rules=rules: patch.patch(  # type: ignore[misc]
                    request, registry, chain, rules, self._applies
                ),
            }
            self._route(resource, "scale", handlers)

    def _route(self, resource: Resource, subresource: str, handlers: Mapping[str, Handler]) -> None:
        key = (resource.group, resource.version, resource.plural, subresource)
        self._routes[key] = Route(resource.namespaced, handlers, {})

    # ---- what is no resource ----

    async def _other(self, request: Request) -> None:
        path = request.path
        for handler in self._paths:
            if handler.has(path):
                await handler.serve(request)
                return
        if path.rstrip("/") == version.PATH:
            await version.serve(request)
        elif path == "/":
            await responses.decoded(request, 200, {"paths": self._listed}, negotiation.INDENTED)
        else:
            await self._unknown(request)

    async def _unknown(self, request: Request) -> None:
        """Below a group that is served, whatever version and whatever it may be, there is a Status."""
        root, _, below = request.path[1:].partition("/")
        if root == "api" or (root == "apis" and below.partition("/")[0] in self._groups):
            raise status.unknown_path()
        await _page_not_found(request)


def _check(request: Request, route: Route) -> None:
    """Raises StatusError 404, 405 when the path's namespace or name is not as resource and verb need it."""
    info = request.info
    if not info.subresource and info.verb in _PLACED and (info.name == "") is not (info.verb == "create"):
        raise status.method_not_allowed()
    if route.namespaced and not info.namespace:
        if info.verb in _WITHOUT_NAMESPACE and not info.subresource:
            return
        if info.verb in _COLLECTION:
            raise status.method_not_allowed()
        raise status.unknown_path()
    if not route.namespaced and info.namespace and info.resource != resources.NAMESPACES.plural:
        raise status.unknown_path()


def _warning(handler: Handler, text: str) -> Handler:
    def handle(request: Request) -> Awaitable[None]:
        request.warnings.append(text)
        return handler(request)

    return handle


async def _page_not_found(request: Request) -> None:
    await responses.text(request, 404, "404 page not found\n", [(b"x-content-type-options", b"nosniff")])
