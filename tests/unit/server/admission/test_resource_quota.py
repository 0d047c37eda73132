"""Quotas in admission: what is not counted yet lets nothing in, and what is full says how full it is."""

from typing import Any

import pytest

from strongroom.testing.api_server import APIServer

NAMESPACE = "/api/v1/namespaces/default"
QUOTAS = f"{NAMESPACE}/resourcequotas"


async def _quota(server: APIServer, used: dict[str, str] | None, **hard: str) -> None:
    quota: dict[str, Any] = {"metadata": {"name": "q"}, "spec": {"hard": hard}}
    assert (await server.request("POST", QUOTAS, quota)).status == 201
    if used is not None:
        status = {**quota, "status": {"hard": hard, "used": used}}
        assert (await server.request("PUT", f"{QUOTAS}/q/status", status)).status == 200


async def _secret(server: APIServer, name: str = "s") -> tuple[int, str]:
    answer = await server.request("POST", f"{NAMESPACE}/secrets", {"metadata": {"name": name}})
    return answer.status, answer.json.get("message", "")


async def test_what_is_not_counted_yet_lets_nothing_in(server: APIServer) -> None:
    await _quota(server, None, secrets="5")
    assert await _secret(server) == (
        403,
        'secrets "s" is forbidden: status unknown for quota: q, resources: secrets',
    )
    answer = await server.request("POST", f"{NAMESPACE}/configmaps", {"metadata": {"name": "c"}})
    assert answer.status == 201, "nobody limits them"


@pytest.mark.parametrize("key", ["secrets", "count/secrets"])
async def test_a_full_quota_says_what_is_asked_used_and_allowed(server: APIServer, key: str) -> None:
    await _quota(server, {key: "1"}, **{key: "2"})
    assert (await _secret(server, "a"))[0] == 201
    assert await _secret(server, "b") == (
        403,
        f'secrets "b" is forbidden: exceeded quota: q, requested: {key}=1, used: {key}=2, limited: {key}=2',
    )
    used = (await server.get(f"{QUOTAS}/q")).json["status"]["used"]
    assert used == {key: "2"}


async def test_several_limits_are_told_together_and_in_order(server: APIServer) -> None:
    both = {"secrets": "1", "count/secrets": "1"}
    await _quota(server, both, **both)
    assert (await _secret(server))[1] == (
        'secrets "s" is forbidden: exceeded quota: q, requested: count/secrets=1,secrets=1, '
        "used: count/secrets=1,secrets=1, limited: count/secrets=1,secrets=1"
    )
