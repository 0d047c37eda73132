"""`kubectl logs`, followed and not."""

import time
from collections.abc import Callable

from strongroom.testing.api import API
from strongroom.testing.kubectl import Kubectl

# The pause: CRI promises no order between the two outputs.
COUNT = (
    "i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); done; sleep 0.5; echo problem >&2; exec sleep 600"
)
TICK = 'trap "exit 0" TERM; i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.2; done'


def test_all_tail_and_timestamps(latest: Kubectl, start: Callable[..., None]) -> None:
    start("p", command=["sh", "-c", COUNT])
    deadline = time.monotonic() + 10
    while "problem" not in latest.ok("logs", "p") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert latest.ok("logs", "p") == "".join(f"line {i}\n" for i in range(5)) + "problem\n"
    assert latest.ok("logs", "p", "--tail=2") == "line 4\nproblem\n"
    assert latest.ok("logs", "p", "--limit-bytes=6") == "line 0"
    stamped = latest.ok("logs", "p", "--timestamps", "--tail=1").split()
    assert stamped[1:] == ["problem"]
    assert stamped[0].startswith(time.strftime("%Y-", time.gmtime()))


def test_follow_shows_lines_as_they_come(latest: Kubectl, start: Callable[..., None]) -> None:
    start("p", command=["bash", "-c", TICK])
    process = latest.start("logs", "-f", "p")
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(6)]
    assert seen == [f"tick {i}\n".encode() for i in range(6)]
    latest.ok("delete", "pod", "p")
    assert process.wait(15) == 0
    process.stdout.close()


def test_logs_that_do_not_exist(latest: Kubectl, start: Callable[..., None], api: API) -> None:
    start("p")
    assert latest.fails("logs", "p", "--previous") == (
        'Error from server (BadRequest): previous terminated container "main" in pod "p" not found\n'
    )
    reply = api.request("GET", f"/api/v1/namespaces/{latest.namespace}/pods/p/log?container=other")
    assert (reply.status, reply.json()["message"]) == (400, "container other is not valid for pod p")
