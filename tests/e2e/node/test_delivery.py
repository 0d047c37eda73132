"""Delivery receipts: which version of a Secret each container holds, told by its node."""

import json
import subprocess
import time

from strongroom.testing import expect, manifests
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl

FOLLOWS, PART, TOGETHER = "/files", "/part", "/both"


def holder() -> dict[str, object]:
    """A Pod whose container has the Secret `db` in every way."""
    pod = manifests.pod(
        "web",
        env=[{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
        volumes={
            FOLLOWS: {"secret": {"secretName": "db"}},
            TOGETHER: {"projected": {"sources": [{"secret": {"name": "db"}}]}},
        },
    )
    part = {"name": "v0", "mountPath": PART, "subPath": "password"}
    pod["spec"]["containers"][0]["volumeMounts"].append(part)
    return pod


def delivery(
    cluster: Cluster, kubectl: Kubectl, *flags: str, config: str = ""
) -> "subprocess.CompletedProcess[str]":
    command = [str(PROGRAM), "delivery", "secret", "db", "-n", kubectl.namespace, *flags]
    command += ["--kubeconfig", config or str(cluster.kubeconfig)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def states(printed: str) -> dict[str, tuple[str, str]]:
    """Way -> state and version."""
    return {
        f"{each['way']} {each.get('volume', '')}".strip(): (each["state"], each["resourceVersion"])
        for each in json.loads(printed)["holders"]
    }


def test_each_way_tells_what_it_holds(cluster: Cluster, latest: Kubectl) -> None:
    version = ("get", "secret", "db", "-ojsonpath={.metadata.resourceVersion}")
    latest.ok("create", "secret", "generic", "db", "--from-literal=password=s3cr3t-of-receipts")
    latest.ok("create", "-f", "-", stdin=manifests.text(holder()))
    latest.ok("wait", "--for=condition=Ready", "pod/web", "--timeout=40s")
    old = latest.ok(*version)
    done = delivery(cluster, latest, "--wait", "--for", "all", "--timeout", "20s", "-o", "json")
    assert done.returncode == 0, done.stderr
    ways = ("Env", "SubPath v0", "Volume v0", "Volume v1")
    assert states(done.stdout) == dict.fromkeys(ways, ("Current", old))

    latest.ok("patch", "secret", "db", "-p", '{"stringData":{"password":"changed-of-receipts"}}')
    new = latest.ok(*version)
    began = time.monotonic()
    done = delivery(cluster, latest, "--wait", "--timeout", "20s", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 10
    # What the command promises is so.
    assert latest.ok("exec", "web", "--", "cat", f"{FOLLOWS}/password") == "changed-of-receipts"
    assert latest.ok("exec", "web", "--", "cat", f"{PART}") == "s3cr3t-of-receipts"
    assert states(done.stdout) == {
        "Env": ("Stale", old),
        "SubPath v0": ("Stale", old),
        "Volume v0": ("Current", new),
        "Volume v1": ("Current", new),
    }
    late = delivery(cluster, latest, "--wait", "--for", "all", "--timeout", "1s")
    assert late.returncode == 1
    assert "2 of 4 lag behind: web/main" in late.stderr
    assert f"env: {old}" in late.stderr
    rows = {line.split()[2]: line for line in late.stdout.splitlines()[1:]}
    assert "Stale" in rows["Env"]
    assert "restart the container" in rows["Env"]

    # A container that starts again holds the newest.
    latest("exec", "web", "--", "sh", "-c", "kill 1")
    done = delivery(cluster, latest, "--wait", "--for", "all", "--timeout", "30s", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert set(states(done.stdout).values()) == {("Current", new)}

    # Other programs read it as an object, which holds no value and goes with the Pod.
    path = f"/apis/delivery.strongroom.dev/v1/namespaces/{latest.namespace}/secretdeliveries/web"
    raw = latest.ok("get", "--raw", path)
    assert {each["resourceVersion"] for each in json.loads(raw)["deliveries"]} == {new}
    assert f"db@{new}" in latest.ok("get", "secretdeliveries")
    assert "of-receipts" not in raw + done.stdout + late.stdout + late.stderr
    latest.ok("delete", "pod", "web")
    expect.until(lambda: latest.ok("get", "secretdeliveries", "-oname") == "", what="the receipt to go")


def test_who_may_not_read_secrets_sees_no_receipts(cluster: Cluster, latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "db", "--from-literal=password=x")
    latest.ok("create", "serviceaccount", "viewer")
    account = f"--serviceaccount={latest.namespace}:viewer"
    name = f"--as=system:serviceaccount:{latest.namespace}:viewer"
    latest.ok("create", "rolebinding", "b", "--clusterrole=view", account)
    expect.until(lambda: latest("get", "pods", name).code == 0, what="the role to hold")
    assert "Forbidden" in latest.fails("get", "secretdeliveries", name)
    assert "Forbidden" in latest.fails("get", "secret", "db", name)
    latest.ok("create", "rolebinding", "c", "--clusterrole=edit", account)
    expect.until(lambda: latest("get", "secretdeliveries", name).code == 0, what="the role to hold")


def test_a_secret_that_is_not_there_is_one_line(cluster: Cluster, latest: Kubectl) -> None:
    missing = delivery(cluster, latest)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == 'strongroom: error: secrets "db" not found\n'
