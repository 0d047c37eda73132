"""Several servers on one etcd are one API: what is written through one is read through all."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator

import pytest

from strongroom.store.engines.etcd.endpoint import parse
from strongroom.store.engines.etcd.engine import EtcdEngine
from strongroom.testing import etcd as etcds
from strongroom.testing import expect
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import Cluster
from strongroom.testing.etcd import Etcd

Make = Callable[..., Cluster]
SECRETS = "/api/v1/namespaces/default/secrets"
pytestmark = pytest.mark.skipif(bool(etcds.missing()), reason=etcds.missing())


@pytest.fixture
def etcd() -> Iterator[Etcd]:
    with Etcd() as running:
        yield running


@pytest.fixture
def servers(etcd: Etcd, make: Make) -> tuple[Cluster, Cluster]:
    """Two that share the store, the keys, the authority and the administrator's token."""
    flags = ("--store", etcd.url)
    first, second = (make(name, node=False, flags=flags) for name in ("first", "second"))
    first.start()
    for shared in ("keys", "pki", "credentials"):
        shutil.copytree(first.data_dir / shared, second.data_dir / shared)
    second.data_dir.chmod(0o700)
    second.start()
    return first, second


def stored(etcd: Etcd, key: str) -> bytes:
    """What etcd holds."""

    async def read() -> bytes:
        engine = EtcdEngine(parse(etcd.url))
        await engine.start()
        try:
            found = await engine.get(key)
            assert found is not None, key
            return found.value
        finally:
            await engine.close()

    return asyncio.run(read())


def test_what_is_written_through_one_is_read_through_the_other(
    etcd: Etcd, servers: tuple[Cluster, Cluster]
) -> None:
    first, second = servers
    with API(Access.read(first.kubeconfig)) as one, API(Access.read(second.kubeconfig)) as other:
        for number in range(10):
            body = {"metadata": {"name": f"s{number}"}, "stringData": {"password": "s3cr3t-v4lue"}}
            made = one.ok("POST", SECRETS, body)
            assert other.ok("GET", f"{SECRETS}/s{number}") == made
            assert len(one.ok("GET", SECRETS)["items"]) == number + 1
            made["data"]["password"] = "bmV3"
            changed = other.ok("PUT", f"{SECRETS}/s{number}", made)
            assert one.ok("GET", f"{SECRETS}/s{number}") == changed
            refused = one.request("PUT", f"{SECRETS}/s{number}", made)
            assert refused.status == 409
        # A namespace that was made elsewhere a moment ago takes objects here.
        for number in range(3):
            one.ok("POST", "/api/v1/namespaces", {"metadata": {"name": f"n{number}"}})
            path = f"/api/v1/namespaces/n{number}/configmaps"
            other.ok("POST", path, {"metadata": {"name": "c"}, "data": {"k": "v"}})
    sealed = stored(etcd, "/registry/secrets/default/s0")
    assert sealed.startswith(b"k8s:enc:kms:v2:")
    assert b"s3cr3t" not in sealed
    plain = json.loads(stored(etcd, "/registry/configmaps/n0/c"))
    assert (plain["kind"], plain["apiVersion"], plain["data"]) == ("ConfigMap", "v1", {"k": "v"})
    assert "resourceVersion" not in plain["metadata"]


def test_the_controllers_go_on_when_the_server_that_runs_them_is_gone(
    servers: tuple[Cluster, Cluster],
) -> None:
    first, second = servers
    with API(Access.read(second.kubeconfig)) as api:
        path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/strongroom-controllers"
        holder = api.ok("GET", path)["spec"]["holderIdentity"]
        assert first.stop() == 0
        expect.until(lambda: api.ok("GET", path)["spec"]["holderIdentity"] not in ("", holder), timeout=15)
        api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "late"}})
        account = "/api/v1/namespaces/late/serviceaccounts/default"
        expect.until(lambda: api.request("GET", account).status == 200)


def test_etcd_that_is_away_is_told_and_passes(etcd: Etcd, make: Make) -> None:
    cluster = make(node=False, flags=("--store", etcd.url))
    cluster.start()
    with API(Access.read(cluster.kubeconfig)) as api:
        api.ok("POST", SECRETS, {"metadata": {"name": "before"}})
        etcd.members[0].kill()
        answer = api.request("GET", f"{SECRETS}/before")
        assert answer.status in (503, 504)
        assert answer.json()["kind"] == "Status"
        etcd.start(etcd.members[0])
        etcd.wait_until_healthy()
        expect.until(lambda: api.request("GET", f"{SECRETS}/before").status == 200)
        api.ok("POST", SECRETS, {"metadata": {"name": "after"}})
    assert "Traceback" not in cluster.output.read_text()
