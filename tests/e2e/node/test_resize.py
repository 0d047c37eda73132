"""`kubectl patch --subresource resize`: a container that runs gets other amounts of cpu and memory."""

import json

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

# In the container's own view of its cgroups, of version 1 or 2.
LIMIT = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"


def amounts(cpu: str, memory: str) -> dict[str, object]:
    return {"requests": {"cpu": cpu, "memory": "10Mi"}, "limits": {"memory": memory}}


def patch(**resources: object) -> str:
    return json.dumps({"spec": {"containers": [{"name": "main", "resources": resources}]}})


def test_a_container_is_resized_while_it_runs(latest: Kubectl) -> None:
    pod = manifests.pod("p")
    pod["spec"]["containers"][0]["resources"] = amounts("100m", "40Mi")
    latest.ok("create", "-f", "-", stdin=manifests.text(pod))
    latest.ok("wait", "--for=condition=Ready", "pod/p", "--timeout=40s")
    assert latest.ok("exec", "p", "--", "sh", "-c", LIMIT) == f"{40 * 1024 * 1024}\n"
    refused = latest("patch", "pod", "p", "-p", patch(limits={"memory": "60Mi"}))
    assert refused.stderr.startswith(
        'The Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.'
    )
    assert '-     "memory": "40Mi"\n+     "memory": "60Mi"\n' in refused.stderr
    resize = ["patch", "pod", "p", "--subresource", "resize", "-p"]
    assert latest.ok(*resize, patch(limits={"memory": "60Mi"})) == "pod/p patched\n"
    expect.until(lambda: latest.ok("exec", "p", "--", "sh", "-c", LIMIT) == f"{60 * 1024 * 1024}\n")

    def shown() -> list[object]:
        pod = json.loads(latest.ok("get", "pod", "p", "-o", "json"))
        status = pod["status"]["containerStatuses"][0]
        return [status["resources"]["limits"], status["restartCount"], pod["metadata"]["generation"]]

    wanted = [{"memory": "60Mi"}, 0, 2]
    expect.until(lambda: shown() == wanted)
    removed = latest(*resize, patch(limits=None))
    assert removed.stderr == (
        'The Pod "p" is invalid: spec.containers[0].resources.limits: Forbidden: resource limits cannot be '
        "removed\n"
    )
