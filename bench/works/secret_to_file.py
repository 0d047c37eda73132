"""A change of a Secret, from the request until a process in a container reads it from the mounted file.

The process looks at the file each millisecond and prints when it saw what; its clock is the machine's.
"""

import queue
import subprocess
import threading
import time

from bench import pods
from bench.result import Figure, latencies
from bench.target import Options, Target

TITLE = "changed Secret to file"
NEEDS_NODE = True
OBSERVER = """
mkfifo /tmp/pause; exec 9<>/tmp/pause
read -r seen </etc/auth/password; echo watching
while :; do
  read -r now </etc/auth/password
  [ "$now" = "$seen" ] || { seen=$now; echo "$EPOCHREALTIME $now"; }
  read -t 0.001 -u 9
done
"""


def run(target: Target, options: Options) -> list[Figure]:
    times: list[float] = []
    failures = 0
    with target.namespace() as namespace, target.api() as api:
        pods.create_secret(target, namespace)
        if pods.start(target, options, namespace, ["p"]).failures:
            return latencies(TITLE, [], failures=1)
        secret = f"/api/v1/namespaces/{namespace}/secrets/auth"
        observer = target.start_kubectl("exec", "-n", namespace, "p", "--", "bash", "-c", OBSERVER)
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=forward, args=(observer, lines), daemon=True)
        reader.start()
        try:
            if lines.get(timeout=30) != "watching":
                return latencies(TITLE, [], failures=1)
            end = time.monotonic() + options.patience
            for number in range(options.changes):
                if time.monotonic() > end:
                    break
                value = f"value-{number}"
                began = time.time()
                patch = {"stringData": {"password": value}}
                api.ok("PATCH", secret, patch, content_type="application/merge-patch+json")
                when, _, seen = lines.get(timeout=options.patience).partition(" ")
                failures += seen != value
                times.append(float(when) - began)
        except queue.Empty:
            failures += 1
        finally:
            observer.kill()
            observer.wait()
            reader.join()
            if observer.stdout:
                observer.stdout.close()
        pods.remove(target, namespace, ["p"])
    return latencies(TITLE, times, failures=failures)


def forward(observer: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    """Put its lines into the queue until it ends."""
    for line in observer.stdout or ():
        lines.put(line.strip())
