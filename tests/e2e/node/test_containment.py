"""Pods that behave badly: what they do stays theirs, and they can be deleted."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.testing import expect, images, manifests
from strongroom.testing.cluster import Cluster
from strongroom.testing.kubectl import Kubectl
from strongroom.testing.registry import Registry

Start = Callable[..., None]
LIMIT = 4096


def shell(text: str) -> list[str]:
    return ["sh", "-c", text]


def test_a_fork_loop_ends_at_the_limit_of_its_pod(start: Start, latest: Kubectl, cluster: Cluster) -> None:
    start("p", command=["sleep", "infinity"])
    start("q", command=["sleep", "infinity"])
    uid = latest.ok("get", "pod", "p", "-o", "jsonpath={.metadata.uid}")
    inside = latest.ok("exec", "p", "--", "cat", "/proc/self/cgroup")
    assert f"/strongroom/pod{uid}/" in inside
    # Far more processes than are allowed, for a bounded time; the shell says what the kernel refuses.
    loop = f"i=0; while [ $i -lt {LIMIT + 200} ]; do sleep 20 & i=$((i+1)); done"
    said = latest("exec", "p", "--", "sh", "-c", loop, timeout=90)
    assert "can't fork: Resource temporarily unavailable" in said.stdout + said.stderr, said
    assert latest.ok("exec", "q", "--", "echo", "unharmed") == "unharmed\n"
    began = time.monotonic()
    latest.ok("delete", "pod", "p", "q", timeout=60)
    assert time.monotonic() - began < 40


def test_a_start_hook_that_hangs_holds_its_own_pod_back_and_no_deletion(latest: Kubectl) -> None:
    pod = manifests.pod("p")
    hook = {"exec": {"command": shell("sleep 1000 & sleep 1000")}}
    pod["spec"]["containers"][0]["lifecycle"] = {"postStart": hook}
    latest.ok("create", "-f", "-", stdin=manifests.text(pod))
    phase = ("get", "pod", "p", "-o", "jsonpath={.status.containerStatuses[0].state}")
    expect.until(lambda: latest("exec", "p", "--", "true").code == 0, timeout=40, what=latest.ok(*phase))
    found = json.loads(latest.ok("get", "pod", "p", "-ojson"))["status"]["containerStatuses"][0]
    assert not found["ready"] and not found.get("started")
    began = time.monotonic()
    latest.ok("delete", "pod", "p", timeout=40)
    assert time.monotonic() - began < 20


def test_a_stop_hook_that_hangs_ends_with_the_grace(start: Start, latest: Kubectl) -> None:
    hook = {"exec": {"command": shell("sleep 1000 & sleep 1000")}}
    pod = manifests.pod("p", terminationGracePeriodSeconds=3)
    pod["spec"]["containers"][0]["lifecycle"] = {"preStop": hook}
    latest.ok("create", "-f", "-", stdin=manifests.text(pod))
    latest.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    began = time.monotonic()
    latest.ok("delete", "pod", "p", timeout=40)
    assert 3 <= time.monotonic() - began < 20
    events = latest.ok("get", "events", "--field-selector", "involvedObject.name=p", "-o", "name")
    assert "FailedPreStopHook" in latest.ok("get", *events.split(), "-o", "jsonpath={.items[*].reason}")


def test_a_flood_of_output_is_cut_down_and_costs_the_node_no_memory(
    latest: Kubectl, cluster: Cluster
) -> None:
    line = "x" * 1000
    flood = (
        f"yes {line} | head -c 2000000 > /tmp/f; trap exit TERM QUIT; while :; do cat /tmp/f; sleep .1; done"
    )
    before = resident(cluster)
    latest.ok("create", "-f", "-", stdin=manifests.text(manifests.pod("p", command=shell(flood))))
    uid = latest.ok("get", "pod", "p", "-o", "jsonpath={.metadata.uid}")
    logs = cluster.data_dir / "node" / "logs" / "pods" / f"{latest.namespace}_p_{uid}" / "main"
    written: set[str] = set()
    most = 0

    def rotations() -> int:
        nonlocal most
        names = [file.name for file in logs.glob("0.log.*")] if logs.is_dir() else []
        most = max(most, len(names))
        written.update(name.split(".")[2] for name in names)
        return len(written)

    expect.until(lambda: rotations() >= 5, timeout=90, what="rotations")
    sizes = [file.stat().st_size for file in logs.glob("0.log*")]
    assert most <= 5, "four older ones, and one that is being compressed"
    # What came first, until the first look, is compressed by now: the rest is what a second or two brings.
    assert sum(sizes) < 100_000_000, sizes
    assert resident(cluster) - before < 40
    assert latest.ok("logs", "p", "--tail=1") == f"{line}\n"
    latest.ok("delete", "pod", "p", timeout=40)
    assert not logs.exists()


def test_what_pods_make_of_their_scratch_space_is_contained(
    latest: Kubectl, start: Start, cluster: Cluster
) -> None:
    scratch: dict[str, dict[str, object]] = {"/d": {"emptyDir": {}}}
    limited: dict[str, dict[str, object]] = {"/d": {"emptyDir": {"sizeLimit": "1Mi"}}}
    greedy = manifests.pod(
        "greedy", command=shell("head -c 3000000 /dev/zero >/d/f; sleep 1000"), volumes=limited
    )
    # What is written beside the volumes has a limit too.
    prolix = manifests.pod("prolix", command=shell("head -c 3000000 /dev/zero >/f; sleep 1000"))
    prolix["spec"]["containers"][0]["resources"] = {"limits": {"ephemeral-storage": "1Mi"}}
    # Links that lead out of a volume, made by the container before the one that wants what is behind them.
    climbs = manifests.pod("climbs", command=["sleep", "1000"], volumes=scratch)
    (main,) = climbs["spec"]["containers"]
    links = main | {"name": "links", "command": shell("ln -s / /d/root; ln -s ../../../../.. /d/up")}
    climbs["spec"]["initContainers"] = [links]
    climbs["spec"]["containers"] = [
        main | {"name": part, "volumeMounts": [{"name": "v0", "mountPath": "/x", "subPath": f"{part}/etc"}]}
        for part in ("root", "up")
    ]
    latest.ok("create", "-f", "-", stdin=manifests.text(greedy, prolix, climbs))
    # A tree that is deeper than a path may be long, and than Python may call itself to remove it.
    down = "mkdir -p $part && cd -P $part"
    nest = f"cd /d; part=$(printf 'd/%.0s' {{1..900}}); {down} && {down} && {down}"
    start("deep", command=["sleep", "infinity"], volumes=scratch)
    latest.ok("exec", "deep", "--", "bash", "-c", nest, timeout=60)
    uid = latest.ok("get", "pod", "deep", "-ojsonpath={.metadata.uid}")
    latest.ok("delete", "pod", "deep", timeout=40)
    expect.until(lambda: not (cluster.data_dir / "node" / "pods" / uid).exists(), what="its directory to go")

    def told(name: str) -> str:
        return latest.ok("get", "events", f"--field-selector=involvedObject.name={name}", "-ojson")

    for part in ("root", "up"):
        text = f'failed to prepare subPath for volumeMount \\"v0\\" of container \\"{part}\\"'
        expect.until(lambda: text in told("climbs"), what=text)  # noqa: B023
    states = latest.ok(
        "get", "pod", "climbs", "-ojsonpath={.status.containerStatuses[*].state.waiting.reason}"
    )
    assert states == "CreateContainerConfigError CreateContainerConfigError"
    phase = "-ojsonpath={.status.phase} {.status.reason}: {.status.message}"
    evicted = 'Failed Evicted: Usage of EmptyDir volume "v0" exceeds the limit "1Mi". '
    expect.until(lambda: latest.ok("get", "pod", "greedy", phase) == evicted, timeout=40, what="the eviction")
    assert '"reason": "Evicted"' in told("greedy")
    evicted = "Failed Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. "
    expect.until(lambda: latest.ok("get", "pod", "prolix", phase) == evicted, timeout=40, what="the other")


def resident(cluster: Cluster) -> float:
    """Memory of server and agent, in MB."""
    text = Path(f"/proc/{cluster.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory of the machine with a name that is short enough for a link in a tar file."""
    with tempfile.TemporaryDirectory(prefix="o-", dir="/tmp") as name:
        yield Path(name)


