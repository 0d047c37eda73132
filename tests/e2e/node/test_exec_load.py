"""Much through `kubectl exec` and `kubectl cp`: 100 MB each way, and fifty at once."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl

LARGE = 100_000_000
AT_ONCE = 50


@pytest.fixture
def pod(latest: Kubectl) -> Kubectl:
    """kubectl in a namespace with the running Pod `p`."""
    latest.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p")))
    latest.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    return latest


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of bytes that look random and are the same each time."""
    path = tmp_path_factory.mktemp("large") / "file"
    path.write_bytes(hashlib.shake_128(b"large").digest(LARGE))
    return path


def run(pod: Kubectl, *arguments: str | Path, **streams: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([pod.binary, *arguments], env=pod.environment(), **streams)  # type: ignore[call-overload, no-any-return]


def test_100_mb_each_way_through_exec(pod: Kubectl, large: Path, tmp_path: Path) -> None:
    with large.open("rb") as source:
        assert run(pod, "exec", "-i", "p", "--", "sh", "-c", "cat > /tmp/f", stdin=source).wait(120) == 0
    summed = pod.ok("exec", "p", "--", "sha256sum", "/tmp/f").split()[0]
    assert summed == hashlib.sha256(large.read_bytes()).hexdigest()
    back = tmp_path / "back"
    with back.open("wb") as target:
        assert run(pod, "exec", "p", "--", "cat", "/tmp/f", stdout=target).wait(120) == 0
    assert back.read_bytes() == large.read_bytes()


def test_cp_of_a_large_file_and_of_a_tree_each_way(pod: Kubectl, large: Path, tmp_path: Path) -> None:
    pod.ok("cp", large, "p:/tmp/large", timeout=120)
    pod.ok("cp", "p:/tmp/large", tmp_path / "large", timeout=120)
    assert (tmp_path / "large").read_bytes() == large.read_bytes()
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    for number in range(50):
        (tree / "deep" / f"file {number}").write_text(f"content {number}\n" * number)
    (tree / "deep" / "er" / "empty").touch()
    pod.ok("cp", tree, "p:/tmp/tree")
    pod.ok("cp", "p:/tmp/tree", tmp_path / "again")
    found = {path.relative_to(tmp_path / "again"): path.read_bytes() for path in files(tmp_path / "again")}
    assert found == {path.relative_to(tree): path.read_bytes() for path in files(tree)}


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def test_fifty_at_once(pod: Kubectl) -> None:
    script = 'echo up; read x; echo "out $x"; echo "err $x" >&2; exit $((x % 5))'
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = [run(pod, "exec", "-i", "p", "--", "sh", "-c", script, **streams) for _ in range(AT_ONCE)]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
    for number, process in enumerate(running):
        assert process.stdin is not None
        process.stdin.write(b"%d\n" % number)
        process.stdin.flush()
    for number, process in enumerate(running):
        out, err = process.communicate(timeout=120)
        code = number % 5
        told = b"command terminated with exit code %d\n" % code if code else b""
        assert (process.returncode, out) == (code, b"out %d\n" % number), err
        assert err == b"err %d\n" % number + told
    assert pod.ok("exec", "p", "--", "sh", "-c", "ps | grep -c '[r]ead x' || true").strip() == "0"
