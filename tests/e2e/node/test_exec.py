"""`kubectl exec` and `kubectl cp`: streams, half-closed input, exit codes, terminals."""

import hashlib
import io
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl


@pytest.fixture
def pod(kubectl: Kubectl) -> Kubectl:
    return with_a_pod(kubectl)


def with_a_pod(kubectl: Kubectl) -> Kubectl:
    """kubectl in a namespace with the running Pod `p`."""
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p")))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    return kubectl


def test_streams_and_exit_codes(pod: Kubectl) -> None:
    done = pod("exec", "p", "--", "sh", "-c", "echo out; echo err >&2")
    assert (done.code, done.stdout, done.stderr) == (0, "out\n", "err\n")
    failed = pod("exec", "p", "--", "sh", "-c", "exit 42")
    assert (failed.code, failed.stdout) == (42, "")
    assert failed.stderr == "command terminated with exit code 42\n"
    missing = pod("exec", "p", "--", "no-such-program")
    assert missing.code != 0
    assert "no-such-program" in missing.stderr
    killed = pod("exec", "p", "--", "sh", "-c", "kill -9 $$")
    assert killed.code == 137


def test_input_is_half_closed(pod: Kubectl) -> None:
    payload = bytes(range(256)) * 16384
    counted = pod("exec", "-i", "p", "--", "sh", "-c", "sha256sum; echo after", stdin=payload)
    assert counted.stdout.split() == [hashlib.sha256(payload).hexdigest(), "-", "after"], str(counted)
    assert pod("exec", "-i", "p", "--", "cat", stdin="").stdout == ""


def test_a_tree_goes_in_and_out_by_tar(pod: Kubectl, tmp_path: Path) -> None:
    content = b"some bytes\n" * 50_000
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("deep/file")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    assert pod("exec", "-i", "p", "--", "tar", "-xf", "-", "-C", "/tmp", stdin=packed.getvalue()).code == 0
    assert pod("cp", "p:/tmp/deep/file", tmp_path / "back").code == 0
    assert (tmp_path / "back").read_bytes() == content


def test_terminal(pod: Kubectl) -> None:
    shown = pod.on_terminal(["exec", "-it", "p", "--", "sh"], typed="tty && stty size; exit 3\n")
    assert shown.code == 3, str(shown)
    assert "/dev/pts/0" in shown.stdout
    assert "command terminated with exit code 3" in shown.stdout


def test_large_output_arrives_whole(pod: Kubectl) -> None:
    process = subprocess.run(
        [pod.binary, "exec", "p", "--", "sh", "-c", "yes 0123456789abcde | head -c 8388608"],
        env=pod.environment(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert process.stdout == b"0123456789abcde\n" * (8388608 // 16)


def test_what_cannot_be_reached(pod: Kubectl) -> None:
    assert 'pods "q" not found' in pod("exec", "q", "--", "ls").stderr
    assert "container" in pod("exec", "p", "-c", "other", "--", "ls").stderr


def test_attach_is_to_the_first_process(latest: Kubectl) -> None:
    script = "read word; echo got $word; read rest; echo the end"
    pod = manifests.pod("p", command=["sh", "-c", script], restartPolicy="Never")
    pod["spec"]["containers"][0] |= {"stdin": True, "stdinOnce": True}
    latest.ok("create", "-f", "-", stdin=manifests.text(pod))
    latest.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    shown = latest("attach", "-i", "p", stdin="typed\n")
    assert shown.stdout == "got typed\nthe end\n", str(shown)
    assert latest.ok("logs", "p") == shown.stdout
    phase = "--for=jsonpath={.status.phase}=Succeeded"
    latest.ok("wait", phase, "pod/p", "--timeout=20s", timeout=30)


def test_a_client_that_dies_while_its_input_is_stuck_ends_the_command(latest: Kubectl) -> None:
    """Nobody reads what it sent, and its end is behind that."""
    pod = with_a_pod(latest)
    command = ["sleep", "99973"]

    def runs() -> bool:
        found = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
        return any(line.split(b"\0")[:2] == [part.encode() for part in command] for line in found)

    with Path("/dev/zero").open("rb") as endless:
        client = subprocess.Popen(
            [pod.binary, "exec", "-i", "p", "--", *command], stdin=endless, env=pod.environment()
        )
    expect.until(runs, what="the command to run")
    time.sleep(2)  # until nothing moves any more
    client.kill()
    client.wait()
    expect.until(lambda: not runs(), timeout=20, what="the command to end")
