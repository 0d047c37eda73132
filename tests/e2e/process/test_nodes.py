"""Three nodes on one server: Pods spread over them and find one another, and one that is killed is replaced.

The server is this machine, on a bridge; each node is a network namespace on it, with a containerd of its own.
"""

import contextlib
import dataclasses
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import CURRENT

from strongroom.testing import api as plain_api
from strongroom.testing import expect, images, namespaces, registry
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.joined_node import JoinedNode
from strongroom.testing.kubectl import Kubectl

NAMES = ("m1", "m2", "m3")
REVIEW = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}


@dataclasses.dataclass
class Lab:
    server: Cluster
    nodes: dict[str, JoinedNode]
    kubectl: Kubectl
    token_file: Path

    def api(self, token: str = "") -> plain_api.API:
        """As the administrator, or with another token."""
        known = plain_api.Access.read(self.server.kubeconfig)
        return plain_api.API(dataclasses.replace(known, token=token) if token else known)

    def pods(self, app: str) -> list[dict[str, Any]]:
        """Those that are not about to go."""
        listed = json.loads(self.kubectl.ok("get", "pods", "-l", f"app={app}", "-o", "json"))["items"]
        return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, app: str, count: int) -> dict[str, dict[str, Any]]:
        """By node, once so many are ready."""

        def look() -> dict[str, dict[str, Any]]:
            found = self.pods(app)
            good = all(_condition(pod, "Ready") == "True" for pod in found)
            return {pod["spec"]["nodeName"]: pod for pod in found} if good and len(found) == count else {}

        return expect.until(look, timeout=40, what=f"{count} ready Pods of {app}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if not all(map(shutil.which, ("ip", "nsenter", "containerd"))):
        pytest.skip("needs ip, nsenter and containerd")
    directory = tmp_path_factory.mktemp("nodes")
    with contextlib.ExitStack() as stack:
        machines = stack.enter_context(namespaces.Machines())
        images_of = stack.enter_context(registry.Registry(directory / "registry", host=machines.address))
        images_of.push("library/nginx:latest", images.nginx())
        registry.write_hosts(directory / "certs.d", ["docker.io", "registry.k8s.io"], images_of.address)
        flags = ("--node-monitor-grace-period", "4s")
        server = Cluster(directory / "server", node=False, host=machines.address, flags=flags)
        stack.enter_context(server)
        made = json.loads(_token(server, "create", "--ttl", "10m", "--print-join-command", "-o", "json"))
        token_file = directory / "token"
        token_file.write_text(made["token"])
        command = made["joinCommand"].split()
        shared = [*command[2 : command.index("--token-file")], "--token-file", str(token_file)]
        shared += ["--registry-config", str(directory / "certs.d"), "--node-status-update-frequency", "1s"]
        nodes = {}
        for name in NAMES:
            node = JoinedNode(name, machines.add(name), machines, directory, shared)
            stack.callback(node.clean)
            node.start()
            nodes[name] = node
        for node in nodes.values():
            node.wait_until_ready()
        yield Lab(server, nodes, server.kubectl(CURRENT), token_file)


def _token(server: Cluster, *words: str) -> str:
    command = [str(PROGRAM), "token", "--kubeconfig", str(server.kubeconfig), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _condition(obj: dict[str, Any], kind: str) -> str:
    found = obj.get("status", {}).get("conditions") or ()
    return next((each["status"] for each in found if each["type"] == kind), "")


def _deployment(name: str, replicas: int) -> str:
    """Pods on different nodes as far as there are, which leave a lost node at once."""
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": name}},
    }
    lost = [
        {
            "key": f"node.kubernetes.io/{key}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 0,
        }
        for key in ("unreachable", "not-ready")
    ]
    value = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": "password"}}}
    container = {
        "name": "c",
        "image": "nginx",
        "env": [value],
        "volumeMounts": [{"name": "v", "mountPath": "/etc/secret"}],
    }
    pod = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "containers": [container],
            "volumes": [{"name": "v", "secret": {"secretName": name}}],
            "topologySpreadConstraints": [spread],
            "tolerations": lost,
            "terminationGracePeriodSeconds": 1,
        },
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pod}
    deployment = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name},
        "spec": spec,
    }
    secret = {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "stringData": {"password": f"value-of-{name}"},
    }
    return json.dumps({"kind": "List", "apiVersion": "v1", "items": [secret, deployment]})


