"""A `strongroom node` of a test's own: a process on a machine of `namespaces.Machines`."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from strongroom.cmd import settings
from strongroom.testing import remains
from strongroom.testing.cluster import PROGRAM, START_TIMEOUT, StartFailed
from strongroom.testing.namespaces import Machines

READY = "strongroom node is ready:"


@dataclasses.dataclass
class JoinedNode:
    """Not started when made. All files lie below `directory`, but for sockets and bundles."""

    name: str
    address: str
    machines: Machines
    directory: Path
    arguments: Sequence[str]
    """Of `strongroom node`, besides its name and data directory."""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def data_dir(self) -> Path:
        return self.directory / self.name

    @property
    def run_dir(self) -> Path:
        return settings.default_run_dir(os.environ, self.data_dir)

    @property
    def output(self) -> Path:
        return self.directory / f"{self.name}.output"

    @property
    def credentials(self) -> dict[str, Any]:
        """What it has on disk to prove itself with."""
        found: dict[str, Any] = json.loads((self.data_dir / "credentials" / "node.json").read_text())
        return found

    @property
    def key(self) -> str:
        return (self.data_dir / "credentials" / "node.key").read_text().strip()

    def start(self) -> None:
        """Begin to start; `wait_until_ready` ends it."""
        command = [*self.machines.within(self.name), str(PROGRAM), "node", "--node-name", self.name]
        command += ["--data-dir", str(self.data_dir), *self.arguments]
        self.directory.mkdir(parents=True, exist_ok=True)
        self._seen = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Raises StartFailed."""
        assert self.process is not None, "not started"
        deadline = time.monotonic() + START_TIMEOUT
        while READY not in (text := self.output.read_bytes()[self._seen :].decode(errors="replace")):
            if self.process.poll() is not None:
                raise StartFailed(f"{self.name} exited with {self.process.returncode}:\n{text}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} not ready after {START_TIMEOUT} s:\n{text}")
            time.sleep(0.05)

    def kill9(self) -> None:
        """End the agent and its containerd as a power cut would."""
        assert self.process is not None, "not started"
        containerd = int((self.run_dir / "containerd" / "containerd.pid").read_text().split()[0])
        for process in (self.process.pid, containerd):
            os.kill(process, signal.SIGKILL)
        self.process.wait()

    def clean(self) -> None:
        """Remove every trace but what was printed."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(OSError):
            remains.remove([self.data_dir, self.run_dir])
