"""What the fields of a Pod's spec do to its containers, as these see it themselves; and how they end."""

import json
import os
import socket
import time
from typing import Any

from strongroom.testing import expect, manifests, ports
from strongroom.testing.cluster import Cluster
from strongroom.testing.kubectl import Kubectl

FOREVER = "trap exit TERM QUIT; while :; do sleep .1; done"


def pod(name: str, script: str = FOREVER, *, container: dict[str, Any] | None = None, **spec: Any) -> Any:
    made = manifests.pod(name, command=["sh", "-c", script], **spec)
    made["spec"]["containers"][0] |= container or {}
    return made


def create(kubectl: Kubectl, *pods: Any, ready: bool = True) -> None:
    kubectl.ok("create", "-f", "-", stdin=manifests.text(*pods))
    if ready:
        names = [f"pod/{each['metadata']['name']}" for each in pods]
        kubectl.ok("wait", "--for=condition=Ready", *names, "--timeout=60s", timeout=70)


def status(kubectl: Kubectl, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kubectl.ok("get", "pod", name, "-ojson"))["status"]
    return found


def ended(kubectl: Kubectl, name: str) -> dict[str, Any]:
    """The first container's `terminated`, once the Pod has come to its end."""
    phases = ("Failed", "Succeeded")
    expect.until(lambda: status(kubectl, name)["phase"] in phases, timeout=40, what=name)
    found: dict[str, Any] = status(kubectl, name)["containerStatuses"][0]["state"]["terminated"]
    return found


def lines(text: str) -> dict[str, list[str]]:
    """`/proc/self/status`."""
    return {line.split(":")[0]: line.split(":", 1)[1].split() for line in text.splitlines()}


