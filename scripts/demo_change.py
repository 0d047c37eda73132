"""A change of the Secret and when the container sees it; what lies on disk."""

import json
import select
import statistics
import subprocess
import time

from scripts.demo_stage import Failed, Stage, expect

from strongroom.testing import api as plain_api
from strongroom.testing import cluster as clusters

# Looks at the file each millisecond without starting a process, and tells when its content is another.
OBSERVER = """
mkfifo /tmp/pause; exec 9<>/tmp/pause
read -r seen </secret/config/password; echo watching
while :; do
  read -r now </secret/config/password
  [ "$now" = "$seen" ] || { seen=$now; echo "$EPOCHREALTIME $now"; }
  read -t 0.001 -u 9
done
"""
CHANGES = 20


class Observer:
    """Watches the mounted file from inside the container, over `kubectl exec`."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = ["kubectl", "exec", "pod-secret", "-n", "dev", "--", "bash", "-c", OBSERVER]
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )

    def line(self) -> str:
        """The next thing it says. Raises Failed if that takes over 10 s."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], 10)[0]:
            raise Failed("the container saw nothing new for 10 s")
        return self._process.stdout.readline().strip()

    def seen_at(self, value: str) -> float:
        """When, as seconds since the epoch, the container saw this value."""
        when, _, seen = self.line().partition(" ")
        if seen != value:
            raise Failed(f"the container saw {seen!r} instead of the new value")
        return float(when)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def change(stage: Stage, environment: dict[str, str], cluster: clusters.Cluster) -> None:
    observer = Observer(environment)
    try:
        expect(observer.line() == "watching", "the observer in the container")
        began = time.time()
        patch = json.dumps({"stringData": {"password": "changed"}}, separators=(",", ":"))
        stage.run(f"kubectl patch secret secret -n dev -p '{patch}'")
        returned = time.time()
        seen = observer.seen_at("changed")
        stage.say(
            f"kubectl took {(returned - began) * 1000:.0f} ms; "
            f"the container read the new value {(seen - began) * 1000:.0f} ms after kubectl was started."
        )
        delays = []
        with plain_api.API(plain_api.Access.read(cluster.kubeconfig)) as api:
            for number in range(CHANGES):
                value = f"changed-{number}"
                began = time.time()
                path = "/api/v1/namespaces/dev/secrets/secret"
                api.ok(
                    "PATCH",
                    path,
                    {"stringData": {"password": value}},
                    content_type="application/merge-patch+json",
                )
                delays.append((observer.seen_at(value) - began) * 1000)
        stage.say(
            f"{CHANGES} more changes over the API, from the request to the read in the container: "
            f"median {statistics.median(delays):.0f} ms, slowest {max(delays):.0f} ms."
        )
    finally:
        observer.close()
    now = stage.run("kubectl exec pod-secret -n dev -- cat /secret/config/password; echo")
    expect(now.strip() == f"changed-{CHANGES - 1}", "the last value")


def on_disk(stage: Stage, cluster: clusters.Cluster) -> None:
    store = f"{cluster.data_dir.name}/store"
    stage.run(f"ls -l {store}")
    stage.run(f"grep -a -o 'k8s:enc:kms:v2:[a-z]*:' {store}/* | sort | uniq -c")
    for spelling, value in (
        ("plain", "ikubernetes"),
        ("base64", "aWt1YmVybmV0ZXM"),
        ("hex", b"ikubernetes".hex()),
    ):
        count = stage.run(f"cat {store}/* | grep -a -c -i '{value}' || true   # {spelling}")
        expect(count.strip() == "0", f"the value in {spelling} is not in the database")
