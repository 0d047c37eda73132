"""A new Node gets no Pods before it is known to be ready."""

from typing import Any

import pytest

from strongroom.testing.api_server import APIServer

NODES = "/api/v1/nodes"
TAINT = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
OTHER = {"key": "a", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, [TAINT]),
        ([OTHER], [OTHER, TAINT]),
        ([TAINT, OTHER], [TAINT, OTHER]),
        ([{**TAINT, "effect": "NoExecute"}], [{**TAINT, "effect": "NoExecute"}, TAINT]),
    ],
)
async def test_a_new_node_is_tainted(server: APIServer, given: Any, found: Any) -> None:
    body = {"metadata": {"name": "n"}, "spec": {"taints": given} if given else {}}
    answer = await server.request("POST", NODES, body)
    assert answer.json["spec"]["taints"] == found


async def test_one_that_is_there_is_left_as_it_is(server: APIServer) -> None:
    made = (await server.request("POST", NODES, {"metadata": {"name": "n"}})).json
    del made["spec"]["taints"]
    answer = await server.request("PUT", f"{NODES}/n", made)
    assert "taints" not in answer.json["spec"]
