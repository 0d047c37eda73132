"""A real etcd on the loopback address, of one member or several, for tests."""

import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from strongroom.testing import ports

PROGRAM = "etcd"
START_SECONDS = 20.0


def missing() -> str:
    """Why there can be no etcd here; "" if there can."""
    return "" if shutil.which(PROGRAM) else "needs etcd (Debian: etcd-server)"


class Member:
    """One process. It may be killed and started again; its data stays until the cluster ends."""

    def __init__(self, name: str, directory: Path, flags: Sequence[str] = (), scheme: str = "http") -> None:
        self.name = name
        self._scheme = scheme
        self.directory = directory
        self.client_port, self.peer_port = ports.free_port(), ports.free_port()
        self.flags = tuple(flags)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.client_port}"

    @property
    def peer_url(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    def start(self, initial: str) -> None:
        """Start without waiting for it."""
        client = f"{self._scheme}://{self.address}"
        command = [PROGRAM, "--name", self.name, "--data-dir", str(self.directory / self.name)]
        command += ["--listen-client-urls", client, "--advertise-client-urls", client]
        command += ["--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url]
        # One alone has nobody to wait for, and is its own leader only after that time.
        beat = 50 if "," in initial else 10
        command += ["--heartbeat-interval", str(beat), "--election-timeout", str(beat * 10)]
        command += ["--initial-cluster", initial]
        command += ["--log-level", "error", "--logger", "zap", *self.flags]
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def is_healthy(self) -> bool:
        if self._scheme == "https":  # who may ask is what is tested: that it listens is enough
            try:
                socket.create_connection(("127.0.0.1", self.client_port), 1).close()
            except OSError:
                return False
            return True
        try:
            with urllib.request.urlopen(f"http://{self.address}/health", timeout=1) as answer:
                return b'"true"' in answer.read()
        except OSError:
            return False

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


class Etcd:
    """A context manager: a cluster of `members`, healthy when it is entered."""

    def __init__(self, members: int = 1, flags: Sequence[str] = (), *, tls: bool = False) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="strongroom-etcd-"))
        self._scheme = "https" if tls else "http"
        self.members = [Member(f"m{n}", self.directory, flags, self._scheme) for n in range(members)]
        self._initial = ",".join(f"{member.name}={member.peer_url}" for member in self.members)

    @property
    def url(self) -> str:
        """For `--store`."""
        return ("etcds://" if self._scheme == "https" else "etcd://") + ",".join(
            member.address for member in self.members
        )

    def ask(self, method: str, **body: object) -> bytes:
        """The answer of its HTTP gateway, without TLS, to `auth/user/add` and such."""
        address = f"http://{self.members[0].address}/v3/{method}"
        with urllib.request.urlopen(address, json.dumps(body).encode(), timeout=5) as answer:
            content: bytes = answer.read()
            return content

    def start(self, member: Member) -> None:
        """Start a member again."""
        member.start(self._initial)

    def wait_until_healthy(self, members: Sequence[Member] = ()) -> None:
        deadline = time.monotonic() + START_SECONDS
        for member in members or self.members:
            while not member.is_healthy():
                if time.monotonic() > deadline:
                    log = (self.directory / f"{member.name}.log").read_text(errors="replace")
                    raise AssertionError(f"{member.name} is not healthy:\n{log[-2000:]}")
                time.sleep(0.02)

    def __enter__(self) -> Self:
        try:
            for member in self.members:
                self.start(member)
            self.wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all members and remove what they kept."""
        for member in self.members:
            member.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
