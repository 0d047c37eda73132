"""`strongroom node`: this machine as a node of an API server elsewhere, from joining to SIGTERM."""

import asyncio
import logging
import signal
import socket
import ssl

from strongroom.aio import tls
from strongroom.aio.clock import SystemClock
from strongroom.aio.tasks import TaskGroup
from strongroom.client import authority
from strongroom.client.http import HTTPTransport
from strongroom.client.response import ConnectionFailed
from strongroom.client.rest import Client
from strongroom.cmd import data_dir, node_runner, notify, pki, serving
from strongroom.cmd.membership import JoinError, Membership
from strongroom.cmd.node_command import RemoteSettings
from strongroom.node.containerd import daemon, network
from strongroom.node.settings import NodeSettings

_log = logging.getLogger(__name__)
FAILURES = (data_dir.InUse, JoinError, node_runner.NodeError)
"""What can go wrong, each with a text that is one line for the user."""


def main(settings: RemoteSettings) -> int:
    """Run until asked to stop; the exit code: 0 stopped when asked, 1 could not join, start or go on."""
    return serving.run(settings.data_dir, lambda place: _run(settings, place), FAILURES)


async def _run(settings: RemoteSettings, place: data_dir.DataDir) -> int:
    loop, main_task = asyncio.get_running_loop(), asyncio.current_task()
    assert main_task is not None
    asked = asyncio.Event()

    def stop() -> None:
        asked.set()
        main_task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await _serve(settings, place)
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
    finally:
        notify.notify("STOPPING=1")
    return 0


async def _serve(settings: RemoteSettings, place: data_dir.DataDir) -> None:
    clock = SystemClock()
    node_settings = _node_settings(settings, place)
    node_runner.check(node_settings)
    trust = tls.trust(cadata=(await _authority(settings)).decode())
    restarts = _Restarts()
    membership = Membership(
        place.root / "credentials",
        settings.server,
        settings.node_name,
        settings.token_file,
        lambda: HTTPTransport(settings.server, ssl_context=trust),
        clock,
        restarts.ask,
        pod_network=_wish(node_settings),
    )
    try:
        await _verified(settings, trust)
        await membership.start()
        async with TaskGroup("membership", describe_errors=False) as group:
            group.spawn("keep", membership.keep())
            while True:
                runner = node_runner.NodeRunner(
                    node_settings,
                    Client(membership.transport, "strongroom-node"),
                    proxy=Client(membership.proxy, "strongroom-node-proxy"),
                    certificate_for=lambda names: pki.self_signed(
                        place.node / "pki", "node", names, clock.now()
                    ),
                    api=settings.api,
                    clock=clock,
                    ready=lambda: _announce(settings),
                )
                await restarts.run(runner)
    finally:
        await membership.aclose()


class _Restarts:
    """Ends a run of the node when its Node is another one: that is registered from the start. Containers run
    on meanwhile."""

    def __init__(self) -> None:
        self._scope: asyncio.Timeout | None = None

    def ask(self) -> None:
        if self._scope is not None:
            self._scope.reschedule(0)

    async def run(self, runner: node_runner.NodeRunner) -> None:
        """Until asked for another run. Raises NodeError."""
        try:
            async with asyncio.timeout(None) as self._scope:
                await runner.run()
        except TimeoutError:
            if self._scope is None or not self._scope.expired():
                raise


def _node_settings(settings: RemoteSettings, place: data_dir.DataDir) -> NodeSettings:
    return NodeSettings(
        node_name=settings.node_name,
        data_dir=place.node,
        run_dir=settings.run_dir,
        runtime_endpoint=settings.runtime_endpoint,
        registry_config_dir=settings.registry_config,
        pause_image=settings.pause_image,
        node_ip=settings.node_ip or _own_address(settings.api),
        streaming_port=settings.port,
        heartbeat=settings.heartbeat,
        image_credential_config=settings.images.credential_config,
        image_verification=settings.images.verification,
        pod_pids_limit=settings.pod_pids_limit,
    )


def _wish(settings: NodeSettings) -> str:
    """A subnet that is free on this machine; with a runtime that is not ours: none."""
    if not settings.owns_containerd:
        return ""
    return str(network.load_or_choose(*daemon.network_place(settings)).subnet)


def _own_address(api: tuple[str, int]) -> str:
    """The address that this machine has towards the server. Raises JoinError."""
    host, port = api
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)
    except OSError as error:
        raise JoinError(f"--server: {host}: {error.strerror or error}") from None
    return network.host_address((str(found[0][4][0]),))


async def _authority(settings: RemoteSettings) -> bytes:
    """The cluster's certificate authority, in PEM. Raises JoinError; waits for a server that is away."""
    if settings.ca_file is not None:
        pem = _ca_file(settings)
        if settings.ca_cert_hash and authority.key_hash(pem) != settings.ca_cert_hash:
            raise JoinError(f"--ca-file: {settings.ca_file}: its key has another hash than --ca-cert-hash")
        return pem
    told = False
    while True:
        try:
            return await authority.fetch(settings.server, settings.ca_cert_hash)
        except authority.UntrustedError as error:
            raise JoinError(str(error)) from None
        except ConnectionFailed as error:
            if not told:
                _log.warning("waiting for the server: %s", error)
            told = True
            await asyncio.sleep(1.0)


def _ca_file(settings: RemoteSettings) -> bytes:
    path = settings.ca_file
    assert path is not None
    try:
        pem = path.read_bytes()
        authority.key_hash(pem)
    except OSError as error:
        raise JoinError(f"--ca-file: {path}: {error.strerror}") from None
    except ValueError:
        raise JoinError(f"--ca-file: {path}: not a certificate in PEM") from None
    return pem


async def _verified(settings: RemoteSettings, trust: ssl.SSLContext) -> None:
    """Raises JoinError for a server that the authority does not vouch for; one that is away may be."""
    host, port = settings.api
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port, ssl=trust), 10)
        writer.close()
    except ssl.SSLCertVerificationError as error:
        raise JoinError(
            f"{settings.server} is not who it should be: {error.verify_message} (the server's --listen and "
            "--tls-san tell for which names its certificate is made)"
        ) from None
    except (OSError, TimeoutError):
        return


def _announce(settings: RemoteSettings) -> None:
    where = f"{settings.server}, data {settings.data_dir}"
    print(f"strongroom node is ready: {settings.node_name} ({where})", flush=True)  # noqa: T201
    notify.notify("READY=1")
