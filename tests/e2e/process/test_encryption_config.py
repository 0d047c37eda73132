"""`--encryption-config`: from the keyring to named keys to a KMS plugin, nothing lost or left behind."""

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster, StartFailed
from strongroom.testing.fake_kms import FakeKMS

Make = Callable[..., Cluster]

SECRETS = "/api/v1/namespaces/default/secrets"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def write(path: Path, *providers: Any) -> None:
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    blocks = [{"resources": ["secrets", "configmaps"], "providers": list(providers)}]
    path.write_text(yaml.safe_dump({**head, "resources": blocks}))


def keyed(kind: str, name: str = "key1") -> Any:
    return {kind: {"keys": [{"name": name, "secret": base64.b64encode(os.urandom(32)).decode()}]}}


def keys(cluster: Cluster, config: Path, *arguments: str) -> Any:
    places: list[str | Path] = ["--data-dir", cluster.data_dir, "--encryption-config", config]
    done = subprocess.run(
        [PROGRAM, "keys", *arguments, *places, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_from_the_keyring_to_named_keys_and_to_a_plugin(make: Make, tmp_path: Path) -> None:
    config = tmp_path / "encryption.yaml"
    own = {"kms": {"apiVersion": "v2", "name": "strongroom", "endpoint": "keyring"}}
    plain = make(node=False)
    plain.start()
    with API(Access.read(plain.kubeconfig)) as api:
        for number in range(5):
            api.ok("POST", SECRETS, {"metadata": {"name": f"s{number}"}, "data": {"k": "dg=="}})
        api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"k": "plain-config"}})
    assert plain.stop() == 0
    database = plain.data_dir / "store" / "strongroom.db"
    assert b"plain-config" in database.read_bytes()

    aes, box = keyed("aesgcm"), keyed("secretbox", "box")
    cluster = make(node=False, flags=["--encryption-config", str(config)])
    write(config, aes)
    with pytest.raises(StartFailed, match=r"no provider for key .*kms/strongroom/local-"):
        cluster.start()
    write(config, aes, own, {"identity": {}})
    cluster.start()
    rotated = keys(cluster, config, "rotate")
    assert rotated["rewritten"] >= 6 and not rotated["newKey"]
    proof = keys(cluster, config, "verify", "--scrub")
    assert proof["proven"] and set(proof["keys"]) == {"aesgcm/key1"}
    assert b"plain-config" not in database.read_bytes()

    write(config, box, aes)
    assert keys(cluster, config, "rotate")["rewritten"] >= 6, "the change is taken over at once"
    with tempfile.TemporaryDirectory(prefix="kms-") as folder, FakeKMS(Path(folder, "s")) as kms:
        plugin = {"kms": {"apiVersion": "v2", "name": "held", "endpoint": kms.endpoint}}
        write(config, plugin, box)
        assert keys(cluster, config, "rotate")["rewritten"] >= 6
        new = kms.rotate()
        assert keys(cluster, config, "rotate")["rewritten"] >= 6
        write(config, plugin)
        proof = keys(cluster, config, "verify", "--scrub")
        assert proof["proven"] and set(proof["keys"]) == {f"kms/held/{new}"}
        cluster.kill9()
        cluster.start()
        with API(Access.read(cluster.kubeconfig)) as api:
            assert [each["data"] for each in api.ok("GET", SECRETS)["items"]] == [{"k": "dg=="}] * 5
            assert api.ok("GET", f"{CONFIG_MAPS}/c")["data"] == {"k": "plain-config"}
            assert api.request("GET", "/readyz/kms-providers").status == 200
        assert cluster.stop() == 0
    with pytest.raises(StartFailed, match='KMS plugin "held" answers Status with UNAVAILABLE'):
        cluster.start()


def test_a_wrong_configuration_is_one_line(make: Make, tmp_path: Path) -> None:
    config = tmp_path / "encryption.yaml"
    write(config, {"rot13": {}})
    cluster = make(node=False, flags=["--encryption-config", str(config)])
    with pytest.raises(StartFailed) as failed:
        cluster.start()
    last = str(failed.value).splitlines()[-1]
    assert last == f"strongroom: error: {config}: resources[0].providers[0]: unknown field 'rot13'"
    assert not (cluster.data_dir / "store").exists()
