"""The node's HTTPS endpoint: exec, attach, port-forward and logs, at the kubelet's paths.

Only the API server comes here. It proves itself with a bearer token, which `authenticate` knows, and what it
asks for it has authorized.
"""

import asyncio
import shutil
import ssl
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress

import aiohttp
from aiohttp import typedefs, web

from strongroom.aio import clock as clocks
from strongroom.node.containerd import client as clients
from strongroom.node.containerd import errors as containerd_errors
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri import errors as cri_errors
from strongroom.node.settings import NodeSettings
from strongroom.node.streaming import (
    attach,
    cleanups,
    connection,
    containers,
    exec,
    log_options,
    log_reader,
    log_target,
    port_forward,
    start_gate,
)

_TRUE = {"1", "true", "True"}
_POLL = 0.1
_SHUTDOWN = 2.0
REQUEST_SECONDS = 32.0
"""For a TLS handshake, then for a whole request, be it the first or the next one: what the API server gives
its clients. Streams are requests under way, and last as long as they like."""


class StreamingServer:
    """`start` listens, `close` ends every stream (which kills what exec started) and stops listening."""

    def __init__(
        self,
        settings: NodeSettings,
        runtime: containers.Runtime,
        containerd: clients.ContainerdClient,
        pods: containers.PodLookup,
        *,
        address: str,
        authenticate: Callable[[str], Awaitable[bool]],
        ssl_context: ssl.SSLContext,
        clock: clocks.Clock,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._containerd = containerd
        self._pods = pods
        self._address = address
        self._authenticate = authenticate
        self._ssl_context = ssl_context
        self._clock = clock
        self._request_seconds = request_seconds
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._session: aiohttp.ClientSession | None = None
        self._cleanups = cleanups.Cleanups("streaming")
        self._gate = start_gate.StartGate()
        self._active: set[asyncio.Task[object]] = set()
        self.port = 0
        """The port listened on, once started."""

    async def start(self) -> None:
        """Listen; raises OSError if the address cannot be had."""
        shutil.rmtree(self._settings.streams_dir, ignore_errors=True)
        self._settings.streams_dir.mkdir(parents=True, mode=0o700)
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(
            self._application(),
            handler_cancellation=True,
            access_log=None,
            shutdown_timeout=_SHUTDOWN,
            keepalive_timeout=self._request_seconds,
        )
        await self._runner.setup()
        assert self._runner.server is not None
        # Not a site of aiohttp's: that leaves handshakes a minute.
        self._listening = await asyncio.get_running_loop().create_server(
            self._runner.server,
            self._address,
            self._settings.streaming_port,
            ssl=self._ssl_context,
            ssl_handshake_timeout=self._request_seconds,
        )
        self.port = int(self._listening.sockets[0].getsockname()[1])

    async def close(self) -> None:
        for task in self._active:
            task.cancel()
        if self._active:
            await asyncio.wait(self._active, timeout=_SHUTDOWN)
        if self._listening is not None:
            self._listening.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._cleanups.aclose(_SHUTDOWN)
        if self._session is not None:
            await self._session.close()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/exec/{namespace}/{pod}/{container}", self._exec)
        application.router.add_get("/attach/{namespace}/{pod}/{container}", self._attach)
        application.router.add_get("/portForward/{namespace}/{pod}", self._port_forward)
        application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
        """Who has no good token gets nothing; who has one gets errors as sentences, never as tracebacks."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not await self._authenticate(token.strip()):
            return web.Response(status=401, text="Unauthorized")
        task = asyncio.current_task()
        assert task is not None
        self._active.add(task)
        task.add_done_callback(self._active.discard)
        try:
            return await handler(request)
        except log_target.NoLogError as error:
            return web.Response(status=400, text=str(error))
        except cri_errors.NotFoundError as error:
            return web.Response(status=404, text=str(error))
        except port_forward.UnreachableError as error:
            return web.Response(status=500, text=str(error))
        except (cri_errors.CRIError, containerd_errors.ContainerdError) as error:
            return web.Response(status=500, text=str(error))

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        command = query.getall("command", [])
        if not command:
            raise web.HTTPBadRequest(text="you must specify at least one command")
        streams = _streams(request)
        container_id = await self._running(request)
        peer = await connection.accept(request)
        asked = exec.Request(container_id, command, **streams)
        await exec.Exec(
            self._containerd, asked, peer, self._settings.streams_dir, self._gate, self._cleanups
        ).run()
        return peer.response

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        streams = _streams(request)
        container_id = await self._running(request)
        peer = await connection.accept(request)
        assert self._session is not None
        await attach.Attach(self._runtime, self._session, attach.Request(container_id, **streams), peer).run()
        return peer.response

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        namespace, pod = request.match_info["namespace"], request.match_info["pod"]
        sandbox_id = await containers.ready_sandbox(self._runtime, namespace, pod)
        if sandbox_id is None:
            raise web.HTTPNotFound(text=f'pod not found ("{pod}_{namespace}")')
        protocol = connection.choose(request, port_forward.PROTOCOLS)
        ports = [int(port) for port in request.query.getall("port", [])]
        url = await self._runtime.port_forward(sandbox_id, ports)
        assert self._session is not None
        async with port_forward.connect(self._session, url, protocol) as peer:
            websocket = await connection.upgrade(request, protocol)
            await port_forward.forward(websocket, peer)
        return websocket

    async def _running(self, request: web.Request) -> str:
        namespace, pod, container = _names(request)
        found = await containers.running(self._runtime, namespace, pod, container)
        if found is None:
            raise web.HTTPInternalServerError(text=f'container not found ("{container}")')
        return found

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        try:
            options = log_options.parse(request.query, self._clock.now())
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        container_id = await self._log_source(request, previous=options.previous)
        status = await self._runtime.container_status(container_id)
        path = containers.log_path(status)
        if not path.exists():
            raise web.HTTPNotFound(text="the log of the container has been removed")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        with suppress(ConnectionError, FileNotFoundError):
            async with aclosing(
                log_reader.read(path, options, lambda: self._until_written(container_id))
            ) as chunks:
                async for chunk in chunks:
                    await response.write(chunk)
            await response.write_eof()
        return response

    async def _log_source(self, request: web.Request, *, previous: bool) -> str:
        namespace, name, container = _names(request)
        pod = self._pods(namespace, name)
        if pod is not None:
            return log_target.choose(pod, container, previous=previous)
        return await containers.for_log(self._runtime, namespace, name, container, previous=previous)

    async def _until_written(self, container_id: str) -> None:
        """Wait until a container has ended and the runtime has written down all of its output."""
        with suppress(containerd_errors.ContainerdError):
            await self._containerd.wait(container_id, "")
        while True:
            try:
                status = await self._runtime.container_status(container_id)
            except cri_errors.NotFoundError:
                return
            except cri_errors.CRIError:
                await asyncio.sleep(_POLL)
                continue
            if status.state != pb.ContainerState.CONTAINER_RUNNING:
                return
            await asyncio.sleep(_POLL)


def _names(request: web.Request) -> tuple[str, str, str]:
    info = request.match_info
    return info["namespace"], info["pod"], info["container"]


def _streams(request: web.Request) -> dict[str, bool]:
    """The streams that the query asks for; 400 unless there is one."""
    query = request.query
    tty = query.get("tty") in _TRUE
    streams = {
        "stdin": query.get("input") in _TRUE,
        "stdout": query.get("output") in _TRUE,
        "stderr": query.get("error") in _TRUE and not tty,
        "tty": tty,
    }
    if not (streams["stdin"] or streams["stdout"] or streams["stderr"]):
        raise web.HTTPBadRequest(text="you must specify at least 1 of stdin, stdout, stderr")
    return streams
