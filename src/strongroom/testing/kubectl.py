"""Stock kubectl as a test drives it: a program, a kubeconfig, and what it printed."""

import dataclasses
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

TIMEOUT = 40.0
_ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run of kubectl gave."""

    command: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    program: str = "kubectl"

    def __str__(self) -> str:
        return f"$ {self.program} {' '.join(self.command)}\n[{self.code}]\n{self.stdout}{self.stderr}"


@dataclasses.dataclass(frozen=True)
class Kubectl:
    """One kubectl program (or another that reads a kubeconfig) speaking to one cluster
    with one default namespace.

    `home` keeps its caches apart from the user's and from those of other versions.
    """

    binary: Path
    kubeconfig: Path
    home: Path
    namespace: str = "default"

    def in_namespace(self, namespace: str) -> "Kubectl":
        """The same kubectl with another default namespace, as `kubectl config set-context` would set it."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        for context in config["contexts"]:
            if context["name"] == config["current-context"]:
                context["context"]["namespace"] = namespace
        self.home.mkdir(parents=True, exist_ok=True)
        copy = self.home / f"{namespace}.kubeconfig"
        copy.touch(mode=0o600)
        copy.write_text(yaml.safe_dump(config))
        return dataclasses.replace(self, kubeconfig=copy, namespace=namespace)

    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | bytes | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Result:
        """Run to the end, whatever its exit code."""
        command = tuple(map(str, arguments))
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [self.binary, *command],
            input=b"" if data is None else data,
            capture_output=True,
            cwd=cwd,
            env=self.environment(env),
            timeout=timeout,
            check=False,
        )
        return Result(command, done.returncode, _text(done.stdout), _text(done.stderr), self.binary.name)

    def ok(
        self,
        *arguments: str | Path,
        stdin: str | bytes | None = None,
        cwd: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> str:
        """Standard output of a run that must exit with 0."""
        result = self(*arguments, stdin=stdin, cwd=cwd, timeout=timeout)
        assert result.code == 0, str(result)
        return result.stdout

    def fails(self, *arguments: str | Path, stdin: str | bytes | None = None, cwd: Path | None = None) -> str:
        """Standard error of a run that must exit with 1 and print nothing else."""
        result = self(*arguments, stdin=stdin, cwd=cwd)
        assert result.code == 1, str(result)
        assert result.stdout == "", str(result)
        return result.stderr

    def start(self, *arguments: str | Path) -> "subprocess.Popen[bytes]":
        """Start without waiting; standard output is unbuffered for the reader, standard error goes with
        it."""
        return subprocess.Popen(
            [self.binary, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment(),
        )

    def on_terminal(
        self, arguments: Sequence[str | Path], typed: str = "", timeout: float = TIMEOUT
    ) -> Result:
        """Run on a pseudo-terminal, typing `typed` once it shows something; colours and returns are
        removed."""
        master, slave = pty.openpty()
        command = tuple(map(str, arguments))
        try:
            process = subprocess.Popen(
                [self.binary, *command],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=self.environment({"TERM": "dumb"}),
                start_new_session=True,
            )
            os.close(slave)
            try:
                shown = _converse(master, typed.encode(), time.monotonic() + timeout)
                code = process.wait(timeout)
            except BaseException:
                process.kill()
                process.wait()
                raise
        finally:
            os.close(master)
        return Result(command, code, _ANSI.sub("", _text(shown)).replace("\r", ""), "")

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment kubectl runs in: nothing of the user's but PATH."""
        own = {"HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig), "PATH": os.environ["PATH"]}
        return own | dict(extra or {})


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _converse(terminal: int, typed: bytes, deadline: float) -> bytes:
    """Everything shown until the other side closes; `typed` is sent after the first output."""
    shown = b""
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux says that no one holds the other side any more
            return shown
        if not piece:
            return shown
        shown += piece
        if typed:
            os.write(terminal, typed)
            typed = b""
    raise TimeoutError(f"still running; shown so far: {shown.decode(errors='replace')}")
