"""`strongroom token` and what the API makes of its tokens."""

import dataclasses
import json
import subprocess

from strongroom.testing import api as plain_api
from strongroom.testing import cluster as clusters


def _token(cluster: clusters.Cluster, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(clusters.PROGRAM), "token", "--kubeconfig", str(cluster.kubeconfig), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _whoami(cluster: clusters.Cluster, token: str) -> int:
    known = plain_api.Access.read(cluster.kubeconfig)
    with plain_api.API(dataclasses.replace(known, token=token)) as api:
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        return api.request("POST", path, {"kind": "SelfSubjectReview"}).status


def test_a_token_is_made_listed_and_deleted(cluster: clusters.Cluster) -> None:
    made = _token(cluster, "create", "--ttl", "1h", "--description", "rack 7")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert _whoami(cluster, token) == 201
    shown = json.loads(_token(cluster, "list", "-o", "json").stdout)
    (mine,) = [each for each in shown["items"] if each["token"] == token[:6]]
    assert mine["description"] == "rack 7"
    assert token[7:] not in json.dumps(shown)
    deleted = _token(cluster, "delete", token)
    assert deleted.stdout == f'bootstrap token "{token[:6]}" deleted\n'
    assert _whoami(cluster, token) == 401
    again = _token(cluster, "delete", token)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == f'strongroom: error: secrets "bootstrap-token-{token[:6]}" not found\n'


def test_the_join_command_names_the_server_and_its_key(cluster: clusters.Cluster) -> None:
    made = _token(cluster, "create", "--print-join-command", "--ttl", "1m")
    assert made.stdout.startswith(f"strongroom node --server {cluster.url} --ca-cert-hash sha256:")
    assert "only this machine reaches the API at 127.0.0.1" in made.stderr


def test_bad_input_is_told_in_one_line(cluster: clusters.Cluster) -> None:
    for words, text in (
        (("create", "--ttl", "1d"), "--ttl: '1d' is no duration such as 90s, 30m or 24h"),
        (
            ("create", "--groups", "system:masters"),
            "'system:masters' does not begin with system:bootstrappers:",
        ),
        (("create", "--usages", "root"), "'root' is none of signing, authentication"),
        (("delete", "nonsense"), "a token's id is of the form [a-z0-9]{6}"),
    ):
        refused = _token(cluster, *words)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert text in refused.stderr
        assert refused.stderr.count("\n") == 1
