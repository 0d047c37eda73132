"""`strongroom keys service-account` on a server that runs, is killed, and is stopped; with stock kubectl."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import yaml
from tests.e2e.conftest import CURRENT

from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl

Make = Callable[..., Cluster]


def keys(cluster: Cluster, *arguments: str) -> Any:
    done = command(cluster, *arguments, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def command(cluster: Cluster, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, "keys", "service-account", *arguments, "--data-dir", cluster.data_dir],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def known(kubectl: Kubectl, token: str) -> bool:
    """Whether the API knows the token's sender: kubectl's word for it."""
    result = kubectl("auth", "whoami", "--token", token, "--kubeconfig", _without_user(kubectl))
    assert result.code == 0 or "Unauthorized" in result.stderr or "logged in" in result.stderr, str(result)
    return result.code == 0


def _without_user(kubectl: Kubectl) -> Path:
    """The kubeconfig without the administrator's token, which would go before --token."""
    config = yaml.safe_load(kubectl.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {}} for user in config["users"]]
    path = kubectl.kubeconfig.with_name("nobody.kubeconfig")
    path.write_text(yaml.safe_dump(config))
    return path


def test_tokens_outlive_a_rotation_and_die_with_their_key(make: Make) -> None:
    cluster = make(node=False)
    cluster.start()
    kubectl = cluster.kubectl(CURRENT)
    kubectl.ok("create", "serviceaccount", "app")
    first = kubectl.ok("create", "token", "app").strip()
    assert known(kubectl, first)

    # Online, at once.
    rotated = keys(cluster, "rotate")
    second = kubectl.ok("create", "token", "app").strip()
    assert kid(second) == rotated["key"] != kid(first)
    assert known(kubectl, first) and known(kubectl, second)
    published = {key["kid"] for key in json.loads(kubectl.ok("get", "--raw", "/openid/v1/jwks"))["keys"]}
    assert published == {kid(first), kid(second)}

    # What was done is there after a loss of power.
    cluster.kill9()
    cluster.start()
    assert known(kubectl, first) and known(kubectl, second)
    assert [row["state"] for row in keys(cluster, "status")["keys"]] == ["signs", "old"]
    refused = command(cluster, "remove", kid(second))
    assert refused.returncode == 1 and "rotate first" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1

    assert keys(cluster, "remove", kid(first))["removed"] == [kid(first)]
    assert not known(kubectl, first) and known(kubectl, second)

    # Without a server.
    assert cluster.stop() == 0
    third = keys(cluster, "rotate", "--stage")
    assert [row["state"] for row in keys(cluster, "status")["keys"]] == ["signs", "next"]
    assert keys(cluster, "rotate")["key"] == third["key"]
    cluster.start()
    assert known(kubectl, second)
    assert kid(kubectl.ok("create", "token", "app").strip()) == third["key"]
    assert keys(cluster, "remove", "--old")["removed"] == [kid(second)]
    assert not known(kubectl, second)
    assert cluster.stop() == 0
    assert "PRIVATE" not in cluster.output.read_text()
    nowhere = subprocess.run(
        [PROGRAM, "keys", "service-account", "status", "--data-dir", cluster.directory / "nowhere"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert nowhere.returncode == 1 and "holds no key" in nowhere.stderr
