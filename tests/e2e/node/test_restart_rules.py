"""Containers that run again by rules of their own, alone or all together; variables from a file that another
container wrote."""

import json
from typing import Any

from strongroom.testing import expect, manifests
from strongroom.testing.kubectl import Kubectl

COUNT = "n=$(($(cat /e/n 2>/dev/null || echo 0) + 1)); echo $n > /e/n; echo \"RUN='$n'\" > /e/env"
ALL_ANEW = "echo run $RUN; [ $RUN = 2 ] || { sleep .3; exit 7; }"
ALONE = "[ -e /e/alone ] && exit 0; touch /e/alone; exit 42"


def rule(action: str, code: int) -> dict[str, Any]:
    rules = [{"action": action, "exitCodes": {"operator": "In", "values": [code]}}]
    return {"restartPolicy": "Never", "restartPolicyRules": rules}


def test_containers_run_again_by_rules_of_their_own(latest: Kubectl) -> None:
    made = manifests.pod("rules", command=["sh", "-c", ALL_ANEW], restartPolicy="Never")
    spec = made["spec"]
    mounts = {"volumeMounts": [{"name": "e", "mountPath": "/e"}]}
    image = spec["containers"][0]["image"]
    file = {"fileKeyRef": {"volumeName": "e", "path": "env", "key": "RUN"}}
    spec["volumes"] = [{"name": "e", "emptyDir": {}}]
    spec["containers"][0] |= {
        "name": "all",
        "env": [{"name": "RUN", "valueFrom": file}],
        **rule("RestartAllContainers", 7),
    }
    spec["containers"].append(
        {"name": "alone", "image": image, "command": ["sh", "-c", ALONE], **mounts, **rule("Restart", 42)}
    )
    spec["initContainers"] = [{"name": "count", "image": image, "command": ["sh", "-c", COUNT], **mounts}]
    latest.ok("create", "-f", "-", stdin=manifests.text(made))

    def phase() -> str:
        return latest.ok("get", "pod", "rules", "-ojsonpath={.status.phase}")

    expect.until(lambda: phase() in ("Succeeded", "Failed"), timeout=60, what="the end of the Pod")
    found = json.loads(latest.ok("get", "pod", "rules", "-ojson"))["status"]
    counts = {each["name"]: each["restartCount"] for each in found["containerStatuses"]}
    assert found["phase"] == "Succeeded"
    assert found["initContainerStatuses"][0]["restartCount"] == 1
    assert counts["all"] == 1 and counts["alone"] >= 1
    assert latest.ok("logs", "rules", "-c", "all") == "run 2\n"
