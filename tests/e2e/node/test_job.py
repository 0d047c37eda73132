"""Jobs as kubectl makes, follows and deletes them."""

import json

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl


def test_a_job_runs_to_its_end(kubectl: Kubectl) -> None:
    kubectl.ok("create", "secret", "generic", "db", "--from-literal=password=s3cr3t")
    command = ("--", "bash", "-c", "echo done")
    assert (
        kubectl.ok("create", "job", "hello", "--image=nginx:latest", *command) == "job.batch/hello created\n"
    )
    kubectl.ok("wait", "--for=condition=complete", "job/hello", "--timeout=60s", timeout=70)
    assert kubectl.ok("logs", "job/hello") == "done\n"
    expect.check(
        kubectl.ok("get", "jobs"),
        "NAME  STATUS  COMPLETIONS  DURATION  AGE\nhello  Complete  1/1  <age>  <age>\n",
    )
    described = kubectl.ok("describe", "job", "hello")
    for text in (
        "Completion Mode:  NonIndexed",
        "Pods Statuses:    0 Active (0 Ready) / 1 Succeeded / 0 Failed",
        "Created pod: hello-",
    ):
        assert text in described, described
    assert kubectl.ok("get", "pods", "--no-headers").split()[1:3] == ["0/1", "Completed"]
    assert kubectl.ok("delete", "job", "hello").startswith('job.batch "hello" deleted')
    expect.until(lambda: kubectl.ok("get", "pods", "-oname") == "", what="its Pods are gone")


def test_indexes_failures_and_a_secret(latest: Kubectl) -> None:
    latest.ok("create", "secret", "generic", "db", "--from-literal=password=s3cr3t")
    reference = {"secretKeyRef": {"name": "db", "key": "password"}}
    env = [{"name": "PASSWORD", "valueFrom": reference}]
    say = manifests.pod("x", command=["bash", "-c", "echo $JOB_COMPLETION_INDEX $PASSWORD"], env=env)["spec"]
    fail = manifests.pod("x", command=["bash", "-c", "exit 3"])["spec"]
    indexed = {"completions": 2, "parallelism": 2, "completionMode": "Indexed"}
    jobs = [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {**spec, "template": {"spec": {**pod, "restartPolicy": "Never"}}},
        }
        for name, spec, pod in (("each", indexed, say), ("bad", {"backoffLimit": 0}, fail))
    ]
    latest.ok("apply", "-f", "-", stdin=manifests.text(*jobs))
    latest.ok("wait", "--for=condition=complete", "job/each", "--timeout=60s", timeout=70)
    said = latest.ok("logs", "--selector=batch.kubernetes.io/job-name=each", "--tail=-1")
    assert sorted(said.splitlines()) == ["0 s3cr3t", "1 s3cr3t"]
    latest.ok("wait", "--for=condition=failed", "job/bad", "--timeout=60s", timeout=70)
    found = json.loads(latest.ok("get", "job", "bad", "-ojson"))["status"]
    assert found["failed"] == 1
    assert found["conditions"][-1]["reason"] == "BackoffLimitExceeded"
    assert "Job has reached the specified backoff limit" in latest.ok("describe", "job", "bad")


def test_a_cron_job_and_a_job_made_of_it(kubectl: Kubectl) -> None:
    create = ("create", "cronjob", "nightly", "--image=nginx:latest", "--schedule=0 3 * * *")
    assert kubectl.ok(*create, "--", "bash", "-c", "echo night") == "cronjob.batch/nightly created\n"
    expect.check(
        kubectl.ok("get", "cj"),
        "NAME  SCHEDULE  TIMEZONE  SUSPEND  ACTIVE  LAST SCHEDULE  AGE\n"
        "nightly  0 3 * * *  <none>  False  0  <none>  <age>\n",
    )
    assert kubectl.ok("create", "job", "now", "--from=cronjob/nightly") == "job.batch/now created\n"
    kubectl.ok("wait", "--for=condition=complete", "job/now", "--timeout=60s", timeout=70)
    assert kubectl.ok("logs", "job/now") == "night\n"
    described = kubectl.ok("describe", "cronjob", "nightly")
    for text in ("Schedule:                      0 3 * * *", "Concurrency Policy:            Allow"):
        assert text in described, described
    kubectl.ok("delete", "cronjob", "nightly")
    expect.until(lambda: kubectl.ok("get", "jobs", "-oname") == "", what="its Jobs are gone")