@pytest.fixture(scope="module")
def spread(lab: Lab) -> dict[str, dict[str, Any]]:
    """A Deployment with a Pod on each node; they stay for all tests."""
    lab.kubectl.ok("apply", "-f", "-", stdin=_deployment("web", 3))
    lab.kubectl.ok("expose", "deployment/web", "--port=80")
    found = lab.ready("web", 3)
    assert set(found) == set(NAMES)
    return found


def test_a_secret_reaches_a_pod_on_each_node(lab: Lab, spread: dict[str, dict[str, Any]]) -> None:
    for pod in spread.values():
        name = pod["metadata"]["name"]
        script = "cat /etc/secret/password; echo; echo $PASSWORD"
        assert lab.kubectl.ok("exec", name, "--", "sh", "-c", script) == "value-of-web\nvalue-of-web\n"
        assert lab.kubectl.ok("logs", name).count("\n") >= 1


def test_pods_reach_each_other_across_nodes_and_the_api(lab: Lab, spread: dict[str, dict[str, Any]]) -> None:
    service = json.loads(lab.kubectl.ok("get", "service", "web", "-o", "json"))["spec"]["clusterIP"]
    addresses = [pod["status"]["podIP"] for pod in spread.values()]
    subnets = {node: lab.kubectl.ok("get", "node", node, "-o", "jsonpath={.spec.podCIDR}") for node in NAMES}
    assert len(set(subnets.values())) == 3
    with lab.api() as admin:
        told = {node: admin.ok("GET", f"/api/v1/nodes/{node}")["metadata"]["annotations"] for node in NAMES}
    assert {node: each["strongroom.dev/pod-network"] for node, each in told.items()} == subnets
    for node, pod in spread.items():
        assert pod["status"]["podIP"].rpartition(".")[0] == subnets[node].rpartition(".")[0]
        get = "for i in {}; do wget -q -O - http://$i | grep -c Welcome; done".format(
            " ".join([*addresses, *[service] * 3])
        )
        name = pod["metadata"]["name"]
        assert lab.kubectl.ok("exec", name, "--", "sh", "-c", get).split() == ["1"] * 6
        # busybox speaks no TLS that the API takes: that it is reached is what counts.
        reach = "nc -w 5 $KUBERNETES_SERVICE_HOST 443 </dev/null && echo reached"
        assert lab.kubectl.ok("exec", name, "--", "sh", "-c", reach) == "reached\n"


def test_a_node_reads_only_secrets_of_its_pods(lab: Lab, spread: dict[str, dict[str, Any]]) -> None:
    path = "/api/v1/namespaces/default/secrets"
    for node in NAMES:
        lab.kubectl("create", "secret", "generic", f"only-{node}", "--from-literal=k=v")
        pod = {
            "metadata": {"name": f"only-{node}"},
            "spec": {
                "nodeName": node,
                "containers": [{"name": "c", "image": "nginx"}],
                "volumes": [{"name": "v", "secret": {"secretName": f"only-{node}"}}],
            },
        }
        with lab.api() as admin:
            admin.ok("POST", "/api/v1/namespaces/default/pods", pod)
    for node in NAMES:
        with lab.api(lab.nodes[node].credentials["token"]) as api:
            codes = {other: api.request("GET", f"{path}/only-{other}").status for other in NAMES}
            assert codes == {other: 200 if other == node else 403 for other in NAMES}
            assert api.request("GET", path).status == 403
            assert api.request("GET", "/api/v1/nodes").status == 403
        with lab.api(lab.nodes[node].credentials["proxyToken"]) as api:
            assert api.request("GET", f"{path}/only-{node}").status == 403
    with lab.api(lab.token_file.read_text()) as api:
        assert api.request("GET", f"{path}/only-m1").status == 403
    lab.kubectl.ok("delete", "pod", *(f"only-{node}" for node in NAMES), "--grace-period=1", "--wait=false")


