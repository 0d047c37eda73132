"""Several servers on one etcd are one API: what is written through one is read through all."""

import asyncio
import base64
import json
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from strongroom.store.engines.etcd.endpoint import parse
from strongroom.store.engines.etcd.engine import EtcdEngine
from strongroom.testing import canary, expect
from strongroom.testing import etcd as etcds
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster, StartFailed
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
    """Two that share the store. The second one was given the keyring and nothing else."""
    flags = ("--store", etcd.url)
    first, second = (make(name, node=False, flags=flags) for name in ("first", "second"))
    first.start()
    give_keyring(first, second)
    second.start()
    return first, second


def give_keyring(first: Cluster, second: Cluster) -> None:
    keyring = second.data_dir / "keys" / "keyring.json"
    keyring.parent.mkdir(mode=0o700, parents=True)
    second.data_dir.chmod(0o700)
    shutil.copy(first.data_dir / "keys" / "keyring.json", keyring)


def keys(cluster: Cluster, etcd: Etcd, *arguments: str, code: int = 0) -> Any:
    """What `strongroom keys … -o json` says."""
    places: list[Any] = ["--data-dir", cluster.data_dir, "--store", etcd.url]
    done = subprocess.run(
        [PROGRAM, "keys", *arguments, *places, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return json.loads(done.stdout) if done.stdout else done.stderr


def everything(etcd: Etcd) -> dict[str, bytes]:
    """All that etcd answers with, also the past, by key and revision."""

    async def read() -> dict[str, bytes]:
        engine = EtcdEngine(parse(etcd.url))
        await engine.start()
        try:
            return {
                f"{kv.key}@{kv.mod_revision}": kv.value async for page in engine.stored("/") for kv in page
            }
        finally:
            await engine.close()

    return asyncio.run(read())


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
    value, new = canary.new(), canary.new()
    with API(Access.read(first.kubeconfig)) as one, API(Access.read(second.kubeconfig)) as other:
        for number in range(10):
            body = {"metadata": {"name": f"s{number}"}, "stringData": {"password": value}}
            made = one.ok("POST", SECRETS, body)
            assert other.ok("GET", f"{SECRETS}/s{number}") == made
            assert len(one.ok("GET", SECRETS)["items"]) == number + 1
            made["data"]["password"] = base64.b64encode(new.encode()).decode()
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
    for folder in (etcd.directory, first.directory, second.directory):
        assert canary.in_files(folder, [value, new]) == []
    plain = json.loads(stored(etcd, "/registry/configmaps/n0/c"))
    assert (plain["kind"], plain["apiVersion"], plain["data"]) == ("ConfigMap", "v1", {"k": "v"})
    assert "resourceVersion" not in plain["metadata"]


def test_what_servers_share_is_in_etcd_under_the_key_alone(
    etcd: Etcd, servers: tuple[Cluster, Cluster]
) -> None:
    first, second = servers
    names = ["pki/ca.key", "pki/ca.crt", "credentials/admin.token", "keys/keyring.json"]
    names += [
        f"keys/service-account/{path.name}"
        for path in (first.data_dir / "keys/service-account").glob("*.key")
    ]
    for name in names:
        ours = (second.data_dir / name).read_bytes()
        assert ours == (first.data_dir / name).read_bytes(), name
        assert stat.S_IMODE((second.data_dir / name).stat().st_mode) == 0o600, name
    account = "/api/v1/namespaces/default/serviceaccounts/default/token"
    with API(Access.read(first.kubeconfig)) as one, API(Access.read(second.kubeconfig)) as other:
        token = one.ok("POST", account, {"spec": {}})["status"]["token"]
        review = {"spec": {"token": token}}
        assert other.ok("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)["status"][
            "authenticated"
        ]
    lines = (first.data_dir / "pki/ca.key").read_text().splitlines()[1:-1]
    sought = [line.encode() for line in lines]
    sought.append((first.data_dir / "credentials/admin.token").read_bytes().strip())
    sought.append(json.loads((first.data_dir / "keys/keyring.json").read_text())["keys"][0]["key"].encode())
    found = everything(etcd)
    assert any(key.startswith("/strongroom/shared/credentials@") for key in found)
    for key, value in found.items():
        assert not any(each in value for each in sought), key
    files = b"".join(path.read_bytes() for path in etcd.directory.rglob("*") if path.is_file())
    assert not any(each in files for each in sought)


def test_a_server_with_no_keyring_or_another_authority_is_refused(etcd: Etcd, make: Make) -> None:
    flags = ("--store", etcd.url)
    first, second = (make(name, node=False, flags=flags) for name in ("first", "second"))
    first.start()
    key = json.loads((first.data_dir / "keys/keyring.json").read_text())["keys"][0]["id"]
    before = everything(etcd).keys()
    assert f'it must hold key "{key}": copy it from a server' in refusal(second)
    assert not (second.data_dir / "keys/keyring.json").exists()
    strange = make("strange", node=False)
    strange.start()
    assert strange.stop() == 0
    for folder in ("pki", "credentials", "keys"):
        shutil.copytree(strange.data_dir / folder, second.data_dir / folder, dirs_exist_ok=True)
    assert f"key '{key}' is not in the keyring" in refusal(second)
    shutil.rmtree(second.data_dir / "keys")
    give_keyring(first, second)
    assert "pki/ca.key is not that of the servers" in refusal(second)
    shutil.rmtree(second.data_dir / "pki")
    assert "admin.token is not the token of the servers" in refusal(second)
    assert {each for each in everything(etcd).keys() - before if "/shared/" in each} == set()
    shutil.rmtree(second.data_dir / "credentials")
    second.start()
    assert second.stop() == first.stop() == 0


def refusal(cluster: Cluster) -> str:
    with pytest.raises(StartFailed) as failed:
        cluster.start()
    lines = str(failed.value).splitlines()
    assert lines[0].startswith("exited with 1") and "Traceback" not in str(failed.value), failed.value
    assert lines[-1].startswith("strongroom: error: ")
    return lines[-1]


def held(cluster: Cluster) -> Any:
    """The keys of its keyring."""
    return json.loads((cluster.data_dir / "keys/keyring.json").read_text())["keys"]


def test_a_rotation_reaches_every_server_and_nothing_old_is_left(
    etcd: Etcd, servers: tuple[Cluster, Cluster]
) -> None:
    first, second = servers
    with API(Access.read(first.kubeconfig)) as one, API(Access.read(second.kubeconfig)) as other:
        for number in range(50):
            one.ok("POST", SECRETS, {"metadata": {"name": f"s{number}"}, "data": {"k": "dg=="}})
        old = keys(second, etcd, "status")["keys"][0]
        assert (old["state"], old["values"]) == ("current", 51), "the credentials, too"
        rotated = keys(first, etcd, "rotate")
        assert rotated["newKey"] and rotated["underOlderKeys"] == rotated["unreadable"] == 0
        assert rotated["rewritten"] == 50
        assert [each["data"]["k"] for each in other.ok("GET", SECRETS)["items"]] == ["dg=="] * 50
        expect.until(lambda: held(second)[0]["id"] == rotated["key"])
        other.ok("POST", SECRETS, {"metadata": {"name": "after"}, "data": {"k": "dg=="}})
        assert one.ok("GET", f"{SECRETS}/after")["data"] == {"k": "dg=="}
    proof = keys(second, etcd, "verify", "--scrub", "--remove-unused")
    assert proof["proven"] and set(proof["keys"]) == {f"kms/strongroom/{rotated['key']}"}
    assert proof["removedKeys"] == [old["key"]]
    assert not any("next-key" in key for key in everything(etcd))
    assert second.stop() == first.stop() == 0
    # Without a server, and on with the one that was not told while it was away.
    again = keys(first, etcd, "rotate")
    assert again["newKey"] and again["rewritten"] == 51
    assert f"key '{again['key']}' is not in the keyring" in refusal(second)
    first.start()
    with API(Access.read(first.kubeconfig)) as one:
        assert len(one.ok("GET", SECRETS)["items"]) == 51


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
