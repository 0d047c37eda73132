"""Processes held by a pidfd."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.node.containerd import process


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "60"]) as running:
        yield running
        running.kill()


def test_start_time_names_this_very_process(child: "subprocess.Popen[bytes]") -> None:
    assert process.start_time(child.pid) == process.start_time(child.pid) != ""
    assert process.start_time(child.pid) >= process.start_time(os.getpid())
    assert process.start_time(2**22 + 1) == ""


def test_arguments() -> None:
    assert process.arguments(os.getpid()) == sys.orig_argv
    assert process.arguments(2**22 + 1) == []


def test_listener_of_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert process.listener_of(path) is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert process.listener_of(path) == os.getpid()
    assert process.listener_of(path) is None


async def test_an_adopted_process_is_seen_to_end(child: "subprocess.Popen[bytes]") -> None:
    adopted = process.Process.adopt(child.pid)
    assert adopted is not None
    before = adopted.alive
    adopted.send_signal(signal.SIGTERM)
    await adopted.wait()
    assert (before, adopted.alive) == (True, False)
    adopted.send_signal(signal.SIGTERM)
    adopted.close()
    assert child.wait() == -signal.SIGTERM


def test_nothing_to_adopt() -> None:
    assert process.Process.adopt(2**22 + 1) is None


async def test_letting_go_does_not_end_it(tmp_path: Path) -> None:
    launched = process.Process.launch(["sleep", "60"], {"PATH": os.environ["PATH"]}, tmp_path / "log")
    again = process.Process.adopt(launched.pid)
    launched.close()
    assert again is not None and again.alive
    assert os.getsid(again.pid) == again.pid != os.getsid(0)
    await again.terminate()
    await asyncio.to_thread(os.waitpid, again.pid, 0)
    again.close()


async def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 60 & wait; done"]
    launched = process.Process.launch(command, {"PATH": os.environ["PATH"]}, log)
    while not log.read_bytes():
        assert launched.alive
    group = os.getpgid(launched.pid)
    await launched.terminate(patience=0.05)
    assert not launched.alive
    os.killpg(group, signal.SIGKILL)
    launched.close()


async def test_what_it_makes_is_open_to_others_however_tight_this_program_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        started = process.Process.launch(["mkdir", str(tmp_path / "made")], os.environ, tmp_path / "log")
        await started.wait()
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o755
