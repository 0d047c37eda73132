"""Shims that no pod has: what is left when an agent or its containerd is killed while a sandbox starts.

Without the agent the call is cut off with its connection, and containerd takes back what it has done so
far; at some moments it forgets the shim it has just started, and the container in it. A containerd that is
killed has at some moments not yet written down what it has started. Nobody would ever end them.
"""

import asyncio
import contextlib
import logging
import shutil
import signal
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from strongroom.node.containerd import client as clients
from strongroom.node.containerd import leftovers, mounts, process
from strongroom.node.cri.errors import CRIError
from strongroom.node.cri.protocol import CRI
from strongroom.node.settings import NodeSettings

GRACE = 10.0
"""Seconds for containerd to clean up by itself."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shim:
    """A shim of our containerd: of the sandbox `id`, whether or not that has ever been."""

    id: str
    pid: int
    started: str


async def sweep(
    settings: NodeSettings,
    cri: CRI,
    suspects: Collection[Shim],
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> list[str]:
    """End those of the suspects that no pod has; the ids they had.

    Suspects are the `shims` found when an agent starts, or a containerd again: nobody still starts those.
    """
    if not suspects:
        return []
    try:
        if not await _unknown(cri, suspects):
            return []
        await sleep(GRACE)
        orphans = await _unknown(cri, suspects)
    except CRIError as error:
        _log.warning("shims that no pod has are not looked for: %s", error)
        return []
    removed = [shim.id for shim in orphans if await asyncio.to_thread(_remove, settings, shim)]
    for sandbox in removed:
        _log.info("a shim that no pod has was ended: %s", sandbox)
    return removed


async def _unknown(cri: CRI, suspects: Collection[Shim]) -> list[Shim]:
    known = {sandbox.id for sandbox in await cri.list_pod_sandboxes({})}
    return sorted((shim for shim in suspects if shim.id not in known), key=lambda shim: shim.id)


def shims(settings: NodeSettings) -> Iterator[Shim]:
    """All shims of the node's own containerd."""
    for held in leftovers.ours(settings, "containerd-shim-runc-v2", str(settings.containerd_socket)):
        words = process.arguments(held.pid)
        started = process.start_time(held.pid)
        held.close()
        # What someone runs beside the pods, in a namespace of their own, is theirs.
        if started and _value(words, "-namespace") == clients.NAMESPACE and (name := _value(words, "-id")):
            yield Shim(name, held.pid, started)


def _value(words: Sequence[str], flag: str) -> str:
    """What follows a flag on a command line; "" if it is not there."""
    return words[words.index(flag) + 1] if flag in words[:-1] else ""


def _remove(settings: NodeSettings, shim: Shim) -> bool:
    """End it with all that it has started; whether it was still there."""
    held = process.Process.adopt(shim.pid)
    if held is None:
        return False
    with contextlib.closing(held):
        if process.start_time(shim.pid) != shim.started:
            return False
        leftovers.delete_containers(settings, shim.id)
        held.send_signal(signal.SIGKILL)
    bundle = settings.containerd_run_dir / "state" / "io.containerd.runtime.v2.task"
    directory = bundle / clients.NAMESPACE / shim.id
    for point in mounts.below(directory.resolve()):
        with contextlib.suppress(OSError):
            mounts.unmount(point)
    shutil.rmtree(directory, ignore_errors=True)
    return True
