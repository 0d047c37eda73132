"""A Secret's value is nowhere but in the API's answers and in the containers' memory."""

import os
from collections.abc import Callable
from pathlib import Path

from strongroom.testing import canary, expect, manifests
from strongroom.testing.api import API, Access
from strongroom.testing.cluster import PROGRAM, Cluster

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


def mistakes(kubeconfig: Path, value: str) -> None:
    """Requests with the value in them that are refused at different depths."""
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
            ("POST", f"{path}/a/{value}", b"{}"),
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
