"""A Secret's value is nowhere but in the API's answers and in the containers' memory."""

import base64
import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

from strongroom.testing import canary, expect, manifests
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl

Make = Callable[..., Cluster]


def test_no_value_on_disk_in_logs_or_in_arguments(make: Make, registry_config: Path) -> None:
    first, second, refused = canary.new(), canary.new(), canary.new()
    values = [first, second, refused]
    cluster = make(registry_config=registry_config)
    cluster.start()
    kubectl = cluster.kubectl(PROGRAM.parent / "kubectl")

    pod = manifests.pod("p", volumes={"/s": {"secret": {"secretName": "a"}}})
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.secret("a", {"k": first}), pod))
    kubectl.ok("create", "secret", "generic", "b", f"--from-literal=k={first}")
    kubectl.ok("apply", "-f", "-", stdin=manifests.text(manifests.secret("c", {"k": first})))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    assert kubectl.ok("exec", "p", "--", "cat", "/s/k") == first
    kubectl.ok("patch", "secret", "a", "-p", f'{{"stringData":{{"k":"{second}"}}}}')
    expect.until(lambda: kubectl.ok("exec", "p", "--", "cat", "/s/k") == second, what="the second value")
    kubectl.ok("delete", "secret", "b")
    mistakes(kubectl.kubeconfig, refused)
    assert not canary.in_bytes(kubectl.ok("get", "events", "-A", "-oyaml").encode(), values)
    with API(Access.read(cluster.kubeconfig)) as api:
        assert not canary.in_bytes(api.request("GET", "/metrics").body, values)

    places = [place for place in (cluster.data_dir, cluster.run_dir) if place.exists()]
    assert [found for place in places for found in canary.in_files(place, values)] == []
    for process in processes(cluster):
        assert canary.in_process(process, values) == [], Path(f"/proc/{process}/cmdline").read_text()
    cluster.kill9()
    assert [found for place in places for found in canary.in_files(place, values)] == []
    assert not canary.in_bytes(cluster.output.read_bytes(), values)


WAYS = ("literal", "file", "stringData", "data", "apply", "server-side", "patch", "update")


def test_no_value_leaves_the_process_whatever_way_it_went_in(make: Make, tmp_path: Path) -> None:
    """Database, write-ahead log, temporary files, backups, logs, audit, metrics; old values too."""
    values = {way: canary.new() for way in WAYS} | {f"old-{way}": canary.new() for way in WAYS}
    refused = canary.new()
    sought = [*values.values(), refused]
    temporary = tmp_path / "own" / "tmp"
    temporary.mkdir(parents=True)
    audit = tmp_path / "own" / "audit.log"
    cluster = make(
        node=False,
        flags=["--audit-log-path", str(audit)],
        environment={"TMPDIR": str(temporary), "PYTHONASYNCIODEBUG": "1"},
    )
    cluster.start()
    kubectl = cluster.kubectl(PROGRAM.parent / "kubectl")
    for way in WAYS:
        put(kubectl, way, values[f"old-{way}"], tmp_path)
        put(kubectl, way, values[way], tmp_path)
    for way in WAYS:
        encoded = kubectl.ok("get", "secret", way.lower(), "-o", "jsonpath={.data.k}")
        assert base64.b64decode(encoded).decode() == values[way], way
    mistakes(kubectl.kubeconfig, refused, in_paths=False)
    keep = tmp_path / "own" / "kept"
    keep.mkdir()
    run("backup", keep / "backup.db", "--data-dir", cluster.data_dir)
    told = run("keys", "rotate", "--data-dir", cluster.data_dir, "-o", "json")
    told += run("keys", "verify", "--scrub", "--data-dir", cluster.data_dir)
    told += run("keys", "status", "--data-dir", cluster.data_dir)
    told += run("export", "--kubeconfig", cluster.kubeconfig)
    assert not canary.in_bytes(told.encode(), sought)
    with API(Access.read(cluster.kubeconfig)) as api:
        for path in ("/metrics", "/readyz?verbose", "/openapi/v2", "/apis"):
            assert not canary.in_bytes(api.request("GET", path).body, sought), path
    assert audit.stat().st_size > 1000 and (keep / "backup.db").stat().st_size > 4096
    # The user's own copies of what went in are not the system's.
    for own in tmp_path.glob("given-*"):
        own.unlink()
    assert canary.in_files(tmp_path, sought) == []
    assert canary.in_process(cluster.pid, sought) == []
    cluster.kill9()
    assert canary.in_files(tmp_path, sought) == []
    cluster.start()
    assert cluster.stop() == 0
    assert canary.in_files(tmp_path, sought) == []
    assert "Traceback" not in cluster.output.read_text()


def put(kubectl: Kubectl, way: str, value: str, folder: Path) -> None:
    """Have the Secret called `way` hold the value, by the way it is called after."""
    name = way.lower()
    given = folder / f"given-{name}"
    given.write_text(value)
    encoded = base64.b64encode(value.encode()).decode()
    with API(Access.read(kubectl.kubeconfig)) as api:
        path = "/api/v1/namespaces/default/secrets"
        if way in ("literal", "file"):
            source = f"--from-literal=k={value}" if way == "literal" else f"--from-file=k={given}"
            kubectl("delete", "secret", name)
            kubectl.ok("create", "secret", "generic", name, source)
        elif way in ("apply", "server-side"):
            flags = ["--server-side"] if way == "server-side" else []
            kubectl.ok("apply", *flags, "-f", "-", stdin=manifests.text(manifests.secret(name, {"k": value})))
            if way == "apply":
                assert value in kubectl.ok("get", "secret", name, "-o", "yaml"), "the last-applied annotation"
        elif api.request("GET", f"{path}/{name}").status == 404:
            field = {"stringData": {"k": value}} if way == "stringData" else {"data": {"k": encoded}}
            api.ok("POST", path, {"metadata": {"name": name}, **field})
        elif way == "patch":
            kubectl.ok("patch", "secret", name, "-p", f'{{"stringData":{{"k":"{value}"}}}}')
        else:
            api.ok("PUT", f"{path}/{name}", {"metadata": {"name": name}, "data": {"k": encoded}})


