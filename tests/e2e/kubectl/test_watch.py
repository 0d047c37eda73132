"""`kubectl get -w` and `kubectl wait`."""

import queue
import subprocess
import threading
from collections.abc import Iterator

import pytest

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl


class Lines:
    """Lines of a running program, as they come."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def next(self, timeout: float = 10) -> str:
        return self._lines.get(timeout=timeout)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.decode().rstrip())


@pytest.fixture
def watch(kubectl: Kubectl) -> Iterator[Lines]:
    kubectl.ok("create", "secret", "generic", "first", "--from-literal=k=v")
    lines = Lines(kubectl.start("get", "secrets", "-w", "--output-watch-events"))
    yield lines
    lines.close()


def test_every_change_is_a_row(kubectl: Kubectl, watch: Lines) -> None:
    expect.check(watch.next(), "EVENT  NAME  TYPE  DATA  AGE")
    expect.check(watch.next(), "ADDED  first  Opaque  1  <age>")
    kubectl.ok("create", "secret", "generic", "second")
    expect.check(watch.next(), "ADDED  second  Opaque  0  <age>")
    kubectl.ok("patch", "secret", "first", "-p", '{"stringData":{"n":"1"}}')
    expect.check(watch.next(), "MODIFIED  first  Opaque  2  <age>")
    kubectl.ok("delete", "secret", "second")
    expect.check(watch.next(), "DELETED  second  Opaque  0  <age>")


def test_wait_for_a_value_and_for_deletion(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "a")
    waiting = kubectl.start("wait", "--for=jsonpath={.data.k}=dg==", "secret/a", "--timeout=20s")
    kubectl.ok("patch", "secret", "a", "-p", '{"stringData":{"k":"v"}}')
    shown, _ = waiting.communicate(timeout=25)
    assert (waiting.returncode, shown) == (0, b"secret/a condition met\n")
    waiting = kubectl.start("wait", "--for=delete", "secret/a", "--timeout=20s")
    kubectl.ok("delete", "secret", "a")
    waiting.communicate(timeout=25)
    assert waiting.returncode == 0
