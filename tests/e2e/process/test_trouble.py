"""A full disk, a writer's process that dies, a damaged store: what is said, and that nothing is lost."""

import functools
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.testing import expect
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster, StartFailed

Make = Callable[..., Cluster]

PATH = "/api/v1/namespaces/default/secrets"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system with 12 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounts a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=False).returncode:
        pytest.skip("tmpfs can't be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_refuses_writes_answers_reads_and_recovers(small: Path) -> None:
    with Cluster(small / "own", node=False) as cluster, API(Access.read(cluster.kubeconfig)) as api:
        filler = small / "filler"
        filler.write_bytes(bytes(9_000_000))
        written = 0
        while (reply := api.request("POST", PATH, big(written))).status == 201:
            written += 1
            assert written < 1000
        refused = reply.json()
        assert (refused["code"], refused["reason"]) == (503, "ServiceUnavailable")
        assert "no space left to write" in refused["message"]
        assert len(api.ok("GET", PATH)["items"]) == written
        assert api.request("GET", f"{PATH}/s{written}").status == 404
        kept = api.ok("GET", f"{PATH}/s0")
        rotated = subprocess.run(
            [PROGRAM, "keys", "rotate", "--data-dir", cluster.data_dir],
            capture_output=True,
            text=True,
            check=False,
        )
        assert rotated.returncode == 1 and "Traceback" not in rotated.stderr, rotated.stderr
        filler.unlink()
        api.ok("POST", PATH, big(written))
        assert len(api.ok("GET", PATH)["items"]) == written + 1
        assert api.ok("GET", f"{PATH}/s0")["data"] == kept["data"]
        cluster.kill9()
        cluster.start()
        with API(Access.read(cluster.kubeconfig)) as again:
            assert len(again.ok("GET", PATH)["items"]) == written + 1
        assert cluster.stop() == 0
        assert "Traceback" not in cluster.output.read_text()


def big(number: int) -> object:
    return {"metadata": {"name": f"s{number}"}, "stringData": {"k": "x" * 20_000}}


def test_a_writer_that_dies_is_replaced_and_watchers_miss_nothing(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    access = Access.read(cluster.kubeconfig)
    with API(access) as api, API(access) as watcher:
        watcher._connection.request("GET", f"{PATH}?watch=1", headers=access.headers)
        created: list[str] = []
        with watcher._connection.getresponse() as stream:
            for number in range(3):
                name = f"a{number}"
                api.ok("POST", PATH, {"metadata": {"name": name}})
                created.append(name)
                os.kill(writer_of(cluster.pid), signal.SIGKILL)
                name = f"b{number}"
                expect.until(functools.partial(is_created, api, name), what="writes go on")
                created.append(name)
            seen = [stream.readline() for _ in created]
    for name, line in zip(created, seen, strict=True):
        assert f'"name":"{name}"'.encode() in line and b'"ADDED"' in line
    assert cluster.stop() == 0
    assert "has ended, starting another" in cluster.output.read_text()


def is_created(api: API, name: str) -> bool:
    """After an attempt whose outcome is not known it may be there already."""
    return api.request("POST", PATH, {"metadata": {"name": name}}).status in (201, 409)


def writer_of(pid: int) -> int:
    """The process that writes the database of the server `pid`."""

    def find() -> int:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if b"sqlite.child" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        return 0

    return expect.until(find, what="a writer")


def test_a_damaged_store_is_refused_with_what_and_where_and_how_to_restore(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        for number in range(100):
            api.ok("POST", PATH, {"metadata": {"name": f"s{number}"}, "stringData": {"k": "x" * 1000}})
    cut_power(cluster)
    database = cluster.data_dir / "store" / "strongroom.db"
    log = database.with_name("strongroom.db-wal")
    whole = log.read_bytes()
    os.truncate(log, len(whole) // 2)
    said = refusal(cluster)
    assert "was acknowledged" in said and "strongroom.db-wal" in said and "strongroom restore FILE" in said
    assert log.stat().st_size == len(whole) // 2, "left as it is"
    log.write_bytes(whole)
    cluster.start()
    assert cluster.stop() == 0

    content = bytearray(database.read_bytes())
    page = len(content) // 4096 // 2
    content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    database.write_bytes(content)
    said = refusal(cluster)
    assert f"page {page + 1}" in said.lower() and "is damaged" in said and "strongroom restore FILE" in said


def cut_power(cluster: Cluster) -> None:
    """End server and writer in the same moment, so that none of them tidies up after the other."""
    assert cluster.process is not None
    writer = writer_of(cluster.pid)
    cluster.process.send_signal(signal.SIGSTOP)
    os.kill(writer, signal.SIGKILL)
    cluster.kill9()


def refusal(cluster: Cluster) -> str:
    with pytest.raises(StartFailed) as failed:
        cluster.start()
    lines = str(failed.value).splitlines()
    assert lines[0].startswith("exited with 1") and "Traceback" not in str(failed.value)
    assert lines[-1].startswith("strongroom: error: ")
    return lines[-1]
