"""A machine becomes a node: what it gets for a bootstrap token, and what ends that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from strongroom.aio.clock import FakeClock
from strongroom.api import node_joining
from strongroom.server.handlers import node_token
from strongroom.server.node_tokens import tokens
from strongroom.server.service_accounts.keys import Keys
from strongroom.server.service_accounts.settings import TokenSettings
from strongroom.testing import api_server
from strongroom.testing.api_server import Answer, APIServer

ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
BOOTSTRAP = "abcdef.0123456789abcdef"
KEY, OTHER = "k" * 43, "o" * 43
MERGE = "application/merge-patch+json"


@dataclass
class World:
    server: APIServer
    clock: FakeClock
    key: ec.EllipticCurvePrivateKey

    async def post(self, name: str, key: Any = KEY, token: str = BOOTSTRAP, query: str = "") -> Answer:
        body = {"kind": "NodeTokenRequest", "apiVersion": "strongroom.dev/v1", "spec": {"key": key}}
        return await self.server.request("POST", f"/api/v1/nodes/{name}/token{query}", body, token=token)

    async def join(self, name: str, key: str = KEY) -> dict[str, str]:
        answer = await self.post(name, key)
        assert answer.status == 201, answer.text
        return dict(answer.json["status"])

    async def whoami(self, token: str) -> dict[str, Any] | None:
        answer = await self.server.request("POST", ME, {}, token=token)
        return dict(answer.json["status"]["userInfo"]) if answer.status == 201 else None

    async def get(self, path: str, token: str) -> int:
        return (await self.server.get(path, token=token)).status

    async def pod(self, node: str, name: str, secret: str) -> None:
        volume = {"name": "v", "secret": {"secretName": secret}}
        spec = {"nodeName": node, "containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
        path = "/api/v1/namespaces/default/pods"
        answer = await self.server.request("POST", path, {"metadata": {"name": name}, "spec": spec})
        assert answer.status == 201, answer.text


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock, key = FakeClock(), ec.generate_private_key(ec.SECP256R1())
    async with api_server.running(clock=clock, service_account_keys=Keys([key])) as server:
        data = {
            "token-id": "abcdef",
            "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true",
        }
        secret = {"type": "bootstrap.kubernetes.io/token", "stringData": data}
        await server.request(
            "POST",
            "/api/v1/namespaces/kube-system/secrets",
            {"metadata": {"name": "bootstrap-token-abcdef"}, **secret},
        )
        path = "/api/v1/namespaces/default/serviceaccounts"
        await server.request("POST", path, {"metadata": {"name": "default"}})
        yield World(server, clock, key)


async def test_a_machine_joins_with_a_bootstrap_token(world: World) -> None:
    given = await world.join("m1")
    user = await world.whoami(given["token"])
    assert user is not None
    assert user["username"] == "system:node:m1"
    assert user["groups"] == ["system:nodes", "system:authenticated"]
    node = (await world.server.get("/api/v1/nodes/m1")).json
    assert KEY not in str(node)
    assert node["metadata"]["annotations"] == {
        "strongroom.dev/key-sha256": node_joining.key_digest(KEY),
        "strongroom.dev/bootstrap-token-id": "abcdef",
    }
    assert user["extra"]["authentication.kubernetes.io/node-uid"] == [node["metadata"]["uid"]]
    proxy = await world.whoami(given["proxyToken"])
    assert proxy is not None
    assert (proxy["username"], proxy["groups"]) == ("system:kube-proxy", ["system:authenticated"])


async def test_nobody_takes_the_name_of_a_node_that_is_there(world: World) -> None:
    await world.join("m1")
    taken = await world.post("m1", OTHER)
    assert (taken.status, taken.json["reason"]) == (409, "Conflict")
    assert "has another key" in taken.json["message"]
    await world.server.request("POST", "/api/v1/nodes", {"metadata": {"name": "by-hand"}})
    assert (await world.post("by-hand")).status == 409


async def test_one_bootstrap_token_makes_so_many_nodes_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_token, "NODES_OF_A_TOKEN", 3)
    answers = await asyncio.gather(*(world.post(f"m{n}") for n in range(6)))
    assert sorted(answer.status for answer in answers) == [201] * 3 + [403] * 3
    refused = next(answer for answer in answers if answer.status == 403)
    assert refused.json["message"].endswith(
        "is forbidden: 3 nodes have joined with this bootstrap token: make another one"
    )
    joined = [f"m{n}" for n, answer in enumerate(answers) if answer.status == 201]
    # Those that are there go on joining, an administrator is not counted, and what is deleted makes room.
    assert (await world.post(joined[0])).status == 201
    assert (await world.post("by-admin", token=api_server.ADMIN)).status == 201
    await world.server.request("DELETE", f"/api/v1/nodes/{joined[0]}")
    assert [(await world.post(f"n{n}")).status for n in range(2)] == [201, 403]


async def test_a_node_does_not_change_which_token_it_joined_with(world: World) -> None:
    given = await world.join("m1")
    for value in (None, "fedcba"):
        change = {"metadata": {"annotations": {node_joining.TOKEN_ANNOTATION: value}}}
        answer = await world.server.request(
            "PATCH", "/api/v1/nodes/m1", change, content_type=MERGE, token=given["token"]
        )
        assert answer.status == 403, answer.text


async def test_not_even_the_administrator_gets_a_node_s_token_without_its_key(world: World) -> None:
    await world.join("m1")
    assert (await world.post("m1", OTHER, api_server.ADMIN)).status == 409


async def test_a_machine_that_joined_joins_again_with_its_key(world: World) -> None:
    first = await world.join("m1")
    again = await world.join("m1")
    assert again["token"] != first["token"]
    assert await world.whoami(again["token"]) is not None


async def test_a_node_renews_its_own_token_with_its_key_alone(world: World) -> None:
    given = await world.join("m1")
    await world.join("m2", OTHER)
    world.clock.advance(3600)
    renewed = await world.post("m1", KEY, given["token"])
    assert renewed.status == 201, renewed.text
    world.clock.advance(tokens.LIFETIME - 3600)
    assert await world.whoami(given["token"]) is None
    assert await world.whoami(renewed.json["status"]["token"]) is not None
    stolen = renewed.json["status"]["token"]
    assert (await world.post("m1", OTHER, stolen)).status == 409
    foreign = await world.post("m2", KEY, stolen)
    assert foreign.status == 403
    assert "node 'm1' can only renew its own token" in foreign.json["message"]
    assert (await world.post("m3", KEY, stolen)).status == 403


async def test_a_token_ends_after_a_day(world: World) -> None:
    given = await world.join("m1")
    world.clock.advance(tokens.LIFETIME - 1)
    assert await world.whoami(given["token"]) is not None
    world.clock.advance(1)
    assert await world.whoami(given["token"]) is None


async def test_the_tokens_are_dead_from_the_moment_the_node_is_deleted(world: World) -> None:
    given = await world.join("m1")
    assert await world.whoami(given["token"]) is not None
    assert (await world.server.request("DELETE", "/api/v1/nodes/m1")).status == 200
    assert await world.whoami(given["token"]) is None
    assert await world.whoami(given["proxyToken"]) is None
    assert (await world.post("m1", KEY, given["token"])).status == 401
    await world.join("m1")
    assert await world.whoami(given["token"]) is None, "another Node of the same name"


async def test_open_watches_end_with_the_node(world: World) -> None:
    one, two = await world.join("m1"), await world.join("m2", OTHER)
    await world.server.create_secret("first")
    await world.pod("m1", "p1", "first")
    await world.pod("m2", "p2", "first")
    path = "/api/v1/namespaces/default/secrets"
    query = [("watch", "1"), ("fieldSelector", "metadata.name=first")]
    watching = [world.server.transport(each["token"]).stream("GET", path, query=query) for each in (one, two)]
    async with watching[0] as ends, watching[1] as stays:
        assert (ends.status, stays.status) == (200, 200)
        first = [await asyncio.wait_for(anext(each.chunks), 5) for each in (ends, stays)]
        assert all(b'"ADDED"' in chunk for chunk in first)
        assert (await world.server.request("DELETE", "/api/v1/nodes/m1")).status == 200
        async with asyncio.timeout(5):
            assert [chunk async for chunk in ends.chunks] == []
        changed = {"stringData": {"key": "new"}}
        await world.server.request("PATCH", f"{path}/first", changed, content_type=MERGE)
        assert b'"MODIFIED"' in await asyncio.wait_for(anext(stays.chunks), 5)


async def test_open_watches_end_when_the_node_is_being_deleted(world: World) -> None:
    """Its tokens are refused from then on, and a finalizer may hold the Node for long."""
    given = await world.join("m1")
    await world.server.create_secret("first")
    await world.pod("m1", "p1", "first")
    query = [("watch", "1"), ("fieldSelector", "metadata.name=first")]
    path = "/api/v1/namespaces/default/secrets"
    held = {"metadata": {"finalizers": ["example.com/hold"]}}
    node = "/api/v1/nodes/m1"
    assert (await world.server.request("PATCH", node, held, content_type=MERGE)).status == 200
    async with world.server.transport(given["token"]).stream("GET", path, query=query) as watching:
        assert b'"ADDED"' in await asyncio.wait_for(anext(watching.chunks), 5)
        assert (await world.server.request("DELETE", node)).status == 200
        async with asyncio.timeout(5):
            assert [chunk async for chunk in watching.chunks] == []
    assert (await world.server.request("GET", node)).status == 200
    assert await world.whoami(given["token"]) is None


async def test_a_node_reads_only_secrets_of_its_pods(world: World) -> None:
    one, two = await world.join("m1"), await world.join("m2", OTHER)
    for name in ("first", "second", "unused"):
        await world.server.create_secret(name)
    await world.pod("m1", "p1", "first")
    await world.pod("m2", "p2", "second")
    secrets = "/api/v1/namespaces/default/secrets"
    seen = {
        (node, name): await world.get(f"{secrets}/{name}", given["token"])
        for node, given in (("m1", one), ("m2", two))
        for name in ("first", "second", "unused")
    }
    assert {key for key, code in seen.items() if code == 200} == {("m1", "first"), ("m2", "second")}
    assert set(seen.values()) == {200, 403}
    for path in (secrets, "/api/v1/secrets", f"{secrets}/first"):
        assert await world.get(path, one["proxyToken"]) == 403


async def test_a_node_changes_no_other_node(world: World) -> None:
    one, _ = await world.join("m1"), await world.join("m2", OTHER)
    patch = {"metadata": {"annotations": {node_joining.KEY_ANNOTATION: node_joining.key_digest(KEY)}}}
    for token in (one["token"], one["proxyToken"], BOOTSTRAP):
        for path in ("/api/v1/nodes/m2", "/api/v1/nodes/m2/status"):
            answer = await world.server.request("PATCH", path, patch, token=token, content_type=MERGE)
            assert answer.status == 403, answer.text


async def test_a_bootstrap_token_reads_no_secret_after_the_join_either(world: World) -> None:
    await world.join("m1")
    await world.server.create_secret("first")
    await world.pod("m1", "p1", "first")
    for path in ("secrets/first", "secrets", "pods/p1", "pods"):
        assert await world.get(f"/api/v1/namespaces/default/{path}", BOOTSTRAP) == 403
    assert await world.get("/api/v1/nodes/m1", BOOTSTRAP) == 403


async def test_who_has_no_bootstrap_token_joins_nothing(world: World) -> None:
    for token in ("nobody", "scheduler", "controllers", "node-n1"):
        assert (await world.post("m1", KEY, token)).status == 403
    assert (await world.post("m1", KEY, "abcdef.0000000000000000")).status == 401
    assert (await world.server.get("/api/v1/nodes/m1")).status == 404


@pytest.mark.parametrize("key", ["", "short", "k" * 42, "k" * 129, "k" * 42 + "=", 7, None, ["k" * 43]])
async def test_a_key_that_is_none_is_refused(world: World, key: Any) -> None:
    refused = await world.post("m1", key)
    assert (refused.status, refused.json["message"]) == (
        400,
        "spec.key: not at least 43 characters of base64url",
    )
    assert (await world.server.get("/api/v1/nodes/m1")).status == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"kind":"TokenRequest","apiVersion":"v1"}', b'{"kind":7}', b" " * 5000],
)
async def test_a_body_that_is_no_request_is_refused(world: World, body: bytes) -> None:
    answer = await world.server.request("POST", "/api/v1/nodes/m1/token", body, token=BOOTSTRAP)
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")


async def test_a_machine_says_which_subnet_is_free_on_it(world: World) -> None:
    def body(wish: object) -> dict[str, object]:
        spec = {"key": KEY, "podNetwork": wish}
        return {"kind": "NodeTokenRequest", "apiVersion": "strongroom.dev/v1", "spec": spec}

    path = "/api/v1/nodes/m1/token"
    for wrong in ("10.64.0.1", "x", 7, ["10.64.0.0/24"]):
        refused = await world.server.request("POST", path, body(wrong), token=BOOTSTRAP)
        assert (refused.status, refused.json["message"][:16]) == (400, "spec.podNetwork:")
    assert (await world.server.request("POST", path, body("10.64.9.0/24"), token=BOOTSTRAP)).status == 201
    node = (await world.server.get("/api/v1/nodes/m1")).json
    assert node["metadata"]["annotations"]["strongroom.dev/pod-network"] == "10.64.9.0/24"


async def test_a_name_that_no_node_can_have_is_refused(world: World) -> None:
    refused = await world.post("Upper_Case")
    assert (refused.status, refused.json["reason"]) == (422, "Invalid")


async def test_a_trial_makes_nothing(world: World) -> None:
    assert (await world.post("m1", query="?dryRun=All")).status == 400
    assert (await world.server.get("/api/v1/nodes/m1")).status == 404


async def test_what_a_node_is_shown_is_of_no_use_anywhere_else(world: World) -> None:
    given = await world.join("m1")
    made = tokens.NodeTokens(_settings(world), world.server.catalog, world.clock)
    proof = made.proof("m1")

    async def review(token: str, *audiences: str) -> dict[str, Any]:
        spec = {"token": token, **({"audiences": list(audiences)} if audiences else {})}
        answer = await world.server.request("POST", REVIEWS, {"spec": spec}, token=given["token"])
        assert answer.status == 201, answer.text
        return dict(answer.json["status"])

    good = await review(proof, "system:node:m1")
    assert (good["authenticated"], good["user"]["username"]) == (True, "system:kube-apiserver")
    assert good["audiences"] == ["system:node:m1"]
    assert not (await review(proof, "system:node:m2")).get("authenticated")
    assert not (await review(proof)).get("authenticated")
    assert await world.whoami(proof) is None
    # A node's own token proves nothing at an endpoint.
    assert not (await review(given["token"], "system:node:m1")).get("authenticated")
    world.clock.advance(tokens.PROOF_LIFETIME)
    assert not (await review(proof, "system:node:m1")).get("authenticated")


async def test_tokens_that_we_did_not_sign_so_are_refused(world: World) -> None:
    given = await world.join("m1")
    claims = jwt.decode(given["token"], options={"verify_signature": False})
    stranger = ec.generate_private_key(ec.SECP256R1())

    def made(key: Any = world.key, **changes: Any) -> str:
        return jwt.encode(claims | changes, key, "ES256")

    assert await world.whoami(made()) is not None, "the way the others are made"
    now = int(world.clock.now().timestamp())
    for token in (
        made(stranger),
        made(iss="https://kubernetes.default.svc.cluster.local"),
        made(aud=["elsewhere"]),
        made(exp=now),
        made(nbf=now + 120),
        made(**{"kubernetes.io": {"node": {"name": "m1", "uid": "another"}}}),
        made(**{"kubernetes.io": {"node": {"name": "m2", "uid": "another"}}}),
        jwt.encode(claims, "", "none"),
        given["token"][:-1],
    ):
        assert await world.whoami(token) is None


def _settings(world: World) -> Any:
    return TokenSettings(Keys([world.key]))
