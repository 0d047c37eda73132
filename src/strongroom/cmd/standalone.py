"""`strongroom up`: everything in one process, from start to SIGTERM."""

import asyncio
import gc
import logging
import signal

from strongroom.aio.clock import SystemClock
from strongroom.client.kubeconfig import KubeconfigError
from strongroom.cmd import (
    credentials,
    data_dir,
    encryption,
    local_node,
    notify,
    pki,
    service_account_keys,
    serving,
    storage,
    token_auth_file,
)
from strongroom.cmd.control_plane import ControlPlane
from strongroom.cmd.settings import SQLITE, Settings
from strongroom.encryption.keyring import KeyringError
from strongroom.server.listener import ListenError
from strongroom.store.engines.etcd.endpoint import EndpointError
from strongroom.store.errors import StoreError

_log = logging.getLogger(__name__)

FAILURES = (
    credentials.CredentialError,
    data_dir.InUse,
    pki.PKIError,
    service_account_keys.KeyFileError,
    token_auth_file.TokenFileError,
    KeyringError,
    EndpointError,
    KubeconfigError,
    ListenError,
    StoreError,
)
"""What can go wrong at a start, each with a text that is one line for the user."""


def main(settings: Settings) -> int:
    """Run until asked to stop; the exit code: 0 stopped when asked, 1 could not start or go on."""
    return serving.run(settings.data_dir, lambda place: _run(settings, place), FAILURES)


async def _run(settings: Settings, place: data_dir.DataDir) -> int:
    stopping = _stop_on_signals()
    clock = SystemClock()
    if settings.store != SQLITE:
        options = encryption.Options(settings.passphrase_file, settings.encryption_config)
        await storage.join(place, clock, options, settings.store)
    control_plane = ControlPlane(settings, place, clock)
    node = local_node.LocalNode(settings, place, control_plane, clock) if settings.with_node else None
    try:
        await control_plane.start()
        control_plane.run_controllers()
        _announce(settings)
        _settle_memory()
        if node is not None:
            node.start()
        await stopping.wait()
    finally:
        notify.notify("STOPPING=1")
        if node is not None:
            await node.close()
        await control_plane.close()
    return 0


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _announce(settings: Settings) -> None:
    paths = f"kubeconfig {settings.kubeconfig}, data {settings.data_dir}"
    print(f"strongroom is ready: {settings.server_url} ({paths})", flush=True)  # noqa: T201
    notify.notify("READY=1")


def _settle_memory() -> None:
    """What start-up made is there for good: keep the collector from walking it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
