"""What the audience of the demonstration sees: titles, commands, what they print."""

import os
import subprocess
import sys
import time
from pathlib import Path


class Failed(Exception):
    """A step did not do what it shows; the text says which."""


class Stage:
    """What the audience sees, and the shell that the commands run in."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def title(self, text: str) -> None:
        print(f"\n{self._styled('1;36', f'== {text}')}", flush=True)

    def say(self, text: str) -> None:
        print("   " + text.rstrip().replace("\n", "\n   "), flush=True)

    def run(self, command: str) -> str:
        """Show a command, run it, show and return its output."""
        self.say(self._styled("1", f"$ {command}"))
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
        if done.stdout:
            self.say(done.stdout)
        if done.returncode != 0:
            raise Failed(f"exit code {done.returncode}: {command}")
        return done.stdout

    def wait_for(self, command: str, timeout: float = 30.0) -> None:
        """Run a command out of sight until it succeeds. Raises Failed."""
        deadline = time.monotonic() + timeout
        while subprocess.run(
            ["bash", "-c", command], env=self._environment, capture_output=True, check=False
        ).returncode:
            if time.monotonic() > deadline:
                raise Failed(f"not within {timeout:.0f} s: {command}")
            time.sleep(0.1)

    def _styled(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text


def expect(true: bool, what: str) -> None:
    """Raises Failed."""
    if not true:
        raise Failed(f"not as it should be: {what}")
