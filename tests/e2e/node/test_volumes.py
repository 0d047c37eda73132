"""Every type of volume, and every source of a variable, in one Pod each: what its container sees."""

import base64
import json
import time
from pathlib import Path
from typing import Any

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

USER, GROUP, MORE = 1000, 2000, 3000


def script(kubectl: Kubectl, text: str) -> list[str]:
    return kubectl.ok("exec", "p", "--", "bash", "-c", text).splitlines()


def prepare(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "a", "--from-literal=user=admin", "--from-literal=key=s3cr3t")
    kubectl.ok("create", "configmap", "m", "--from-literal=mode=fast")


def start(kubectl: Kubectl, pod: dict[str, Any]) -> None:
    kubectl.ok("create", "-f", "-", stdin=manifests.text(pod))
    kubectl.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")


def test_volumes_of_a_pod_with_a_user_and_a_group(latest: Kubectl, tmp_path: Path) -> None:
    prepare(latest)
    token = {"path": "token", "audience": "vault.example", "expirationSeconds": 600}
    labels = {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}
    cpu = {"containerName": "main", "resource": "limits.cpu", "divisor": "1m"}
    sources = [
        {"secret": {"name": "a", "items": [{"key": "key", "path": "deep/key", "mode": 0o400}]}},
        {"configMap": {"name": "m"}},
        {"downwardAPI": {"items": [{"path": "cpu", "resourceFieldRef": cpu}]}},
        {"serviceAccountToken": token},
    ]
    host = tmp_path / "made"
    pod = manifests.pod(
        "p",
        command=["sleep", "infinity"],
        volumes={
            "/secret": {"secret": {"secretName": "a", "defaultMode": 0o400}},
            "/projected": {"projected": {"sources": sources}},
            "/config": {"configMap": {"name": "m"}},
            "/about": {"downwardAPI": labels},
            "/disk": {"emptyDir": {}},
            "/memory": {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            "/host": {"hostPath": {"path": str(host), "type": "DirectoryOrCreate"}},
        },
        securityContext={"runAsUser": USER, "fsGroup": GROUP, "supplementalGroups": [MORE]},
    )
    pod["metadata"]["labels"] = {"tier": "back"}
    container = pod["spec"]["containers"][0]
    container["env"] = [{"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    container["resources"] = {"limits": {"cpu": "250m", "memory": "64Mi"}}
    container["volumeMounts"] += [
        {"name": "v0", "mountPath": "/one/user", "subPath": "user"},
        {"name": "v4", "mountPath": "/part", "subPathExpr": "of-$(NAME)"},
    ]
    start(latest, pod)

    assert script(latest, "id -u; id -G | tr ' ' '\\n' | sort -n | tail -2") == [
        str(USER), str(GROUP), str(MORE),
    ]  # fmt: skip
    # fsGroup: the group may read, whatever the mode was; directories pass it on; links are left alone.
    assert script(latest, "stat -L -c '%a %u %g' /secret/user /secret/..data /projected/deep/key") == [
        f"440 0 {GROUP}", f"2755 0 {GROUP}", f"440 0 {GROUP}",
    ]  # fmt: skip
    shown = script(latest, "cat /secret/key /projected/deep/key; echo; cat /one/user; echo; cat /config/mode")
    assert shown == ["s3cr3ts3cr3t", "admin", "fast"]
    assert script(latest, "cat /projected/mode; echo; cat /projected/cpu; echo; cat /about/labels") == [
        "fast", "250", 'tier="back"',
    ]  # fmt: skip
    # The token is its user's and the group's, for the audience and the time that were asked for.
    assert script(latest, "stat -L -c '%a %u %g' /projected/token") == [f"640 {USER} {GROUP}"]
    payload = script(latest, "cut -d. -f2 /projected/token")[0]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (["vault.example"], 600)
    assert claims["kubernetes.io"]["pod"]["name"] == "p"
    # Values lie in memory that is not swapped, and the limit of a volume in memory holds.
    mounts = {line.split()[1]: line.split() for line in script(latest, "cat /proc/mounts")}
    for path in ("/secret", "/projected", "/about", "/memory", "/one/user"):
        assert mounts[path][2] == "tmpfs", path
        assert "noswap" in mounts[path][3], path
    for path in ("/secret", "/projected", "/about", "/config", "/one/user"):
        assert "ro" in mounts[path][3].split(","), path
    assert script(latest, "head -c 524288 /dev/zero >/memory/x; wc -c </memory/x") == ["524288"]
    over = latest("exec", "p", "--", "dd", "if=/dev/zero", "of=/memory/y", "bs=64k", "count=32")
    assert over.code == 1
    assert "No space left on device" in over.stderr
    # Scratch space is the group's to write; the part that an expression names was made for it.
    assert script(latest, "echo x >/disk/x; echo y >/part/y; cat /disk/of-p/y; stat -c %g /disk/x") == [
        "y", str(GROUP),
    ]  # fmt: skip
    assert host.is_dir()
    # Annotations and labels follow the Pod as Secrets follow theirs; a part is as it was at the start.
    latest.ok("label", "pod", "p", "tier=front", "--overwrite")
    latest.ok("patch", "secret", "a", "-p", '{"stringData":{"user":"root","key":"n3w"}}')
    expect.until(lambda: script(latest, "cat /about/labels") == ['tier="front"'], what="the new label")
    expect.until(lambda: script(latest, "cat /secret/user") == ["root"], what="the new value")
    assert script(latest, "cat /one/user; echo; cat /projected/deep/key") == ["admin", "n3w"]


def test_variables_of_every_source(latest: Kubectl) -> None:
    prepare(latest)
    latest.ok("create", "secret", "generic", "odd", "--from-literal=1st.name-of_key=o", "--from-literal=-k=p")
    pod = manifests.pod("p", command=["sleep", "infinity"], env_from=[
        {"configMapRef": {"name": "m"}},
        {"secretRef": {"name": "a"}, "prefix": "SECRET_"},
        {"secretRef": {"name": "a"}},
        {"secretRef": {"name": "nowhere", "optional": True}},
        {"secretRef": {"name": "odd"}, "prefix": "9-"},
    ])  # fmt: skip
    container = pod["spec"]["containers"][0]
    key = {"secretKeyRef": {"name": "a", "key": "key"}}
    container["env"] = [
        {"name": "user", "value": "overridden"},
        {"name": "FIRST", "value": "1"},
        {"name": "SECOND", "value": "$(FIRST)-$(user)-$(SECRET_key)-$(NOWHERE)-$$(FIRST)"},
        {"name": "KEY", "valueFrom": key},
        {"name": "LATER", "value": "$(KEY)"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "odd-name.x", "value": "kept"},
        {"name": "GONE", "valueFrom": {"secretKeyRef": {"name": "a", "key": "no", "optional": True}}},
    ]
    container["resources"] = {"limits": {"cpu": "1500m", "memory": "64Mi"}}
    container["args"] = ["$(LATER)"]
    container["command"] = ["bash", "-c", 'echo "args: $0"; sleep infinity']
    start(latest, pod)
    shown = script(latest, "tr '\\0' '\\n' </proc/1/environ")
    found = dict(line.split("=", 1) for line in shown if "=" in line)
    expected = {
        "mode": "fast", "SECRET_user": "admin", "SECRET_key": "s3cr3t", "key": "s3cr3t",
        "user": "overridden", "SECOND": "1-overridden-s3cr3t-$(NOWHERE)-$(FIRST)", "KEY": "s3cr3t",
        "LATER": "s3cr3t", "NODE": "n1", "CPU": "2", "MEM": "64", "odd-name.x": "kept",
        "9-1st.name-of_key": "o", "9--k": "p",  # no key is skipped for its name
        "KUBERNETES_SERVICE_PORT": "443", "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
    }  # fmt: skip
    assert expected.items() <= found.items()
    assert found["IP"] == latest.ok("get", "pod", "p", "-ojsonpath={.status.podIP}")
    assert "GONE" not in found
    assert latest.ok("logs", "p") == "args: s3cr3t\n"


def test_logs_of_the_run_before(latest: Kubectl) -> None:
    """`--previous`, `--since` and following across a restart."""
    pod = manifests.pod(
        "p", command=["bash", "-c", "echo run $RANDOM; trap 'exit 0' TERM; while :; do sleep .1; done"]
    )
    start(latest, pod)
    before = latest.ok("logs", "p")
    assert "previous terminated container" in latest.fails("logs", "p", "--previous")
    follower = latest.start("logs", "-f", "p")
    latest("exec", "p", "--", "kill", "1")
    follower.communicate(timeout=30)
    assert follower.returncode == 0
    expect.until(lambda: latest("logs", "p", "--previous").stdout == before, what="the log of the run before")
    expect.until(lambda: latest("logs", "p").stdout.startswith("run "), what="the log of the new run")
    time.sleep(1)
    assert latest.ok("logs", "p", "--since=1s", "--tail=0") == ""
