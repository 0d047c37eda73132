"""Bootstrap tokens through the whole server: whom they stand for, what ends them, and what they can't do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.aio.clock import FakeClock
from strongroom.api import resources, scheme
from strongroom.machinery.duration import timestamp
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
TYPE = "bootstrap.kubernetes.io/token"
TOKEN = "abcdef.0123456789abcdef"


@dataclass
class World:
    server: APIServer
    clock: FakeClock

    async def put(self, namespace: str = "kube-system", kind: str = TYPE, **data: str) -> None:
        given = {
            "token-id": "abcdef",
            "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true",
            **{key.replace("_", "-"): value for key, value in data.items()},
        }
        secret = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": kind, "stringData": given}
        path = f"/api/v1/namespaces/{namespace}/secrets"
        answer = await self.server.request("POST", path, secret)
        assert answer.status == 201, answer.text

    async def whoami(self, token: str = TOKEN) -> dict[str, Any] | None:
        answer = await self.server.request("POST", ME, {}, token=token)
        assert answer.status in (201, 401)
        return dict(answer.json["status"]["userInfo"]) if answer.status == 201 else None


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = FakeClock()
    async with api_server.running(clock=clock) as server:
        yield World(server, clock)


async def test_a_token_stands_for_its_id_in_the_group_of_bootstrappers(world: World) -> None:
    await world.put(auth_extra_groups="system:bootstrappers:b,system:bootstrappers:a")
    user = await world.whoami()
    assert user is not None
    assert user["username"] == "system:bootstrap:abcdef"
    assert user["groups"] == [
        "system:bootstrappers",
        "system:bootstrappers:a",
        "system:bootstrappers:b",
        "system:authenticated",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "Opaque"},
        {"namespace": "default"},
        {"token_id": "abcdeg"},
        {"token_secret": "0123456789abcdeg"},
        {"token_secret": ""},
        {"usage_bootstrap_authentication": "True"},
        {"usage_bootstrap_authentication": ""},
        {"expiration": "2020-01-01T00:00:00Z"},
        {"expiration": "tomorrow"},
        {"expiration": ""},
        {"auth_extra_groups": "system:masters"},
        {"auth_extra_groups": "system:bootstrappers:a,system:nodes"},
        {"auth_extra_groups": "system:bootstrappers:"},
    ],
    ids=str,
)
async def test_a_secret_that_is_not_as_it_must_be_is_no_token(world: World, wrong: dict[str, str]) -> None:
    await world.put(**wrong)
    assert await world.whoami() is None


@pytest.mark.parametrize(
    "given",
    [
        "abcdef.0123456789abcdeg",
        "abcdeg.0123456789abcdef",
        "ABCDEF.0123456789abcdef",
        "abcdef.0123456789ABCDEF",
        "abcdef:0123456789abcdef",
        "abcdef.0123456789abcde",
        "abcdef.0123456789abcdef0",
        "abcdef.0123456789abcde\u00e9",
        "abcdef.0123456789abcde\n",
    ],
    ids=repr,
)
async def test_what_is_not_the_token_is_refused(world: World, given: str) -> None:
    await world.put()
    assert await world.whoami(given) is None


async def test_a_token_is_refused_from_the_moment_its_secret_is_gone(world: World) -> None:
    await world.put()
    assert await world.whoami() is not None
    assert (await world.server.request("DELETE", f"{SECRETS}/bootstrap-token-abcdef")).status == 200
    assert await world.whoami() is None


async def test_a_token_is_refused_while_its_secret_is_being_deleted(world: World) -> None:
    await world.put()
    patch = {"metadata": {"finalizers": ["example.com/wait"]}}
    path = f"{SECRETS}/bootstrap-token-abcdef"
    merge = "application/merge-patch+json"
    assert (await world.server.request("PATCH", path, patch, content_type=merge)).status == 200
    assert (await world.server.request("DELETE", path)).status == 200
    assert await world.whoami() is None


async def test_a_token_is_refused_from_the_moment_of_its_expiration(world: World) -> None:
    await world.put(expiration=timestamp(world.clock.now() + timedelta(seconds=60)))
    world.clock.advance(58)
    assert await world.whoami() is not None
    world.clock.advance(2)
    assert await world.whoami() is None


async def test_a_changed_secret_changes_the_token_at_once(world: World) -> None:
    await world.put()
    patch = {"stringData": {"token-secret": "fedcba9876543210"}}
    path = f"{SECRETS}/bootstrap-token-abcdef"
    merge = "application/merge-patch+json"
    assert (await world.server.request("PATCH", path, patch, content_type=merge)).status == 200
    assert await world.whoami() is None
    assert await world.whoami("abcdef.fedcba9876543210") is not None


async def test_a_token_review_knows_it(world: World) -> None:
    await world.put()
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    answer = await world.server.request("POST", path, {"spec": {"token": TOKEN}})
    assert answer.json["status"]["authenticated"] is True
    assert answer.json["status"]["user"]["username"] == "system:bootstrap:abcdef"
    other = {"spec": {"token": TOKEN, "audiences": ["elsewhere"]}}
    assert not (await world.server.request("POST", path, other)).json["status"].get("authenticated")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "PUT", "PATCH", "DELETE", "POST"]),
    kind=st.sampled_from(sorted(scheme.STRATEGIES, key=str)),
    namespace=st.sampled_from(["default", "kube-system", ""]),
    name=st.sampled_from(["", "db", "bootstrap-token-abcdef", "n1"]),
    subresource=st.sampled_from(["", "status", "scale", "exec", "log", "eviction", "binding"]),
    query=st.sampled_from(["", "watch=true&timeoutSeconds=1", "fieldSelector=metadata.name%3Ddb"]),
)
async def test_a_bootstrap_token_alone_reads_and_writes_nothing(
    world: World, method: str, kind: Any, namespace: str, name: str, subresource: str, query: str
) -> None:
    if world.server.catalog[resources.SECRETS].find("kube-system", "bootstrap-token-abcdef") is None:
        await world.put()
        await world.server.create_secret("db")
    root = f"/apis/{kind.group}" if kind.group else "/api"
    parts = [f"{root}/{kind.version}"]
    if kind.namespaced and namespace:
        parts.append(f"namespaces/{namespace}")
    parts.append(kind.plural)
    if name:
        parts += [name, *([subresource] if subresource else [])]
    path = "/".join(parts) + (f"?{query}" if query else "")
    answer = await world.server.request(method, path, {} if method != "GET" else None, token=TOKEN)
    assert answer.status == 403, (method, path, answer.text)
    assert "dmFsdWU=" not in answer.text
