"""Secret volumes: where they live, how they look, how they change, what stays when the Secret goes."""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from strongroom.testing import expect, manifests
from strongroom.testing.cluster import Cluster
from strongroom.testing.kubectl import Kubectl

Start = Callable[..., None]
MOUNT = {"/s": {"secret": {"secretName": "a"}}}


def run(kubectl: Kubectl, script: str) -> str:
    return kubectl.ok("exec", "p", "--", "sh", "-c", script)


def create(kubectl: Kubectl, **values: str) -> None:
    kubectl.ok("create", "-f", "-", stdin=manifests.text(manifests.secret("a", values)))


def test_layout_modes_and_memory(latest: Kubectl, start: Start, cluster: Cluster) -> None:
    create(latest, user="admin", password="pass-of-layout")
    start("p", volumes=MOUNT)
    assert run(
        latest, "cd /s; cat user password; readlink user; readlink ..data | sed 's/[0-9]/0/g'"
    ).startswith("adminpass-of-layout..data/user\n..0000_00_00_00_00_00.")
    assert run(latest, "stat -L -c '%a %u %g' /s/user").split() == ["644", "0", "0"]
    assert "tmpfs" in run(latest, "grep ' /s ' /proc/mounts")
    assert " ro," in run(latest, "grep ' /s ' /proc/mounts")
    for mount in host_mounts(cluster):
        assert "tmpfs" in mount


def host_mounts(cluster: Cluster) -> list[str]:
    lines = subprocess.run(["cat", "/proc/self/mountinfo"], capture_output=True, text=True, check=True).stdout
    found = [line for line in lines.splitlines() if f" {cluster.data_dir}" in line and "~secret" in line]
    assert found
    return found


def test_items_paths_and_modes(latest: Kubectl, start: Start) -> None:
    create(latest, user="admin", password="x")
    source = {
        "secretName": "a",
        "defaultMode": 0o440,
        "items": [{"key": "user", "path": "deep/login"}, {"key": "password", "path": "p", "mode": 0o400}],
    }
    start("p", volumes={"/s": {"secret": source}})
    assert run(latest, "cd /s; ls; cat deep/login").split() == ["deep", "p", "admin"]
    assert run(latest, "stat -L -c '%a' /s/deep/login /s/p").split() == ["440", "400"]


def test_a_change_reaches_the_file_at_once(latest: Kubectl, start: Start) -> None:
    create(latest, k="old", gone="x")
    start("p", volumes=MOUNT)
    began = time.monotonic()
    latest.ok("apply", "-f", "-", stdin=manifests.text(manifests.secret("a", {"k": "new", "more": "y"})))
    latest.ok("patch", "secret", "a", "--type=json", "-p", '[{"op":"remove","path":"/data/gone"}]')
    expect.until(
        lambda: run(latest, "cd /s; ls; cat k").split() == ["k", "more", "new"], what="the new content"
    )
    assert time.monotonic() - began < 5
    assert run(latest, "ls -a /s | grep -c '^\\.\\.[0-9]'").strip() == "1"


def test_the_swap_is_atomic(latest: Kubectl, start: Start) -> None:
    """Two keys that always change together are never seen apart through one `..data`."""
    create(latest, a="0", b="0")
    start("p", volumes=MOUNT)
    script = """
    until [ "$seen" = 55 ]; do
      cd /s/..data || continue
      a= b=; { read -r a <a; read -r b <b; } 2>/dev/null
      [ "$a$b" = "$seen" ] || { seen=$a$b; echo "$seen"; }
    done"""
    reader = latest.start("exec", "p", "--", "bash", "-c", script)
    for n in range(1, 6):
        latest.ok("patch", "secret", "a", "-p", f'{{"stringData":{{"a":"{n}","b":"{n}"}}}}')
    shown, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    # A directory that is being removed may have lost a file already, but never mixes two states.
    whole = [pair for pair in shown.decode().split() if len(pair) == 2]
    assert whole[-1] == "55"
    assert set(whole) <= {f"{n}{n}" for n in range(6)}


