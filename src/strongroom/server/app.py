"""The API server as an ASGI application."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from strongroom.aio import tasks
from strongroom.aio.clock import Clock
from strongroom.api import resources
from strongroom.api.openapi import OpenAPI
from strongroom.api.strategy import Strategy
from strongroom.registry.catalog import Catalog
from strongroom.server import metrics, version
from strongroom.server.access_counts import AccessCounts
from strongroom.server.admission.plugin import Chain
from strongroom.server.audit.recorder import Recorder
from strongroom.server.audit.recorder import families as audit_families
from strongroom.server.authentication import websocket_token
from strongroom.server.authentication.authenticator import Chain as Authenticators
from strongroom.server.authorization.authorizer import Authorizer
from strongroom.server.connections.peers import Peers
from strongroom.server.discovery import Discovery
from strongroom.server.dispatch import Dispatcher, PathHandler
from strongroom.server.endpoint import Endpoint
from strongroom.server.filters import Handler
from strongroom.server.filters.audit import with_audit, with_received
from strongroom.server.filters.authentication import with_authentication
from strongroom.server.filters.authorization import with_authorization
from strongroom.server.filters.deadline import with_deadline
from strongroom.server.filters.impersonation import with_impersonation
from strongroom.server.filters.max_in_flight import with_max_in_flight
from strongroom.server.filters.metrics import with_metrics
from strongroom.server.filters.panic_recovery import with_panic_recovery
from strongroom.server.filters.request_info import with_request_info
from strongroom.server.handlers.apply import ApplyHandler
from strongroom.server.handlers.connect import ConnectHandler
from strongroom.server.handlers.watch import WatchHandler
from strongroom.server.health import Check, Health
from strongroom.server.in_flight import InFlight, Limits
from strongroom.server.metrics import StorageSize
from strongroom.server.node_connection import NodeConnector
from strongroom.server.node_tokens.watches import NodeWatches
from strongroom.server.openapi import PATHS as OPENAPI_PATHS
from strongroom.server.openapi import OpenAPIDocuments
from strongroom.server.request import Message, Receive, Request, Scope, Send
from strongroom.server.request_counts import RequestCounts
from strongroom.server.watches import Watches
from strongroom.telemetry import work_queues
from strongroom.telemetry.metrics import Collect


def build_handler_chain(
    inner: Handler,
    authenticator: Authenticators,
    authorizer: Authorizer,
    requests: RequestCounts,
    in_flight: InFlight,
    access: AccessCounts,
    recorder: Recorder | None = None,
) -> Handler:
    """The order in which every request is treated, innermost first.

    Every answer is counted and on record, so metrics and audit log are outermost. Errors of all become
    answers, so recovery is next. What is asked must be known before who asks, since some paths are open; both
    before whether it is allowed; and nothing is read of a body before that. Whether there is room depends on
    who asks, and is known before any work is done.
    """
    handler = with_deadline(inner)
    handler = with_authorization(handler, authorizer, access)
    handler = with_max_in_flight(handler, in_flight)
    handler = with_impersonation(handler, authorizer)
    if recorder is not None:
        handler = with_received(handler, recorder)
    handler = with_authentication(handler, authenticator, access)
    handler = with_request_info(handler)
    handler = with_panic_recovery(handler)
    if recorder is not None:
        handler = with_audit(handler, recorder)
    return with_metrics(handler, requests)


class Part(Protocol):
    """Something with work in the background."""

    async def close(self) -> None: ...


class Application:
    """`await app(scope, receive, send)`: HTTP and WebSocket. `close` ends watches and sessions.

    `server_address`: host:port, for discovery. `ready_checks`: more names for /readyz. `endpoints` and
    `reviews`: what is served without being stored, and how it is listed. `paths`: what is no resource.
    `recorder`: the audit log. `limits`: requests at once. `parts`: are closed with it. `storage_size`: bytes
    of the database.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        authenticator: Authenticators,
        authorizer: Authorizer,
        admission: Chain,
        nodes: NodeConnector,
        clock: Clock,
        server_address: str = "127.0.0.1:6443",
        ready_checks: Mapping[str, Check] | None = None,
        endpoints: Sequence[Endpoint] = (),
        reviews: Sequence[Strategy] = (),
        paths: Sequence[PathHandler] = (),
        recorder: Recorder | None = None,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        parts: Sequence[Part] = (),
        storage_size: StorageSize | None = None,
    ) -> None:
        self._parts = parts
        self._background = tasks.TaskGroup("server", describe_errors=False)
        self._watches = Watches()
        self._connections = ConnectHandler(catalog, nodes, authorizer)
        self._nodes = nodes
        self.health = Health({"etcd": catalog.is_ready}, ready_checks or {})
        strategies = [*(registry.strategy for registry in catalog), *reviews]
        discovery = Discovery(strategies, server_address)
        requests = RequestCounts(lambda info: dispatcher.serves(info))
        self.peers = Peers()
        self._began = self.peers.began
        self.in_flight = InFlight(limits, requests, self.peers)
        self.access = access = AccessCounts()
        watching = WatchHandler(
            self._watches, NodeWatches(catalog[resources.NODES], self._background), self._background, clock
        )
        counted: tuple[Collect, ...] = (
            access.families,
            admission.durations.families,
            watching.counts.families,
            recorder.families if recorder is not None else audit_families,
            lambda: work_queues.families(clock.monotonic()),
        )
        dispatcher = Dispatcher(
            catalog,
            admission,
            watching,
            self._connections,
            ApplyHandler(authorizer),
            nodes,
            (
                self.health,
                discovery,
                OpenAPIDocuments(OpenAPI(strategies)),
                metrics.Metrics(requests, self.in_flight, catalog, counted, storage_size),
                *paths,
            ),
            [*discovery.paths, *self.health.paths, metrics.PATH, *OPENAPI_PATHS, version.PATH],
            endpoints,
        )
        self._handle = build_handler_chain(
            dispatcher.handle, authenticator, authorizer, requests, self.in_flight, access, recorder
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        self._began(scope.get("client"))
        if kind == "http":
            await self._handle(Request(scope, receive, send))
        elif kind == "websocket":
            await self._handle(Request(websocket_token.moved(scope), receive, _as_websocket(send)))

    async def close(self) -> None:
        """End watches and sessions; /readyz tells so. Other requests are still answered."""
        self.health.shutting_down = True
        self._watches.close()
        await self._connections.close()
        await self._nodes.close()
        await self._background.aclose()
        for part in self._parts:
            await part.close()


def _as_websocket(send: Send) -> Send:
    """A refused handshake is answered by messages with other names."""

    async def translated(message: Message) -> None:
        if message["type"].startswith("http."):
            message = {**message, "type": "websocket." + message["type"]}
        await send(message)

    return translated
