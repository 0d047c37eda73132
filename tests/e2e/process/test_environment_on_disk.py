"""Secrets in the environment of containers are on no disk of the node, containerd's database included."""

import base64
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from strongroom.node.containerd import mounts
from strongroom.testing import canary, expect, images, manifests, registry
from strongroom.testing.cluster import PROGRAM, Cluster
from strongroom.testing.kubectl import Kubectl

Make = Callable[..., Cluster]
SCRIPT = 'echo "$0" > /proc/self/comm; trap exit TERM; while :; do sleep .1; done'


def found_on_disk(cluster: Cluster, values: Sequence[str]) -> list[Path]:
    """Files with one of the values in the directories of a cluster, those that are in memory left out."""
    places = [place for place in (cluster.data_dir, cluster.run_dir) if place.exists()]
    on_disk = [place for place in places if mounts.kind_of(place) not in ("tmpfs", "ramfs")]
    assert cluster.data_dir in on_disk
    return [found for place in on_disk for found in canary.in_files(place, values)]


def printed(kubectl: Kubectl, name: str) -> str:
    return kubectl("exec", "p", "--", "sh", "-c", f'printf %s "${name}"').stdout


def test_no_value_of_the_environment_is_on_a_disk(make: Make, registry_config: Path) -> None:
    first, second, hard = canary.new(), canary.new(), canary.new() + '\n"quoted" \\ /&\t$(X)\N{SNOWMAN}'
    values = [first, second, hard[:20]]
    cluster = make(registry_config=registry_config)
    cluster.start()
    kubectl = cluster.kubectl(PROGRAM.parent / "kubectl")
    key = {"secretKeyRef": {"name": "a", "key": "k"}}
    env: list[dict[str, object]] = [{"name": "PLAIN", "value": "plain"}, {"name": "KEY", "valueFrom": key}]
    env += [{"name": "URL", "value": "http://u:$(KEY)@h/"}, {"name": "NGINX_VERSION", "valueFrom": key}]
    command = ["sh", "-c", SCRIPT, "$(KEY)"]
    pod = manifests.pod(
        "p", command=command, env=env, env_from=[{"secretRef": {"name": "a"}, "prefix": "F_"}]
    )
    probe = {"exec": {"command": ["sh", "-c", 'test "${KEY#canary-}" != "$KEY"']}, "periodSeconds": 1}
    pod["spec"]["containers"][0] |= {"readinessProbe": probe}
    secret = manifests.secret("a", {"k": first, "hard": hard})
    kubectl.ok("create", "-f", "-", stdin=manifests.text(secret, pod))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")

    def check(value: str) -> None:
        assert [printed(kubectl, name) for name in ("PLAIN", "KEY", "URL", "NGINX_VERSION", "F_k")] == [
            "plain",
            value,
            f"http://u:{value}@h/",
            value,
            value,
        ]
        assert printed(kubectl, "F_hard") == hard
        own = kubectl.ok("exec", "p", "--", "sh", "-c", "tr '\\0' '\\n' < /proc/1/environ; cat /proc/1/comm")
        assert f"\nKEY={value}\n" in f"\n{own}" and own.splitlines()[-1] == value[:15]
        assert found_on_disk(cluster, values) == []

    check(first)
    # A container that starts again has what the Secret holds then; so it is after the agent was killed.
    cluster.kill9()
    assert found_on_disk(cluster, values) == []
    cluster.start()
    expect.until(lambda: kubectl("exec", "p", "--", "true").code == 0, timeout=40)
    check(first)
    kubectl.ok("patch", "secret", "a", "-p", f'{{"stringData":{{"k":"{second}"}}}}')
    check(first)
    kubectl("exec", "p", "--", "kill", "1")
    expect.until(lambda: printed(kubectl, "KEY") == second, timeout=40)
    check(second)
    # And after containerd was.
    pid = int((cluster.run_dir / "containerd" / "containerd.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    expect.until(lambda: kubectl("exec", "p", "--", "true").code == 0, timeout=40)
    check(second)

    kept = cluster.run_dir / "containerd" / "env"
    assert len(list(kept.iterdir())) == 1
    kubectl.ok("delete", "pod", "p")
    expect.until(lambda: list(kept.iterdir()) == [])
    assert found_on_disk(cluster, values) == []
    cluster.kill9()
    assert not canary.in_bytes(cluster.output.read_bytes(), values)


def test_volumes_tokens_pull_credentials_and_debuggers_leave_nothing_on_a_disk(
    make: Make, tmp_path: Path
) -> None:
    file, later, password, held, shown = (canary.new() for _ in range(5))
    with registry.Registry(tmp_path / "registry", users={"alice": password}) as private:
        private.push("team/app:1", images.nginx())
        certs = tmp_path / "own" / "certs.d"
        certs.mkdir(parents=True)
        registry.write_hosts(certs, ["private.example"], private.address)
        cluster = make(registry_config=certs)
        cluster.start()
        kubectl = cluster.kubectl(PROGRAM.parent / "kubectl")
        login = (
            "--docker-server=private.example",
            "--docker-username=alice",
            f"--docker-password={password}",
        )
        kubectl.ok("create", "secret", "docker-registry", "pull", *login)
        made = manifests.secret("a", {"file": file, "held": held, "shown": shown})
        pod = manifests.pod(
            "p",
            image="private.example/team/app:1",
            volumes={"/s": {"secret": {"secretName": "a"}}, "/m": {"emptyDir": {"medium": "Memory"}}},
            imagePullSecrets=[{"name": "pull"}],
        )
        pod["spec"]["containers"][0]["volumeMounts"].append(
            {"name": "v0", "mountPath": "/part", "subPath": "file"}
        )
        kubectl.ok("create", "-f", "-", stdin=manifests.text(made, pod))
        kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=60s", timeout=70)
        token = kubectl.ok("exec", "p", "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
        basic = base64.b64encode(f"alice:{password}".encode()).decode()
        assert token.count(".") == 2
        # The signature alone, and what is signed: either would be the token.
        values = [file, later, password, held, shown, basic, *token.split(".")[1:]]
        debugger = {
            "name": "d",
            "image": "private.example/team/app:1",
            "command": ["sleep", "1000"],
            "env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "a", "key": "held"}}}],
        }
        patch = json.dumps({"spec": {"ephemeralContainers": [debugger]}})
        kubectl.ok("patch", "pod", "p", "--subresource=ephemeralcontainers", "-p", patch)
        read = ("exec", "p", "-c", "d", "--", "sh", "-c", "echo $K")
        expect.until(lambda: kubectl(*read).stdout == f"{held}\n", timeout=40, what="the debugger")
        copy = "cat /s/shown > /m/copy; cat /m/copy /s/file /part"
        assert kubectl.ok("exec", "p", "--", "sh", "-c", copy) == shown + file + file
        kubectl.ok("patch", "secret", "a", "-p", json.dumps({"stringData": {"file": later}}))
        expect.until(lambda: kubectl.ok("exec", "p", "--", "cat", "/s/file") == later)
        assert found_on_disk(cluster, values) == []
        cluster.kill9()
        assert found_on_disk(cluster, values) == []
        cluster.start()
        expect.until(lambda: kubectl("exec", "p", "--", "true").code == 0, timeout=40)
        assert found_on_disk(cluster, values) == []
        kubectl.ok("delete", "pod", "p", timeout=40)
        assert found_on_disk(cluster, values) == []
        cluster.kill9()
        assert not canary.in_bytes(cluster.output.read_bytes(), values)
