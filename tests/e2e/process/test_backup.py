"""Backups of a server at work, their way back, and objects on their way to another cluster."""

import json
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.testing import canary
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster

Make = Callable[..., Cluster]

PATH = "/api/v1/namespaces/default/secrets"


def run(*arguments: Any, code: int = 0, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False, input=stdin
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done


def stored(cluster: Cluster) -> dict[str, str]:
    with API(Access.read(cluster.kubeconfig)) as api:
        return {each["metadata"]["name"]: each["data"]["k"] for each in api.ok("GET", PATH)["items"]}


def secret(name: str, value: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "stringData": {"k": value}}


@pytest.fixture
def writer(make: Make) -> Iterator[tuple[Cluster, list[int]]]:
    """A cluster that is written to without a pause; how many writes were acknowledged."""
    cluster = make("first", node=False)
    cluster.start()
    ended, acknowledged = threading.Event(), [0]

    def write() -> None:
        with API(Access.read(cluster.kubeconfig)) as api:
            while not ended.is_set():
                api.ok("POST", PATH, secret(f"w{acknowledged[0]:06d}", "x"))
                acknowledged[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield cluster, acknowledged
    finally:
        ended.set()
        thread.join()


def test_backup_of_a_server_at_work_comes_back(
    writer: tuple[Cluster, list[int]], make: Make, tmp_path: Path
) -> None:
    cluster, acknowledged = writer
    value = canary.new()
    with API(Access.read(cluster.kubeconfig)) as api:
        known = api.ok("POST", PATH, secret("known", value))["metadata"]["resourceVersion"]
    before = acknowledged[0]
    file = tmp_path / "backup.db"
    told = json.loads(run("backup", file, "--data-dir", cluster.data_dir, "-o", "json").stdout)
    assert told["bytes"] == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir() if "backup" in each.name] == ["backup.db"]
    assert not canary.in_bytes(file.read_bytes(), [value])
    again = run("backup", file, "--data-dir", cluster.data_dir, code=1)
    assert "there already" in again.stderr

    other = make("second", node=False)
    keyring = cluster.data_dir / "keys" / "keyring.json"
    run("restore", file, "--data-dir", other.data_dir, "--keyring", keyring)
    assert stat.S_IMODE(other.data_dir.stat().st_mode) == 0o700
    other.start()
    found = stored(other)
    names = sorted(name for name in found if name.startswith("w"))
    assert "known" in found and len(names) >= before
    assert names == [f"w{number:06d}" for number in range(len(names))], "a moment, not a mixture"
    with API(Access.read(other.kubeconfig)) as api:
        after = int(api.ok("POST", PATH, secret("after", "x"))["metadata"]["resourceVersion"])
        with API(Access.read(cluster.kubeconfig)) as first:
            # What clients have seen since the backup is handed out to nothing else.
            assert after > int(first.ok("GET", PATH)["metadata"]["resourceVersion"])
        expired = api.request("GET", f"{PATH}?watch=1&timeoutSeconds=1&resourceVersion={known}")
        assert (expired.status, expired.json()["type"], expired.json()["object"]["code"]) == (
            200,
            "ERROR",
            410,
        )
    assert other.stop() == 0
    refused = run("restore", file, "--data-dir", other.data_dir, "--keyring", keyring, code=1)
    assert "is not empty" in refused.stderr


def test_what_does_not_verify_is_not_restored(make: Make, tmp_path: Path) -> None:
    cluster = make(node=False)
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        for number in range(50):
            api.ok("POST", PATH, secret(f"s{number}", "x" * 500))
    assert cluster.stop() == 0
    file, target = tmp_path / "backup.db", tmp_path / "target"
    run("backup", file, "--data-dir", cluster.data_dir)
    keyring = cluster.data_dir / "keys" / "keyring.json"
    content = file.read_bytes()

    def refused(*arguments: Any) -> str:
        text = run("restore", file, "--data-dir", target, *arguments, code=1).stderr
        assert len([line for line in text.splitlines() if "error" in line]) == 1
        assert not (target / "store").exists()
        return text

    key = json.loads(keyring.read_text())["keys"][0]["id"]
    assert "keyring is missing" in refused()
    strange = make("strange", node=False)
    strange.start()
    assert strange.stop() == 0
    assert f"holds {key}" in refused("--keyring", strange.data_dir / "keys" / "keyring.json")
    damaged = bytearray(content)
    damaged[5 * 4096 : 5 * 4096 + 200] = os.urandom(200)
    for bad, named in (
        (bytes(damaged), "is damaged"),
        (content[: len(content) // 2], "backup.db"),
        (b"no database", "no usable backup"),
        (b"", "no backup of a Strongroom database"),
    ):
        file.write_bytes(bad)
        assert named in refused("--keyring", keyring)
    file.write_bytes(content)
    run("restore", file, "--data-dir", target, "--keyring", keyring)
    run("backup", tmp_path / "absent" / "b.db", "--data-dir", cluster.data_dir, code=1)
    run("backup", file, "--data-dir", tmp_path / "nothing", code=2)


def test_export_without_values_holds_none_and_is_not_imported(make: Make, tmp_path: Path) -> None:
    cluster = make("from", node=False)
    cluster.start()
    kubectl = cluster.kubectl(PROGRAM.parent / "kubectl")
    value = canary.new()
    manifest = yaml.safe_dump({"kind": "Secret", "apiVersion": "v1", **secret("applied", value)})
    kubectl.ok("create", "namespace", "prod")
    kubectl.ok("apply", "-n", "prod", "-f", "-", stdin=manifest)
    kubectl.ok("create", "configmap", "c", "--from-literal=a=b", "-n", "prod")
    kubectl.ok("create", "serviceaccount", "robot", "-n", "prod")
    plain = run("export", "--kubeconfig", cluster.kubeconfig).stdout
    assert not canary.in_bytes(plain.encode(), [value])
    documents = list(yaml.safe_load_all(plain))
    kinds = [(each["kind"], each["metadata"]["name"]) for each in documents]
    assert kinds == [
        ("Namespace", "prod"),
        ("Secret", "applied"),
        ("ConfigMap", "c"),
        ("ServiceAccount", "robot"),
    ]
    assert documents[1]["data"] == {"k": ""}

    file = tmp_path / "all.yaml"
    run("export", "--values", "-f", file, "--kubeconfig", cluster.kubeconfig)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    run("export", "-f", file, "--kubeconfig", cluster.kubeconfig, code=2)
    mistyped = run("export", "-n", "prdo", "--kubeconfig", cluster.kubeconfig, code=1)
    assert (mistyped.stdout, mistyped.stderr) == ("", 'strongroom: error: namespaces "prdo" not found\n')
    other = make("to", node=False)
    other.start()
    withheld = run("import", "-", "--kubeconfig", other.kubeconfig, stdin=plain, code=1)
    assert "values were withheld" in withheld.stderr and "3 created" in withheld.stdout
    done = run("import", file, "--overwrite", "--kubeconfig", other.kubeconfig)
    assert "1 created, 3 replaced, 0 not imported" in done.stdout
    again = run("import", file, "--kubeconfig", other.kubeconfig, code=1)
    assert "already exists" in again.stderr and not canary.in_bytes(again.stderr.encode(), [value])
    target = other.kubectl(PROGRAM.parent / "kubectl")
    expected = kubectl.ok("get", "secret", "applied", "-n", "prod", "-o", "jsonpath={.data.k}")
    assert target.ok("get", "secret", "applied", "-n", "prod", "-o", "jsonpath={.data.k}") == expected
    assert "last-applied" not in target.ok("get", "secret", "applied", "-n", "prod", "-o", "yaml")
    # The same file, and a List, are what kubectl takes and gives.
    target.ok("delete", "namespace", "prod", "--wait=true", timeout=60)
    target.ok("apply", "-f", str(file))
    listed = kubectl.ok("get", "secrets,configmaps", "-A", "-o", "yaml")
    assert (
        "0 not imported"
        in run("import", "-", "--overwrite", "--kubeconfig", other.kubeconfig, stdin=listed).stdout
    )
    assert cluster.stop() == other.stop() == 0
    shutil.rmtree(tmp_path / "home", ignore_errors=True)


@pytest.mark.parametrize(
    ("text", "named"), [("a: [", "not YAML, line"), ("- a\n", "document 1"), ("kind: Secret\n", "document 1")]
)
def test_manifests_that_are_none_are_refused_before_anything_is_written(text: str, named: str) -> None:
    assert named in run("import", "-", "--kubeconfig", "/nonexistent", stdin=text, code=1).stderr
