"""The demonstration behind `make demo`: a Secret's way from kubectl to a container, with plain kubectl."""

import contextlib
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from strongroom.testing import api as plain_api
from strongroom.testing import cluster as clusters
from strongroom.testing import images, registry

IMAGE = "nginx:latest"
POD = f"""\
apiVersion: v1
kind: Pod
metadata:
  name: my-pod-demo
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: {IMAGE}
    env:
    - name: DB_USER
      valueFrom:
        secretKeyRef: {{name: mysql-auth-secret, key: username}}
    volumeMounts:
    - {{name: auth, mountPath: /etc/auth, readOnly: true}}
  volumes:
  - name: auth
    secret: {{secretName: mysql-auth-secret}}
"""
# Looks at the file each millisecond without starting a process, and tells when its content is another.
OBSERVER = """
mkfifo /tmp/pause; exec 9<>/tmp/pause
read -r seen </etc/auth/password; echo watching
while :; do
  read -r now </etc/auth/password
  [ "$now" = "$seen" ] || { seen=$now; echo "$EPOCHREALTIME $now"; }
  read -t 0.001 -u 9
done
"""
CHANGES = 20


class Failed(Exception):
    """A step did not do what it shows; the text says which."""


class Stage:
    """What the audience sees, and the shell that the commands run in."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._step = 0
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def title(self, text: str) -> None:
        self._step += 1
        print(f"\n{self._styled('1;36', f'{self._step}. {text}')}", flush=True)

    def say(self, text: str) -> None:
        print("   " + text.rstrip().replace("\n", "\n   "), flush=True)

    def run(self, command: str) -> str:
        """Show a command, run it, show and return its output."""
        self.say(self._styled("1", f"$ {command}"))
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
        if done.stdout:
            self.say(done.stdout)
        if done.returncode != 0:
            raise Failed(f"exit code {done.returncode}: {command}")
        return done.stdout

    def wait_for(self, command: str, timeout: float = 30.0) -> None:
        """Run a command out of sight until it succeeds. Raises Failed."""
        deadline = time.monotonic() + timeout
        while subprocess.run(
            ["bash", "-c", command], env=self._environment, capture_output=True, check=False
        ).returncode:
            if time.monotonic() > deadline:
                raise Failed(f"not within {timeout:.0f} s: {command}")
            time.sleep(0.1)

    def _styled(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text


class Observer:
    """Watches the mounted file from inside the container, over `kubectl exec`."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = ["kubectl", "exec", "my-pod-demo", "--", "bash", "-c", OBSERVER]
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


@contextlib.contextmanager
def image_source(directory: Path) -> Iterator[tuple[registry.Registry, Path]]:
    """A registry with our image, and the `certs.d` that leads docker.io to it."""
    with registry.Registry(directory / "registry") as running:
        running.push(f"library/{IMAGE}", images.nginx())
        registry.write_hosts(directory / "certs.d", ["docker.io", "registry.k8s.io"], running.address)
        yield running, directory / "certs.d"


def show(stage: Stage, environment: dict[str, str], cluster: clusters.Cluster) -> None:
    """The steps, once Strongroom runs."""
    stage.title("A Secret from literals")
    stage.run(
        "kubectl create secret generic mysql-auth-secret "
        "--from-literal=username=root --from-literal=password=ikubernetes"
    )
    stage.run("kubectl get secrets mysql-auth-secret")

    stage.title("What the API keeps of it")
    stage.run("kubectl get secret mysql-auth-secret -o yaml")
    decoded = stage.run(
        "kubectl get secret mysql-auth-secret -o jsonpath='{.data.password}' | base64 -d; echo"
    )
    expect(decoded.strip() == "ikubernetes", "the decoded password")

    stage.title("A Pod that mounts it and takes a key as a variable")
    stage.run("cat pod.yaml")
    began = time.monotonic()
    stage.run("kubectl apply -f pod.yaml")
    try:
        stage.run("kubectl wait --for=condition=Ready pod/my-pod-demo --timeout=40s")
    except Failed:
        stage.run("kubectl describe pod my-pod-demo")
        raise
    stage.say(f"Ready {time.monotonic() - began:.1f} s after kubectl apply was started, image pull included.")
    stage.run("kubectl get pod my-pod-demo -o wide")

    stage.title("The container sees both")
    seen = stage.run("kubectl exec my-pod-demo -- bash -c 'echo \"$DB_USER\"; cat /etc/auth/password; echo'")
    expect(seen.split() == ["root", "ikubernetes"], "the variable and the file")
    stage.run("kubectl exec my-pod-demo -- ls -l /etc/auth/")
    stage.run("kubectl exec my-pod-demo -- grep /etc/auth /proc/mounts")

    stage.title("A change of the Secret, and when the container sees it")
    change(stage, environment, cluster)

    stage.title("What lies on disk")
    on_disk(stage, cluster)


def change(stage: Stage, environment: dict[str, str], cluster: clusters.Cluster) -> None:
    observer = Observer(environment)
    try:
        expect(observer.line() == "watching", "the observer in the container")
        began = time.time()
        patch = json.dumps({"stringData": {"password": "changed"}}, separators=(",", ":"))
        stage.run(f"kubectl patch secret mysql-auth-secret -p '{patch}'")
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
                path = "/api/v1/namespaces/default/secrets/mysql-auth-secret"
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
    now = stage.run("kubectl exec my-pod-demo -- cat /etc/auth/password; echo")
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


def expect(true: bool, what: str) -> None:
    if not true:
        raise Failed(f"not as it should be: {what}")


def main() -> int:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="strongroom-demo-") as name:
        directory = Path(name)
        (directory / "pod.yaml").write_text(POD)
        environment = os.environ | {
            "KUBECONFIG": str(directory / "kubeconfig"),
            "PATH": f"{clusters.PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": name,
        }
        stage = Stage(directory, environment)
        try:
            stage.title("An image of busybox and bash, served by a registry on this machine")
            with image_source(directory) as (source, hosts):
                stage.say(f"docker.io/library/{IMAGE} now comes from {source.address}")
                stage.title("Strongroom: API server, encrypted store, controllers, node")
                cluster = clusters.Cluster(directory, registry_config=hosts)
                stage.say("$ " + " ".join(["strongroom", *cluster.command()[1:]]).replace(f"{name}/", ""))
                with cluster:
                    stage.say(cluster.ready_line)
                    stage.say(f"Ready after {cluster.ready_after:.1f} s.")
                    stage.wait_for("kubectl get node n1")
                    stage.run("kubectl wait --for=condition=Ready node/n1 --timeout=30s")
                    stage.run("kubectl get nodes")
                    show(stage, environment, cluster)
                    stage.title("Clean-up")
                    stage.run("kubectl delete pod/my-pod-demo secret/mysql-auth-secret")
        except (Failed, AssertionError, OSError, subprocess.SubprocessError) as error:
            print(f"\ndemo: {error}", file=sys.stderr)
            output = directory / "output"
            if output.exists():
                print("demo: strongroom said:\n" + output.read_text()[-4000:], file=sys.stderr)
            return 1
    print(f"\nDone in {time.monotonic() - began:.0f} s; nothing is left of it.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
