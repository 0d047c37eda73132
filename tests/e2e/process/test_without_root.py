"""As a user without rights the API runs; one line says why no Pods do."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.testing import expect
from strongroom.testing.cluster import PROGRAM, Cluster

NOBODY = 65534
CURRENT = PROGRAM.parent / "kubectl"
AS_NOBODY = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Started as another user when the tests run as root, else as the one who runs them."""
    wrapper: tuple[str, ...] = ()
    directory = Path(tempfile.mkdtemp(prefix="strongroom-nobody-"))
    if os.geteuid() == 0:
        wrapper = AS_NOBODY
        os.chown(directory, NOBODY, NOBODY)
        if subprocess.run([*wrapper, PROGRAM, "--version"], capture_output=True, check=False).returncode:
            shutil.rmtree(directory)
            pytest.skip(f"needs {PROGRAM} and its Python to be readable by other users")
    try:
        with Cluster(directory, wrapper=wrapper, environment={"HOME": str(directory)}) as running:
            yield running
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_the_api_runs_and_says_what_running_pods_needs(cluster: Cluster) -> None:
    kubectl = cluster.kubectl(CURRENT)
    kubectl.ok("create", "secret", "generic", "db", "--from-literal=password=s3cr3t-v4lue")
    assert kubectl.ok("get", "secret", "db", "-o", "jsonpath={.data.password}") == "czNjcjN0LXY0bHVl"
    assert kubectl.ok("get", "nodes", "-o", "name") == ""
    reason = "no node on this machine: running Pods needs root"
    expect.until(lambda: reason in cluster.output.read_text(), what=reason)
    assert b"s3cr3t-v4lue" not in (cluster.data_dir / "store" / "strongroom.db").read_bytes()
    assert stat.S_IMODE(cluster.data_dir.stat().st_mode) == 0o700
    assert cluster.stop() == 0
    printed = cluster.output.read_text()
    assert printed.count(reason) == 1
    assert "Traceback" not in printed