def test_how_containers_end(latest: Kubectl) -> None:
    once: dict[str, Any] = {"restartPolicy": "Never"}
    logs = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    file = "echo -n bye > /dev/termination-log; exit 3"
    memory = {"resources": {"limits": {"memory": "16Mi"}}}
    greedy = "exec tail -c 99999999 /dev/zero"
    create(
        latest,
        *(pod(name, greedy, container=memory, **once) for name in ("oom", "oom1", "oom2")),
        pod("file", file, **once),
        pod("logs", "echo last words; exit 4", container=logs, **once),
        pod("silent", "echo last words; exit 0", container=logs, **once),
        pod("late", activeDeadlineSeconds=2, **once),
        pod("crash", "exit 5"),
        manifests.pod("nothing", command=["/no/such"], **once),
        ready=False,
    )
    assert ended(latest, "file") | {"startedAt": 0, "finishedAt": 0, "containerID": 0} == {
        "exitCode": 3,
        "reason": "Error",
        "message": "bye",
        "startedAt": 0,
        "finishedAt": 0,
        "containerID": 0,
    }
    assert (ended(latest, "logs")["message"], ended(latest, "logs")["exitCode"]) == ("last words\n", 4)
    assert "message" not in ended(latest, "silent") and ended(latest, "silent")["reason"] == "Completed"
    assert ended(latest, "late")["reason"] in ("Completed", "Error", "ContainerStatusUnknown")
    late = status(latest, "late")
    assert (late["phase"], late["reason"]) == ("Failed", "DeadlineExceeded")
    assert late["message"] == "Pod was active on the node longer than the specified deadline"
    for name in ("oom", "oom1", "oom2"):
        assert (ended(latest, name)["exitCode"], ended(latest, name)["reason"]) == (137, "OOMKilled")
    assert status(latest, "oom")["qosClass"] == "Burstable"
    nothing = ended(latest, "nothing")
    assert (nothing["reason"], nothing["exitCode"]) == ("StartError", 128)
    assert "no such file or directory" in nothing["message"]

    def backing_off() -> Any:
        found = status(latest, "crash")["containerStatuses"][0]
        return found if found["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff" else None

    found = expect.until(backing_off, timeout=60)
    uid = latest.ok("get", "pod", "crash", "-ojsonpath={.metadata.uid}")
    # Ten seconds after the first restart, twice as many after each further one.
    delay = {1: "10s", 2: "20s", 3: "40s", 4: "1m20s"}[found["restartCount"]]
    wanted = f"back-off {delay} restarting failed container=main pod=crash_{latest.namespace}({uid})"
    assert found["state"]["waiting"]["message"] == wanted
    assert found["lastState"]["terminated"]["exitCode"] == 5


def test_who_a_container_is_and_what_it_may_do(latest: Kubectl, cluster: Cluster) -> None:
    profiles = cluster.data_dir / "node" / "seccomp"
    profiles.mkdir(exist_ok=True)
    denied = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [denied]}
    (profiles / "no-mkdir.json").write_text(json.dumps(profile))
    tight = {
        "runAsUser": 1000,
        "runAsGroup": 2000,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    local = {"seccompProfile": {"type": "Localhost", "localhostProfile": "no-mkdir.json"}}
    create(
        latest,
        pod("tight", container={"securityContext": tight}, securityContext={"supplementalGroups": [3000]}),
        pod("loose", container={"securityContext": {"privileged": True}}),
        pod("local", container={"securityContext": local}),
        pod("plain"),
    )
    proc = ("--", "cat", "/proc/self/status")
    found = lines(latest.ok("exec", "tight", *proc))
    assert (found["Uid"], found["Gid"]) == (["1000"] * 4, ["2000"] * 4)
    assert "3000" in found["Groups"]
    assert (found["NoNewPrivs"], found["Seccomp"]) == (["1"], ["2"])
    assert int(found["CapBnd"][0], 16) == 1 << 10
    assert "Read-only file system" in latest("exec", "tight", "--", "touch", "/x").stderr
    found = lines(latest.ok("exec", "plain", *proc))
    assert (found["NoNewPrivs"], found["Seccomp"], found["Uid"]) == (["0"], ["0"], ["0"] * 4)
    assert not int(found["CapBnd"][0], 16) & 1 << 21, "no CAP_SYS_ADMIN"
    assert "Read-only" in latest("exec", "plain", "--", "sh", "-c", "echo 1 > /proc/sys/vm/swappiness").stderr
    found = lines(latest.ok("exec", "loose", *proc))
    assert int(found["CapBnd"][0], 16) & 1 << 21
    found = lines(latest.ok("exec", "local", *proc))
    assert found["Seccomp"] == ["2"]
    assert "Operation not permitted" in latest("exec", "local", "--", "mkdir", "/y").stderr
    missing = {"seccompProfile": {"type": "Localhost", "localhostProfile": "none.json"}}
    root = {"runAsNonRoot": True}
    create(
        latest,
        pod("missing", container={"securityContext": missing}),
        pod("root", container={"securityContext": root}),
        ready=False,
    )
    text = "container has runAsNonRoot and image will run as root"
    expect.until(lambda: text in latest.ok("describe", "pod", "root"), timeout=40)
    expect.until(lambda: "none.json" in latest.ok("describe", "pod", "missing"), timeout=40)


def test_namespaces_names_and_limits(latest: Kubectl) -> None:
    port = ports.free_port()
    limits = {"resources": {"limits": {"cpu": "500m", "memory": "64Mi"}}}
    named: dict[str, Any] = {
        "dnsPolicy": "None",
        "dnsConfig": {
            "nameservers": ["192.0.2.53"],
            "searches": ["x.test"],
            "options": [{"name": "ndots", "value": "3"}],
        },
        "hostAliases": [{"ip": "192.0.2.9", "hostnames": ["one.test", "two.test"]}],
        "hostname": "named",
    }
    serve = f"while :; do echo here | nc -l -p {port}; done"
    shared = pod("shared", shareProcessNamespace=True)
    shared["spec"]["containers"].append(
        shared["spec"]["containers"][0] | {"name": "other", "command": ["sleep", "987654"]}
    )
    create(
        latest,
        pod("limited", container=limits),
        pod("named", **named),
        pod("port", serve, container={"ports": [{"containerPort": port, "hostPort": port}]}),
        pod("host", hostNetwork=True, hostPID=True, hostIPC=True),
        shared,
    )
    files = "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"
    group = latest.ok("exec", "limited", "--", "sh", "-c", f"cat {files[0]} 2>&- || cat {files[1]}")
    assert group.strip() == str(64 * 1024 * 1024)
    assert status(latest, "limited")["qosClass"] == "Guaranteed"
    resolver = latest.ok("exec", "named", "--", "cat", "/etc/resolv.conf")
    assert resolver.split() == ["search", "x.test", "nameserver", "192.0.2.53", "options", "ndots:3"]
    hosts = latest.ok("exec", "named", "--", "cat", "/etc/hosts")
    assert "192.0.2.9\tone.test\ttwo.test" in hosts and f"{status(latest, 'named')['podIP']}\tnamed" in hosts
    assert latest.ok("exec", "named", "--", "hostname") == "named\n"
    node = status(latest, "host")["hostIP"]

    def answer() -> bytes:
        try:
            with socket.create_connection((node, port), timeout=2) as connection:
                return connection.recv(100)
        except OSError:
            return b""

    expect.until(lambda: answer() == b"here\n", what="the port of the host")
    assert status(latest, "host")["podIP"] == node
    for kind in ("pid", "ipc", "net"):
        theirs = latest.ok("exec", "host", "--", "readlink", f"/proc/self/ns/{kind}").strip()
        assert theirs == os.readlink(f"/proc/self/ns/{kind}"), kind  # noqa: PTH115
    assert int(latest.ok("exec", "host", "--", "sh", "-c", "echo $$")) > 100, "a number of the machine's"
    assert "987654" in latest.ok("exec", "shared", "-c", "main", "--", "ps")
    assert "987654" not in latest.ok("exec", "limited", "--", "ps")


def test_first_things_first_and_the_end_with_grace(latest: Kubectl) -> None:
    log = "date +%s%N > /m/{}; "
    ordered = manifests.pod(
        "ordered", command=["sh", "-c", log.format("main") + FOREVER], volumes={"/m": {"emptyDir": {}}}
    )
    mounts = ordered["spec"]["containers"][0]["volumeMounts"]
    image = {"image": manifests.IMAGE, "imagePullPolicy": "IfNotPresent", "volumeMounts": mounts}
    ordered["spec"]["initContainers"] = [
        {"name": "one", "command": ["sh", "-c", log.format("one") + "sleep .3"], **image},
        {
            "name": "side",
            "command": ["sh", "-c", log.format("side") + FOREVER],
            "restartPolicy": "Always",
            **image,
        },
        {"name": "two", "command": ["sh", "-c", log.format("two")], **image},
    ]
    hooks = {
        "postStart": {"exec": {"command": ["touch", "/started"]}},
        "preStop": {"sleep": {"seconds": 1}},
    }
    stubborn = pod(
        "stubborn", "trap '' TERM QUIT; while :; do sleep .1; done", terminationGracePeriodSeconds=3
    )
    create(
        latest,
        ordered,
        stubborn,
        pod("hooked", container={"lifecycle": hooks}, terminationGracePeriodSeconds=9),
    )
    names = ("one", "side", "two", "main")
    times = latest.ok("exec", "ordered", "-c", "main", "--", "cat", *(f"/m/{name}" for name in names))
    assert sorted(times.split()) == times.split()
    latest.ok("exec", "hooked", "--", "ls", "/started")
    took = {}
    for name in ("stubborn", "hooked", "ordered"):
        began = time.monotonic()
        latest.ok("delete", "pod", name, timeout=40)
        took[name] = time.monotonic() - began
    assert took["stubborn"] >= 3, "SIGTERM, and SIGKILL when the grace is over"
    assert 1 <= took["hooked"] < 9, "the hook, then the signal"
    assert took["ordered"] < 9


def test_what_the_node_does_not_do_it_says(latest: Kubectl) -> None:
    claim = {"persistentVolumeClaim": {"claimName": "data"}}
    gpu = {"resources": {"limits": {"example.com/gpu": "1"}}}
    create(
        latest,
        manifests.pod("claim", volumes={"/d": claim}),
        manifests.pod("nfs", volumes={"/d": {"nfs": {"server": "192.0.2.1", "path": "/"}}}),
        pod("users", hostUsers=False),
        pod("windows", os={"name": "windows"}),
        pod("gpu", container=gpu),
        pod("gpu-by-hand", container=gpu, nodeName="n1"),
        pod("huge", container={"resources": {"requests": {"cpu": "1000"}}}, nodeName="n1"),
        pod("sysctl", securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
        pod("strict", securityContext={"supplementalGroupsPolicy": "Strict"}),
        pod("for-windows", container={"securityContext": {"windowsOptions": {"runAsUserName": "ann"}}}),
        pod("class", runtimeClassName="none"),
        manifests.pod("image", image="Bad Name"),
        pod("hook", container={"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}),
        ready=False,
    )
    for name, text in {
        "claim": 'MountVolume.SetUp failed for volume "v0" : persistentvolumeclaim "data" not found',
        "nfs": "no volume plugin matched: this node does not do volumes of type nfs",
        "users": "can't set `spec.hostUsers: false`, runtime does not support user namespaces",
        "windows": "Failed to admit pod as the OS field doesn't match node OS",
        "gpu": "Insufficient example.com/gpu",
        "gpu-by-hand": "Allocate failed due to requested number of devices unavailable for example.com/gpu",
        "huge": "Node didn't have enough resource: cpu, requested: 1000000",
        "sysctl": 'forbidden sysctl: "kernel.msgmax" not allowlisted',
        "strict": "SupplementalGroupsPolicy=Strict is not supported in this node",
        "for-windows": "securityContext.windowsOptions has no effect on a Linux node",
        "class": 'runtimeclass.node.k8s.io "none" not found',
        "image": 'Failed to apply default image tag "Bad Name"',
        "hook": "FailedPostStartHook",
    }.items():
        expect.until(lambda: text in latest.ok("describe", "pod", name), timeout=40, what=f"{name}: {text}")  # noqa: B023
    refused = {name: status(latest, name) for name in ("windows", "gpu-by-hand", "huge", "sysctl", "strict")}
    reasons = {name: (found["phase"], found["reason"]) for name, found in refused.items()}
    assert reasons == {
        "windows": ("Failed", "PodOSNotSupported"),
        "gpu-by-hand": ("Failed", "UnexpectedAdmissionError"),
        "huge": ("Failed", "OutOfcpu"),
        "sysctl": ("Failed", "SysctlForbidden"),
        "strict": ("Failed", "SupplementalGroupsPolicyNotSupported"),
    }
    (image,) = status(latest, "image")["containerStatuses"]
    assert image["state"]["waiting"]["reason"] == "InvalidImageName"
    latest.ok("wait", "--for=condition=Ready", "pod/for-windows", "--timeout=40s")
    assert {status(latest, name)["phase"] for name in ("claim", "nfs", "users", "gpu")} == {"Pending"}
