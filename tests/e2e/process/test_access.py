"""`strongroom access secret` against a running cluster."""

import json
import subprocess

from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl


def access(cluster: Cluster, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(PROGRAM), "access", "secret", *arguments, "--kubeconfig", str(cluster.kubeconfig)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_who_may_create_a_pod_can_obtain_the_secret(cluster: Cluster, latest: Kubectl) -> None:
    where = ("-n", latest.namespace)
    latest.ok("create", "secret", "generic", "db", "--from-literal=password=s3cr3t-v4lue")
    clean = access(cluster, "db", *where, "--fail-on-indirect")
    assert clean.returncode == 0, clean.stderr
    assert "Group system:masters" in clean.stdout
    latest.ok("create", "role", "deployer", "--verb=create", "--resource=pods")
    latest.ok("create", "rolebinding", "deployer", "--role=deployer", "--user=eve")
    table = access(cluster, "db", *where).stdout
    row = next(line for line in table.splitlines() if line.startswith("User eve"))
    assert f"indirect   create a Pod in {latest.namespace} that mounts it" in row
    assert f"RoleBinding {latest.namespace}/deployer of Role deployer" in row
    failed = access(cluster, "db", *where, "--fail-on-indirect", "-o", "json")
    assert failed.returncode == 1
    assert "without the right to read it: User eve" in failed.stderr
    found = {each["subject"]["name"]: each for each in json.loads(failed.stdout)["subjects"]}
    assert found["eve"]["ways"][0]["kind"] == "create-pod"
    assert "s3cr3t-v4lue" not in table + failed.stdout


def test_what_can_not_be_answered_is_one_line(cluster: Cluster, latest: Kubectl) -> None:
    missing = access(cluster, "nothing", "-n", latest.namespace)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == 'strongroom: error: secrets "nothing" not found\n'