def test_links_of_an_image_lead_no_mount_out_of_it(
    latest: Kubectl, registry: Registry, outside: Path
) -> None:
    (outside / "file").write_text("theirs")
    up = "../" * 12
    files = images.shell_files() | {
        "climbs": images.File(link=f"{up}{outside}"),
        "leads": images.File(link=str(outside)),
        "etc/passwd": images.File(link=f"{up}{outside}/users"),
        "etc/hosts": images.File(link=f"{outside}/hosts"),
        "dev/": images.File(mode=0o755),
        "dev/termination-log": images.File(link=f"{up}{outside}/message"),
        f"{up}{outside}/named-so": images.File(b"by its name"),
    }
    registry.push("library/links:1", images.build(files, {"Cmd": ["sleep", "infinity"], "User": "0"}))
    latest.ok("create", "secret", "generic", "a", "--from-literal=k=v")
    secret = {"secret": {"secretName": "a"}}
    volumes = {"/climbs/s": secret, "/leads/t": secret, "/climbs/../../../u": secret}
    pod = manifests.pod("p", image="links:1", volumes=volumes)
    pod["spec"]["containers"][0]["volumeMounts"].append(
        {"name": "v0", "mountPath": "/leads/file", "subPath": "k"}
    )
    latest.ok("create", "-f", "-", stdin=manifests.text(pod))
    latest.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=30s")
    read = latest.ok("exec", "p", "--", "cat", "/climbs/s/k", "/leads/t/k", "/leads/file")
    assert read == "vvv"
    # All of it is in the container's own tree: nothing was made, mounted or written outside.
    assert {entry.name for entry in outside.iterdir()} == {"file"}
    assert (outside / "file").read_text() == "theirs"
    assert str(outside) not in Path("/proc/self/mountinfo").read_text()
    latest.ok("delete", "pod", "p", timeout=40)


def test_what_upper_layers_of_a_pulled_image_take_away_is_not_there(
    start: Start, latest: Kubectl, registry: Registry
) -> None:
    registry.push("library/layered:1", images.layered())
    start("p", image="layered:1")
    find = "cd /l && find . ! -type d | while read f; do echo ${f#./}=$(cat $f); done"
    found = latest.ok("exec", "p", "--", "sh", "-c", find).split()
    assert dict(line.split("=") for line in found) == images.LAYERED
    folders = latest.ok("exec", "p", "--", "find", "/l", "-type", "d").split()
    assert set(folders) == {"/l", "/l/part", "/l/opaque", "/l/anew"}
