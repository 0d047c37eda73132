"""A Deployment that asks for it gets new Pods when a Secret of its environment changes."""

import json

from strongroom.testing import expect
from strongroom.testing.kubectl import Kubectl

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  annotations:
    strongroom.dev/restart-on-secret-change: "true"
spec:
  progressDeadlineSeconds: 8
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: c
        image: nginx:latest
        env:
        - name: PASSWORD
          valueFrom:
            secretKeyRef: {{name: db, key: password}}
        readinessProbe:
          exec:
            command: [bash, -c, '[ "$PASSWORD" != wrong ]']
          periodSeconds: 1
"""


def password(kubectl: Kubectl, name: str) -> set[str]:
    """What the Pods of the Deployment have in their environment that are ready and stay."""
    pods = json.loads(kubectl.ok("get", "pods", f"--selector=app={name}", "-ojson"))["items"]
    alive = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    results = (kubectl("exec", pod, "--", "bash", "-c", "echo $PASSWORD") for pod in alive)
    return {result.stdout.strip() if result.code == 0 else "" for result in results}


def change(kubectl: Kubectl, value: str) -> None:
    patch = json.dumps({"stringData": {"password": value}})
    assert kubectl.ok("patch", "secret", "db", "-p", patch) == "secret/db patched\n"


def reason(kubectl: Kubectl, name: str) -> str:
    path = '{.status.conditions[?(@.type=="strongroom.dev/SecretRestart")].reason}'
    return kubectl.ok("get", "deployment", name, f"-ojsonpath={path}")


def test_the_environment_follows_and_a_bad_value_stops_it(latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "db", "--from-literal=password=one")
    manifests = "---\n".join(DEPLOYMENT.format(name=name) for name in ("a", "b"))
    latest.ok("apply", "-f", "-", stdin=manifests)
    for name in ("a", "b"):
        latest.ok("rollout", "status", f"deployment/{name}", "--timeout=60s", timeout=70)
    expect.until(lambda: password(latest, "a") == {"one"}, what="the first value")

    change(latest, "two")
    expect.until(lambda: password(latest, "a") == password(latest, "b") == {"two"}, timeout=60, what="two")
    assert "unchanged" in latest.ok("apply", "-f", "-", stdin=manifests), "an apply finds nothing to undo"

    change(latest, "wrong")
    expect.until(lambda: reason(latest, "a") == "NewPodsNotReady", timeout=60, what="the condition")
    assert "two" in password(latest, "a"), "the old Pod stays"
    expect.until(lambda: reason(latest, "b") == "WaitingForOther", what="the other waits")
    assert password(latest, "b") == {"two"}

    def told() -> bool:
        described = latest.ok("describe", "deployment", "a")
        return all(
            text in described
            for text in (
                "strongroom.dev/SecretRestart",
                'Restarting: Secret "db" changed',
                'New Pods are not ready after a change of Secret "db": no other workload is restarted for it',
            )
        )

    expect.until(told, what="the Events")
    change(latest, "three")
    expect.until(
        lambda: password(latest, "a") == password(latest, "b") == {"three"}, timeout=60, what="three"
    )
    expect.until(lambda: reason(latest, "b") == "Restarted", timeout=30, what="the last condition")
