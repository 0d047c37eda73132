"""A cluster moves from SQLite to etcd and back: nothing is lost, and clients notice what they must."""

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from strongroom.testing import etcd as etcds
from strongroom.testing import expect
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster, StartFailed
from strongroom.testing.etcd import Etcd

Make = Callable[..., Cluster]
SECRETS = "/api/v1/namespaces/default/secrets"
KINDS = ("namespaces", "secrets", "configmaps", "serviceaccounts", "services", "endpoints", "nodes", "pods")
pytestmark = pytest.mark.skipif(bool(etcds.missing()), reason=etcds.missing())


@pytest.fixture
def etcd() -> Iterator[Etcd]:
    with Etcd() as running:
        yield running


def migrate(cluster: Cluster, *arguments: str, code: int = 0) -> Any:
    done = subprocess.run(
        [PROGRAM, "migrate", *arguments, "--data-dir", cluster.data_dir, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code and "Traceback" not in done.stderr, (done.stdout, done.stderr)
    return done.stderr if code else json.loads(done.stdout)


def content(api: API) -> dict[str, Any]:
    """All objects, without their resourceVersions; without Leases, which are written all the time."""
    found = {}
    for kind in KINDS:
        for each in api.ok("GET", f"/api/v1/{kind}")["items"]:
            del each["metadata"]["resourceVersion"]
            found[f"{kind}/{each['metadata'].get('namespace')}/{each['metadata']['name']}"] = each
    return found


def newest(api: API) -> int:
    return int(api.ok("GET", SECRETS)["metadata"]["resourceVersion"])


def expired(access: Access, revision: int) -> bool:
    """Whether a watch from `revision` is told to list anew."""
    with API(access) as watcher:
        path = f"{SECRETS}?watch=1&timeoutSeconds=1&resourceVersion={revision}"
        reply = watcher.request("GET", path)
        return reply.status == 410 or b'"reason":"Expired"' in reply.body


def test_a_cluster_moves_to_etcd_and_back(etcd: Etcd, make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        for number in range(30):
            body = {"metadata": {"name": f"s{number}"}, "stringData": {"password": f"v{number}"}}
            made = api.ok("POST", SECRETS, body)
            api.ok("PUT", f"{SECRETS}/s{number}", made | {"data": {"password": "bmV3"}})
        api.ok("DELETE", f"{SECRETS}/s29")
        before, last = content(api), newest(api)
    refused = migrate(cluster, "--from", "sqlite", "--to", etcd.url, code=1)
    assert "is in use by process" in refused
    assert cluster.stop() == 0

    there = migrate(cluster, "--from", "sqlite", "--to", etcd.url)
    assert there["objects"] > len(before) and there["encrypted"] == 29 and there["revision"] > last
    assert "is not empty" in migrate(cluster, "--from", "sqlite", "--to", etcd.url, code=1)
    cluster.flags = ("--store", etcd.url)
    cluster.start()
    access = Access.read(cluster.kubeconfig)
    with API(access) as api:
        assert content(api) == before
        listed = api.ok("GET", SECRETS)["items"]
        assert min(int(each["metadata"]["resourceVersion"]) for each in listed) > last
        assert expired(access, last) and expired(access, last - 5)
        stale = api.request(
            "PUT", f"{SECRETS}/s0", listed[0] | {"metadata": {"name": "s0", "resourceVersion": "9"}}
        )
        assert stale.status == 409
        api.ok("POST", SECRETS, {"metadata": {"name": "on-etcd"}, "stringData": {"k": "v"}})
        before, kept = (
            content(api),
            {each["metadata"]["name"]: each for each in api.ok("GET", SECRETS)["items"]},
        )
        last = newest(api)
    assert cluster.stop() == 0

    assert "is not empty" in migrate(cluster, "--from", etcd.url, "--to", "sqlite", code=1)
    (cluster.data_dir / "store").rename(cluster.data_dir / "store-before")
    back = migrate(cluster, "--from", etcd.url, "--to", "sqlite")
    assert back["encrypted"] == 30 and back["revision"] >= last
    cluster.flags = ()
    cluster.start()
    access = Access.read(cluster.kubeconfig)
    with API(access) as api:
        assert content(api) == before
        assert {each["metadata"]["name"]: each for each in api.ok("GET", SECRETS)["items"]} == kept
        assert expired(access, last - 5)
        made = api.ok("POST", SECRETS, {"metadata": {"name": "after"}})
        assert int(made["metadata"]["resourceVersion"]) > back["revision"]
    assert cluster.stop() == 0
    assert [each.name for each in (cluster.data_dir / "store").iterdir() if "migrating" in each.name] == []


def test_out_of_etcd_into_a_directory_that_holds_the_keyring_alone(etcd: Etcd, make: Make) -> None:
    first = make("first", node=False, flags=("--store", etcd.url))
    first.start()
    with API(Access.read(first.kubeconfig)) as api:
        api.ok("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"k": "v"}})
        before = content(api)
    assert first.stop() == 0
    second = make("second", node=False)
    ring = second.data_dir / "keys" / "keyring.json"
    ring.parent.mkdir(parents=True, mode=0o700)
    refused = migrate(second, "--from", etcd.url, "--to", "sqlite", code=1)
    assert "keyring is missing" in refused and not (second.data_dir / "store").exists()
    ring.write_bytes((first.data_dir / "keys" / "keyring.json").read_bytes())
    ring.chmod(0o600)
    migrate(second, "--from", etcd.url, "--to", "sqlite")
    second.start()
    token = (first.data_dir / "credentials" / "admin.token").read_text()
    assert (second.data_dir / "credentials" / "admin.token").read_text() == token
    with API(Access.read(second.kubeconfig)) as api:
        assert (
            content(api).items() >= {key: each for key, each in before.items() if "secrets/" in key}.items()
        )
    assert second.stop() == 0


def test_a_migration_into_etcd_that_was_killed_goes_on(etcd: Etcd, make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        for number in range(400):
            api.ok("POST", SECRETS, {"metadata": {"name": f"s{number}"}, "stringData": {"k": "v"}})
        before, last = content(api), newest(api)
    assert cluster.stop() == 0
    arguments = ["--from", "sqlite", "--to", etcd.url, "--data-dir", str(cluster.data_dir)]
    killed = subprocess.Popen(
        [PROGRAM, "migrate", *arguments], stderr=subprocess.DEVNULL, start_new_session=True
    )
    expect.until(lambda: holds(etcd, "/strongroom/migration"), what="it has begun", timeout=30)
    time.sleep(0.15)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    if holds(etcd, "/strongroom/migration"):  # else it was quicker than the kill
        cluster.flags = ("--store", etcd.url)
        with pytest.raises(StartFailed, match="call strongroom migrate again"):
            cluster.start()
        migrate(cluster, "--from", "sqlite", "--to", etcd.url)
    cluster.flags = ("--store", etcd.url)
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        assert content(api) == before and newest(api) > last
    assert cluster.stop() == 0


def holds(etcd: Etcd, key: str) -> bool:
    encoded = base64.b64encode(key.encode()).decode()
    return b'"count":"1"' in etcd.ask("kv/range", key=encoded)