def run(*arguments: str | Path) -> str:
    """What our own command prints."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    return done.stdout + done.stderr


def test_a_flipped_bit_does_not_open_and_is_reported_with_its_name_only(make: Make) -> None:
    value, other = canary.new(), canary.new()
    cluster = make(node=False)
    cluster.start()
    path = "/api/v1/namespaces/default/secrets"
    with API(Access.read(cluster.kubeconfig)) as api:
        api.ok("POST", path, {"metadata": {"name": "flipped"}, "stringData": {"k": value}})
        api.ok("POST", path, {"metadata": {"name": "moved"}, "stringData": {"k": other}})
        api.ok("POST", path, {"metadata": {"name": "whole"}, "stringData": {"k": "x"}})
    assert cluster.stop() == 0
    database = sqlite3.connect(cluster.data_dir / "store" / "strongroom.db")
    query = "SELECT value FROM revisions WHERE key = ?"
    change = "UPDATE revisions SET value = ? WHERE key = ?"
    flipped, moved = (f"/registry/secrets/default/{name}" for name in ("flipped", "moved"))
    first = bytearray(database.execute(query, (flipped,)).fetchone()[0])
    first[len(first) // 2] ^= 4
    database.execute(change, (database.execute(query, (flipped,)).fetchone()[0], moved))
    database.execute(change, (bytes(first), flipped))
    database.commit()
    database.close()
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        for name in ("flipped", "moved"):
            reply = api.request("GET", f"{path}/{name}")
            assert reply.status == 500
            assert f"/registry/secrets/default/{name}" in reply.json()["message"]
            assert "message authentication failed" in reply.json()["message"]
            assert not canary.in_bytes(reply.body, [value, other])
        assert api.ok("GET", f"{path}/whole")["metadata"]["name"] == "whole"
        found = subprocess.run(
            [PROGRAM, "keys", "verify", "--data-dir", cluster.data_dir],
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 1
        assert "does not open: /registry/secrets/default/flipped" in found.stdout
        # As upstream: what cannot be read is not deleted either; who knows what holds on to it.
        assert api.request("DELETE", f"{path}/flipped").status == 500
        assert api.request("GET", f"{path}/flipped").status == 500
    assert cluster.stop() == 0
    printed = cluster.output.read_text()
    assert "/registry/secrets/default/flipped" in printed and "Traceback" not in printed


def test_old_values_are_unreadable_after_rotation_and_compaction(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    path = "/api/v1/namespaces/default/secrets"
    with API(Access.read(cluster.kubeconfig)) as api:
        for name in ("changed", "deleted"):
            api.ok("POST", path, {"metadata": {"name": name}, "stringData": {"k": "the old value"}})
    database = cluster.data_dir / "store" / "strongroom.db"
    with contextlib.closing(sqlite3.connect(database)) as reading:
        rows = reading.execute("SELECT value FROM revisions WHERE key LIKE '/registry/secrets/%'").fetchall()
    pieces = [row[0][at : at + 24] for row in rows for at in range(40, len(row[0]) - 24, 24)]
    assert len(pieces) > 10
    with API(Access.read(cluster.kubeconfig)) as api:
        api.ok("PUT", f"{path}/changed", {"metadata": {"name": "changed"}, "stringData": {"k": "new"}})
        api.ok("DELETE", f"{path}/deleted")
    run("keys", "rotate", "--data-dir", cluster.data_dir)
    run("keys", "verify", "--remove-unused", "--data-dir", cluster.data_dir)
    for file in database.parent.iterdir():
        content = file.read_bytes()
        assert not any(piece in content for piece in pieces), file
    assert cluster.stop() == 0


def mistakes(kubeconfig: Path, value: str, *, in_paths: bool = True) -> None:
    """Requests with the value in them that are refused at different depths.

    `in_paths`: one has it as a name in its path, which an audit log is there to record."""
    path = "/api/v1/namespaces/default/secrets"
    plain = value.encode()
    with API(Access.read(kubeconfig)) as api:
        for method, target, body in (
            ("POST", path, b'{"metadata":{"name":"x"},"data":{"k":"' + plain + b'!"}}'),
            ("POST", path, b'{"metadata":{"name":"x"},"stringData":{"k":"' + plain),
            (
                "POST",
                path,
                b'{"metadata":{"name":"x"},"type":"kubernetes.io/tls","stringData":{"k":"' + plain + b'"}}',
            ),
            ("PUT", f"{path}/a", b'{"metadata":{"name":"a"},"type":"t","stringData":{"k":"' + plain + b'"}}'),
            *([("POST", f"{path}/a/{value}", b"{}")] if in_paths else []),
        ):
            assert api.request(method, target, body).status >= 400


def processes(cluster: Cluster) -> list[int]:
    """Strongroom itself and all that works in its directories."""
    found = [cluster.pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_text(errors="replace")
            except OSError:
                continue
            if str(cluster.run_dir) in command or str(cluster.data_dir) in command:
                found.append(int(entry.name))
    assert len(found) > 2
    return found
