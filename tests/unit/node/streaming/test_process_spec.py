"""The process of an exec, made from that of its container."""

import copy
from typing import Any

from strongroom.node.streaming import process_spec

SPEC: dict[str, Any] = {
    "process": {
        "user": {"uid": 1000, "gid": 1000, "additionalGids": [2000]},
        "args": ["nginx"],
        "env": ["PATH=/bin", "TERM=dumb", "PASSWORD=x"],
        "cwd": "/srv",
        "capabilities": {"bounding": ["CAP_CHOWN"]},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
        "oomScoreAdj": 1000,
        "apparmorProfile": "p",
        "terminal": True,
        "consoleSize": {"width": 1, "height": 1},
    },
    "annotations": {"io.kubernetes.cri.sandbox-id": "sandbox"},
}


def test_everything_but_the_command_is_the_containers() -> None:
    process = process_spec.derive(SPEC, ["env"], terminal=False)
    assert process == {
        key: value for key, value in SPEC["process"].items() if key not in ("consoleSize",)
    } | {"args": ["env"], "terminal": False}


def test_a_terminal_has_a_type() -> None:
    process = process_spec.derive(SPEC, ["sh"], terminal=True)
    assert process["terminal"] is True
    assert process["env"] == ["PATH=/bin", "PASSWORD=x", "TERM=xterm"]


def test_the_containers_own_specification_is_left_alone() -> None:
    before = copy.deepcopy(SPEC)
    process_spec.derive(SPEC, ["sh"], terminal=True)
    assert before == SPEC


def test_sandbox() -> None:
    assert process_spec.sandbox_id(SPEC, "c") == "sandbox"
    assert process_spec.sandbox_id({}, "c") == "c"
