"""`strongroom node` of a test's own, as a process beside the API server's, on this machine."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from strongroom.cmd import settings
from strongroom.node.cri import _generated_cri_pb2 as pb
from strongroom.node.cri.client import CRIClient
from strongroom.testing import remains


class Machine:
    """Made of the arguments of `strongroom node`, but for its data directory, which lies below `directory`;
    not started. Its containerd can be asked beside all APIs."""

    def __init__(self, directory: Path, command: list[str]) -> None:
        self.data_dir = directory / "data"
        self.run_dir = settings.default_run_dir(os.environ, self.data_dir)
        self._command = [*command, "--data-dir", str(self.data_dir)]
        self._output = directory / "output"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=output)

    def kill9(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def containers(self, pod: str) -> dict[int, str]:
        """The running containers of a Pod: number of the attempt to id."""
        found = self._ask(lambda cri: cri.list_containers({"io.kubernetes.pod.name": pod}))
        return {item.metadata.attempt: item.id for item in found if item.state == pb.CONTAINER_RUNNING}

    def run(self, container: str, *command: str) -> str:
        done = self._ask(lambda cri: cri.exec_sync(container, command, 5))
        return str(done.stdout.decode())

    def _ask(self, call: Callable[[CRIClient], Any]) -> Any:
        async def ask() -> Any:
            cri = CRIClient(f"unix://{self.run_dir}/containerd/containerd.sock")
            try:
                return await call(cri)
            finally:
                await cri.close()

        return asyncio.run(ask())

    def clean(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill9()
        remains.remove([self.data_dir, self.run_dir])
