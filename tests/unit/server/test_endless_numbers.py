"""Numbers of more digits than `int` reads: what they are in is refused as upstream refuses it."""

import pytest

from strongroom.testing.api_server import APIServer

ENDLESS = "9" * 5000
SECRETS = "/api/v1/namespaces/default/secrets"
BEYOND = f'parsing "{ENDLESS}": value out of range'


@pytest.mark.parametrize(
    ("method", "query", "message"),
    [
        (
            "GET",
            f"?resourceVersion={ENDLESS}",
            f'invalid resource version: resourceVersion: Invalid value: "{ENDLESS}": '
            f"strconv.ParseUint: {BEYOND}",
        ),
        ("GET", f"?limit={ENDLESS}", f"strconv.ParseInt: {BEYOND}"),
        ("GET", "?limit=9223372036854775808", None),
        ("GET", "?limit=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("DELETE", f"/a?gracePeriodSeconds={ENDLESS}", f"strconv.ParseInt: {BEYOND}"),
        ("GET", f"?labelSelector=a%3E{ENDLESS}", None),
    ],
)
async def test_in_a_query(server: APIServer, method: str, query: str, message: str | None) -> None:
    answer = await server.request(method, SECRETS + query)
    assert answer.status == 400, answer.text[:200]
    if message:
        assert answer.json["message"] == message


async def test_in_a_patch(server: APIServer) -> None:
    body = {"metadata": {"name": "a", "finalizers": ["a.b/c"]}}
    assert (await server.request("POST", SECRETS, body)).status == 201
    patch = [{"op": "remove", "path": f"/metadata/finalizers/{ENDLESS}"}]
    answer = await server.request("PATCH", f"{SECRETS}/a", patch, content_type="application/json-patch+json")
    assert (answer.status, answer.json["reason"]) == (422, "Invalid")