def test_an_optional_secret_that_is_missing(latest: Kubectl, start: Start) -> None:
    start("p", volumes={"/s": {"secret": {"secretName": "never", "optional": True}}})
    assert run(latest, "ls /s") == ""


def test_files_stay_when_the_secret_goes(latest: Kubectl, start: Start) -> None:
    create(latest, k="kept")
    start("p", volumes=MOUNT)
    latest.ok("delete", "secret", "a")
    time.sleep(0.5)
    assert run(latest, "cat /s/k") == "kept"


def test_deletion_of_the_pod_leaves_no_mount(latest: Kubectl, start: Start, cluster: Cluster) -> None:
    create(latest, k="v")
    start("p", volumes=MOUNT)
    uid = latest.ok("get", "pod", "p", "-ojsonpath={.metadata.uid}")
    assert any(uid in mount for mount in host_mounts(cluster))
    latest.ok("delete", "pod", "p")
    assert "not found" in latest.fails("get", "pod", "p")
    expect.until(lambda: uid not in Path("/proc/self/mountinfo").read_text(), what="no mount of the pod")
    pods = cluster.data_dir / "node" / "pods"
    assert pods.is_dir()
    expect.until(lambda: not (pods / uid).exists(), what="no directory of the pod")


def test_an_immutable_secret_is_not_watched(latest: Kubectl, start: Start, cluster: Cluster) -> None:
    for name, immutable in (("fixed", True), ("loose", False)):
        made = manifests.secret(name, {"k": name}, immutable=immutable)
        latest.ok("create", "-f", "-", stdin=manifests.text(made))
    sources = {f"/{name}": {"secret": {"secretName": name}} for name in ("fixed", "loose")}
    start("p", volumes=sources)

    def watches() -> dict[str, int]:
        """Those of the node that are under way, by the Secret's name."""
        found: Counter[str] = Counter()
        for line in (cluster.data_dir / "audit" / "audit.log").read_text().splitlines():
            event = json.loads(line)
            about = event.get("objectRef") or {}
            if (event["verb"], about.get("namespace")) == ("watch", latest.namespace):
                name = event["requestURI"].partition("metadata.name%3D")[2].partition("&")[0]
                found[name] += {"ResponseStarted": 1, "ResponseComplete": -1}.get(event["stage"], 0)
        return {name: found[name] for name in ("fixed", "loose")}

    expect.until(lambda: watches() == {"fixed": 0, "loose": 1}, what=f"the watches: {watches()}")
    assert run(latest, "cat /fixed/k /loose/k") == "fixedloose"


def test_a_file_that_cannot_be_written_is_an_event_and_follows_when_it_can(
    latest: Kubectl, start: Start, cluster: Cluster
) -> None:
    create(latest, k="old")
    start("p", volumes=MOUNT)
    uid = latest.ok("get", "pod", "p", "-ojsonpath={.metadata.uid}")
    volume = cluster.data_dir / "node" / "pods" / uid / "volumes" / "kubernetes.io~secret" / "v0"
    # As on a machine that has no memory left: the tmpfs of the volume has hardly room for what it holds.
    subprocess.run(["mount", "-o", "remount,size=16k", str(volume)], check=True)
    large = json.dumps({"stringData": {"k": "of-no-room" * 10_000}})
    latest.ok("patch", "secret", "a", "-p", large)

    def told() -> str:
        events = latest.ok(
            "get", "events", "--field-selector=involvedObject.name=p,reason=FailedMount", "-ojson"
        )
        return "\n".join(f"{each['type']}: {each['message']}" for each in json.loads(events)["items"])

    text = 'Warning: MountVolume.SetUp failed for volume "v0" : No space left on device'
    expect.until(lambda: text in told(), what="an event")
    assert "of-no-room" not in told()
    assert run(latest, "cat /s/k; ls -A /s | grep -c '^\\.\\.[0-9]'") == "old1\n"
    subprocess.run(["mount", "-o", "remount,size=1m", str(volume)], check=True)
    expect.until(lambda: run(latest, "wc -c </s/k") == "100000\n", what="the new content")
