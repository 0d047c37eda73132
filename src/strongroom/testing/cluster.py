"""A whole system for a test: `strongroom up` as a process of its own on a free port and in its own
directories."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

from strongroom.cmd import settings
from strongroom.testing import kubectl, ports, remains

PROGRAM = Path(sys.executable).parent / "strongroom"
READY = "strongroom is ready:"
START_TIMEOUT = 60.0


class StartFailed(AssertionError):
    """`strongroom up` ended, or said nothing in time; the text holds what it printed."""


@dataclasses.dataclass
class Cluster:
    """A context manager; entering it starts Strongroom, leaving it removes every trace of it.

    All files lie below `directory`, except sockets and container bundles, which lie where `strongroom up`
    puts them for that data directory. A cluster may be stopped or killed and started again in between.
    """

    directory: Path
    node: bool = True
    registry_config: Path | None = None
    flags: Sequence[str] = ()
    wrapper: Sequence[str] = ()
    """A command that is put before ours and becomes it by exec."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    host: str = "127.0.0.1"
    """The address that the API listens on."""
    port: int = dataclasses.field(default_factory=ports.free_port)
    process: "subprocess.Popen[bytes] | None" = None
    ready_after: float = 0.0
    """Seconds the last start took until the ready line."""

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def run_dir(self) -> Path:
        return settings.default_run_dir(os.environ, self.data_dir)

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def output(self) -> Path:
        """Standard output and standard error of every start, one after the other."""
        return self.directory / "output"

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"

    @property
    def ready_line(self) -> str:
        """What the last start said when it was ready."""
        return [line for line in self._printed(0).splitlines() if line.startswith(READY)][-1]

    @property
    def pid(self) -> int:
        assert self.process is not None, "not started"
        return self.process.pid

    def command(self) -> list[str]:
        """The command line of `strongroom up` for this cluster."""
        command = [
            str(PROGRAM),
            "up",
            "--data-dir",
            str(self.data_dir),
            "--listen",
            f"{self.host}:{self.port}",
        ]
        command += ["--kubeconfig", str(self.kubeconfig)]
        if self.node:
            command += ["--node-name", "n1"]
            if self.registry_config is not None:
                command += ["--registry-config", str(self.registry_config)]
        else:
            command.append("--no-node")
        return [*command, *self.flags]

    def start(self) -> None:
        """Start and wait for the ready line. Raises StartFailed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        seen = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.wrapper, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
                start_new_session=True,
            )
        while READY not in self._printed(seen):
            if self.process.poll() is not None:
                raise StartFailed(f"exited with {self.process.returncode}:\n{self._printed(seen)}")
            if time.monotonic() - began > START_TIMEOUT:
                self.kill9()
                raise StartFailed(f"not ready after {START_TIMEOUT} s:\n{self._printed(seen)}")
            time.sleep(0.005)
        self.ready_after = time.monotonic() - began

    def stop(self, timeout: float = 30.0) -> int:
        """Send SIGTERM and wait; the exit code. A process that outstays `timeout` is killed and fails the
        test."""
        assert self.process is not None, "not started"
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"still running {timeout} s after SIGTERM:\n{self._printed(0)}") from None

    def kill9(self) -> None:
        """End it as a power cut would: no handler of its own runs."""
        assert self.process is not None, "not started"
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def kubectl(self, binary: Path, namespace: str = "default") -> kubectl.Kubectl:
        """kubectl for this cluster, with caches of its own."""
        home = self.directory / f"home-{binary.parent.name.strip('.')}"
        made = kubectl.Kubectl(binary, self.kubeconfig, home)
        return made if namespace == "default" else made.in_namespace(namespace)

    def __enter__(self) -> "Cluster":
        try:
            self.start()
        except BaseException:
            self.clean()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        try:
            if self.process is not None and self.process.poll() is None:
                self.stop()
        finally:
            self.clean()

    def clean(self) -> None:
        """Remove containers, containerd, mounts, networks and both directories; what was printed stays."""
        if self.process is not None and self.process.poll() is None:
            self.kill9()
        remains.remove([self.data_dir, self.run_dir])

    def _printed(self, start: int) -> str:
        with self.output.open("rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")
