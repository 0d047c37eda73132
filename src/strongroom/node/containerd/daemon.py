"""A containerd of our own: started in a session of its own, adopted after a restart, brought back if it dies.

Containers belong to their shims, not to containerd: they run on while containerd is away, and it finds them
again when it starts. So neither the end of this program nor that of containerd ends a container.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Collection
from pathlib import Path

from strongroom.aio import clock as clocks
from strongroom.node.containerd import (
    config,
    leftovers,
    mounts,
    network,
    orphans,
    process,
    runtime_wrapper,
    tools,
)
from strongroom.node.cri.client import CRIClient
from strongroom.node.cri.errors import CRIError
from strongroom.node.settings import NodeSettings

_log = logging.getLogger(__name__)

_START_TIMEOUT = 30.0
_LOOK_INTERVAL = 0.005
_RETRY_DELAYS = (0.0, 0.5, 1.0, 2.0, 5.0)
_SETTLED = 60.0
_LOG_LIMIT = 8 * 1024 * 1024
_CAP_SYS_RESOURCE = 24
_PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class StartError(Exception):
    """containerd could not be started; `str()` says why in one line."""


class Daemon:
    """The node's containerd. `start`, then `supervise` until the end, then `detach`."""

    def __init__(
        self,
        settings: NodeSettings,
        found: tools.Tools,
        clock: clocks.Clock,
        pod_network: network.PodNetwork | None = None,
    ) -> None:
        """`pod_network`: None for one of this machine's own choice."""
        self._settings = settings
        self._tools = found
        self._clock = clock
        self._process: process.Process | None = None
        self.network = pod_network or network.load_or_choose(*network_place(settings))
        self.adopted = False
        """Whether `start` found a containerd running and took it over."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Have a containerd that answers: the running one if it fits, or a new one. Raises `StartError`."""
        settings = self._settings
        try:
            self._refuse_stranger()
            if not (settings.containerd_root / "io.containerd.metadata.v1.bolt").exists():
                await asyncio.to_thread(leftovers.remove, settings)
            changed = await asyncio.to_thread(self._write_configuration)
        except OSError as error:
            raise StartError(f"cannot prepare {error.filename or 'containerd'}: {error.strerror}") from error
        running = self._find_running()
        if running is not None and changed:
            _log.info("containerd's configuration has changed: restarting it, containers run on")
            await self._end(running)
        elif running is not None:
            if await self._answers():
                self._process, self.adopted = running, True
                self._write_pid_file(running.pid)
                return
            _log.warning("the containerd with pid %d does not answer: restarting it", running.pid)
            await self._end(running)
        await self._launch()

    async def supervise(self, restarted: Callable[[Collection[orphans.Shim]], object]) -> None:
        """Bring containerd back whenever it dies, until cancelled.

        `restarted` is told each time that it answers again, with the shims that the one before had started.
        """
        failures = 0
        while True:
            assert self._process is not None
            began = self._clock.monotonic()
            await self._process.wait()
            failures = 0 if self._clock.monotonic() - began > _SETTLED else failures + 1
            _log.warning("containerd ended: starting it again (its log: %s)", self._log_file)
            self._process.close()
            shims = await asyncio.to_thread(lambda: set(orphans.shims(self._settings)))
            while True:
                await asyncio.sleep(_RETRY_DELAYS[min(failures, len(_RETRY_DELAYS)) - 1 if failures else 0])
                try:
                    await self._launch()
                    break
                except StartError as error:
                    failures += 1
                    _log.error("containerd does not start: %s", error)
            restarted(shims)

    async def _end(self, running: process.Process) -> None:
        await running.terminate()
        running.close()

    def detach(self) -> None:
        """Leave containerd and its containers running, for the next start to adopt."""
        if self._process is not None:
            self._process.close()
            self._process = None

    async def stop(self) -> None:
        """End containerd, but no container."""
        if self._process is not None:
            await self._end(self._process)
            self._process = None
        self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self._settings.containerd_run_dir / "containerd.pid"

    @property
    def _config_file(self) -> Path:
        return self._settings.data_dir / "containerd.toml"

    @property
    def _log_file(self) -> Path:
        return self._settings.data_dir / "logs" / "containerd.log"

    def _write_configuration(self) -> bool:
        """Write every file that containerd reads; whether one it reads only at its start has changed."""
        settings = self._settings
        for directory in (settings.containerd_root, settings.run_dir, self._log_file.parent):
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(0o711)
        settings.certs_dir.mkdir(parents=True, exist_ok=True)
        mounts.keep_in_memory(settings.containerd_run_dir)
        network_dir = settings.data_dir / "cni"
        network_dir.mkdir(exist_ok=True)
        conflist = network.conflist(
            self.network,
            address_dir=settings.containerd_run_dir / "addresses",
            port_mapping=self._tools.port_mapping,
            masquerade=self._tools.masquerade,
        )
        _write(network_dir / "10-strongroom.conflist", json.dumps(conflist, indent=2) + "\n")
        wrappers = self._write_wrappers()
        snapshotter = "overlayfs" if mounts.overlay_works(settings.containerd_root) else "native"
        text = config.render(
            config.Config(
                version=self._tools.version,
                root=settings.containerd_root,
                state=settings.containerd_run_dir / "state",
                socket=settings.containerd_socket,
                runtimes=wrappers,
                runtimes_dir=settings.runtimes_dir,
                snapshotter=snapshotter,
                sandbox_image=settings.pause_image,
                certs_dir=settings.certs_dir,
                network_dir=network_dir,
                plugin_dir=self._tools.plugin_dir,
                restrict_oom_score_adj=not _has_capability(_CAP_SYS_RESOURCE),
            )
        )
        return _write(self._config_file, text)

    def _write_wrappers(self) -> dict[str, Path]:
        """The programs that stand in for the OCI runtimes, by handler."""
        settings = self._settings
        settings.wrappers_dir.mkdir(exist_ok=True)
        written = {}
        for handler, program in self._tools.runtimes.items():
            written[handler] = settings.wrappers_dir / handler
            text = runtime_wrapper.render(
                program, values=settings.secret_env_dir, oom_kills=settings.oom_kills_dir
            )
            _write(written[handler], text, 0o755)
        return written

    def _find_running(self) -> process.Process | None:
        """The containerd that an earlier run of ours left, by its pid file or as the owner of the socket."""
        for pid in (self._recorded_pid(), process.listener_of(self._settings.containerd_socket)):
            found = process.Process.adopt(pid) if pid else None
            if found is None:
                continue
            if str(self._config_file) in process.arguments(found.pid):
                return found
            found.close()
        return None

    def _refuse_stranger(self) -> None:
        """Leave alone a run directory where the containerd of another data directory is at work."""
        pid = process.listener_of(self._settings.containerd_socket)
        if pid is not None and str(self._config_file) not in process.arguments(pid):
            raise StartError(f"{self._settings.run_dir} is in use by another containerd (pid {pid})")

    def _recorded_pid(self) -> int | None:
        try:
            pid, started = self._pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if process.start_time(int(pid)) == started else None

    def _write_pid_file(self, pid: int) -> None:
        self._pid_file.write_text(f"{pid} {process.start_time(pid)}\n")

    async def _launch(self) -> None:
        settings = self._settings
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment["PATH"] = tools.search_path()
        # The shims hand an exec's process, environment included, to the runtime in a file of this directory.
        environment["XDG_RUNTIME_DIR"] = str(settings.containerd_run_dir)
        if self._log_file.exists() and self._log_file.stat().st_size > _LOG_LIMIT:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        command = [str(self._tools.containerd), "--config", str(self._config_file)]
        try:
            self._process = process.Process.launch(command, environment, self._log_file)
        except OSError as error:
            raise StartError(f"{command[0]}: {error.strerror}") from error
        self._write_pid_file(self._process.pid)
        if not await self._answers():
            if self._process.alive:
                await self._process.terminate()
                raise StartError(
                    f"containerd did not answer within {_START_TIMEOUT:.0f} s ({self._log_file})"
                )
            raise StartError(f"containerd ended at once: {_last_line(self._log_file)} ({self._log_file})")

    async def _answers(self) -> bool:
        """Wait until containerd serves CRI on its socket; false if it ended or took too long.

        The socket is there a little before the CRI plugin is, which says "not initialized yet" meanwhile.
        """
        deadline = self._clock.monotonic() + _START_TIMEOUT
        cri: CRIClient | None = None
        try:
            while self._clock.monotonic() < deadline:
                if self._process is not None and not self._process.alive:
                    return False
                if process.listener_of(self._settings.containerd_socket) is not None:
                    cri = cri or CRIClient(self._settings.endpoint)
                    try:
                        await cri.version()
                        return True
                    except CRIError:
                        pass
                await asyncio.sleep(_LOOK_INTERVAL)
            return False
        finally:
            if cri is not None:
                await cri.close()


def network_place(settings: NodeSettings) -> tuple[Path, str]:
    """Where a node's network is noted down, and what its names come from."""
    return settings.data_dir / "network.json", str(settings.data_dir)


def _write(path: Path, text: str, mode: int = 0o644) -> bool:
    """Replace a file if its text differs; whether it did."""
    if path.exists() and path.read_text() == text:
        return False
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text)
    temporary.chmod(mode)
    temporary.replace(path)
    return True


def _has_capability(number: int) -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no reason given"