def test_nobody_but_the_server_is_let_in_at_a_node(lab: Lab, spread: dict[str, dict[str, Any]]) -> None:
    with lab.api() as admin:
        node = admin.ok("GET", "/api/v1/nodes/m1")
    port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    address = lab.nodes["m1"].address
    assert (port, node["status"]["addresses"][0]["address"]) == (10250, address)
    name = spread["m1"]["metadata"]["name"]
    path = f"/exec/default/{name}/c?command=id&output=1"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    credentials = [each for node in NAMES for each in lab.nodes[node].credentials.values()]
    tokens = [
        "",
        lab.token_file.read_text(),
        plain_api.Access.read(lab.server.kubeconfig).token,
        *credentials,
    ]
    for token in tokens:
        with plain_api.API(plain_api.Access(address, port, context, token)) as stranger:
            assert stranger.request("GET", path).status == 401
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), 1):
        pass


def test_a_machine_that_may_not_join_is_told_so_in_one_line(lab: Lab, tmp_path: Path) -> None:
    trust = lab.nodes["m1"].arguments[lab.nodes["m1"].arguments.index("--ca-cert-hash") + 1]
    other, bad = "sha256:" + "0" * 64, tmp_path / "token"
    bad.write_text("abcdef.0123456789abcdef")
    for name, pin, file, text in (
        ("m9", other, lab.token_file, "shows no certificate authority whose key has the hash sha256:0000"),
        ("m9", trust, bad, f"does not take the token in {bad}: it has expired, was deleted"),
        ("m9", trust, tmp_path / "none", "No such file or directory"),
        ("m1", trust, lab.token_file, "a node of this name is there"),
    ):
        command = [str(PROGRAM), "node", "--server", lab.server.url, "--ca-cert-hash", pin]
        command += ["--token-file", str(file), "--node-name", name, "--data-dir", str(tmp_path / name)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("strongroom: error: ")
        assert text in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert "0123456789abcdef" not in refused.stderr
    with lab.api() as admin:
        assert admin.request("GET", "/api/v1/nodes/m9").status == 404


def test_a_killed_node_is_replaced_and_its_credential_is_good_for_nothing_else(
    lab: Lab, spread: dict[str, dict[str, Any]]
) -> None:
    lab.kubectl.ok("apply", "-f", "-", stdin=_deployment("moving", 3))
    before = lab.ready("moving", 3)
    assert set(before) == set(NAMES)
    lost, others = lab.nodes["m2"], {"m1", "m3"}
    stolen = lost.credentials["token"]
    lost.kill9()

    def is_unknown() -> bool:
        with lab.api() as admin:
            return _condition(admin.ok("GET", "/api/v1/nodes/m2"), "Ready") == "Unknown"

    expect.until(is_unknown, timeout=20, what="m2 to be unknown")
    assert "NotReady" in lab.kubectl.ok("get", "node", "m2")

    def replaced() -> bool:
        found = lab.pods("moving")
        return len(found) == 3 and all(
            pod["spec"].get("nodeName") in others and _condition(pod, "Ready") == "True" for pod in found
        )

    expect.until(replaced, timeout=30, what="the Pods of m2 to run elsewhere")
    secrets = "/api/v1/namespaces/default/secrets"
    lab.kubectl.ok("create", "secret", "generic", "unrelated", "--from-literal=k=v")
    with lab.api(stolen) as api:
        assert api.request("GET", f"{secrets}/unrelated").status == 403
        patch = {"metadata": {"labels": {"a": "b"}}}
        media = "application/merge-patch+json"
        assert api.request("PATCH", "/api/v1/nodes/m1", patch, content_type=media).status == 403
        asked = {"kind": "NodeTokenRequest", "apiVersion": "strongroom.dev/v1"}
        for node, key, code in (("m1", lost.key, 403), ("m4", lost.key, 403), ("m2", "x" * 43, 409)):
            answer = api.request("POST", f"/api/v1/nodes/{node}/token", {**asked, "spec": {"key": key}})
            assert answer.status == code, (node, answer.body)
    # It comes back with what it has: no bootstrap token is asked for.
    kept = lab.token_file.read_text()
    lab.token_file.write_text("")
    lost.start()
    lost.wait_until_ready()
    lab.token_file.write_text(kept)

    def is_back() -> bool:
        with lab.api() as admin:
            return _condition(admin.ok("GET", "/api/v1/nodes/m2"), "Ready") == "True"

    expect.until(is_back, timeout=20, what="m2 to be ready again")
    me = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    with lab.api(stolen) as api:
        assert api.request("POST", me, REVIEW).status == 201
    lab.kubectl.ok("delete", "node", "m2")
    with lab.api(stolen) as api:
        assert api.request("POST", me, REVIEW).status == 401
