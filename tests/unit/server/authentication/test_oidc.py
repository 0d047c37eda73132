"""People as users, through the whole server and a real issuer: whom a token makes one, and when not."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from strongroom.aio.clock import FakeClock
from strongroom.server.audit import policy
from strongroom.server.audit.recorder import Recorder
from strongroom.server.authentication.oidc import key_set
from strongroom.server.authentication.oidc.authenticator import OIDCTokens
from strongroom.server.authentication.oidc.config import JWTAuthenticator, PrefixedClaim
from strongroom.server.service_accounts.settings import ISSUER as API
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer
from strongroom.testing.oidc_issuer import CLIENT, Issuer

ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
SECRETS = "/api/v1/namespaces/default/secrets"
CANARY = "Y2FuYXJ5LW9pZGMtdmFsdWU="
OTHER = rsa.generate_private_key(65537, 2048)
"""A key of nobody's, or of an issuer that has changed its own."""


class Sink:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def write(self, event: bytes) -> None:
        self.lines.append(event)


@dataclass
class World:
    server: APIServer
    clock: FakeClock
    people: OIDCTokens
    sink: Sink

    async def whoami(self, token: str) -> tuple[int, dict[str, Any]]:
        answer = await self.server.request("POST", ME, {}, token=token)
        return answer.status, answer.json

    async def status(self, token: str) -> int:
        return (await self.whoami(token))[0]

    async def review(self, token: str, **spec: Any) -> dict[str, Any]:
        answer = await self.server.request("POST", REVIEWS, {"spec": {"token": token, **spec}})
        assert answer.status == 201, answer.text
        return dict(answer.json["status"])


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    with Issuer(tmp_path) as running:
        yield running
    await asyncio.sleep(0.05)  # a TLS connection is closed a few turns of the loop later


def rules(issuer: Issuer) -> JWTAuthenticator:
    groups = PrefixedClaim("groups", "oidc:")
    return JWTAuthenticator(
        issuer.url,
        (CLIENT,),
        PrefixedClaim("sub", "oidc:"),
        groups,
        algorithms=("RS256", "ES256"),
        ca=issuer.ca,
    )


@asynccontextmanager
async def running(*authenticators: JWTAuthenticator) -> AsyncIterator[World]:
    clock, sink = FakeClock(datetime.now(UTC)), Sink()
    people = OIDCTokens(authenticators, clock, (API,))
    people.start()
    recorder = Recorder(policy.DEFAULT, sink, clock)
    async with api_server.running(clock=clock, people=people, recorder=recorder) as server:
        await server.create_secret("s", data={"key": CANARY})
        yield World(server, clock, people, sink)


@pytest.fixture
async def world(issuer: Issuer) -> AsyncIterator[World]:
    async with running(rules(issuer)) as made:
        assert await made.status(issuer.token()) == 201, "the first one waits for the keys"
        yield made


async def test_a_token_makes_a_user_with_groups_whom_roles_are_for(world: World, issuer: Issuer) -> None:
    token = issuer.token(groups=["dev", "ops"])
    status, review = await world.whoami(token)
    assert status == 201
    assert review["status"]["userInfo"] == {
        "username": "oidc:ann",
        "groups": ["oidc:dev", "oidc:ops", "system:authenticated"],
    }
    assert (await world.server.get(SECRETS, token=token)).status == 403
    binding = {
        "metadata": {"name": "dev"},
        "subjects": [{"kind": "Group", "name": "oidc:dev", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "ClusterRole", "name": "edit", "apiGroup": "rbac.authorization.k8s.io"},
    }
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
    assert (await world.server.request("POST", path, binding)).status == 201
    assert (await world.server.get(SECRETS, token=token)).status == 200
    assert (await world.server.get(SECRETS, token=issuer.token(groups="ops"))).status == 403


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(header: str, claims: dict[str, Any], signature: str) -> str:
    return f"{header}.{encoded(claims)}.{signature}"


def with_secret(secret: bytes, claims: dict[str, Any]) -> str:
    signed = f"{encoded({'alg': 'HS256', 'kid': 'key-1'})}.{encoded(claims)}"
    mac = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=").decode()
    return f"{signed}.{mac}"


async def test_forged_and_damaged_tokens_are_refused_alike_and_on_record(
    world: World, issuer: Issuer
) -> None:
    good = issuer.token()
    header, body, signature = good.split(".")
    other_rsa, other_ec = OTHER, ec.generate_private_key(ec.SECP256R1())
    named = {"kid": "key-1"}
    claims = issuer.claims()
    public = issuer.keys["key-1"].public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    now = int(world.clock.now().timestamp())
    bad = {
        "another key": jwt.encode(claims, other_rsa, "RS256", headers=named),
        "an EC key under the name of an RSA key": jwt.encode(claims, other_ec, "ES256", headers=named),
        "an algorithm that is not allowed": issuer.token(algorithm="RS512"),
        "the public key as a secret": with_secret(pem, claims),
        "alg none": f"{encoded({'alg': 'none', 'kid': 'key-1'})}.{body}.",
        "no signature": f"{header}.{body}.",
        "truncated": good[:-4],
        "longer": good + "AAAA",
        "another body": f"{header}.{body[:-4]}AAAA.{signature}",
        "oversized": issuer.token(padding="x" * 17_000),
        "two parts": f"{header}.{body}",
        "four parts": f"{good}.{signature}",
        "a body that is no object": jwt.api_jws.encode(b"[1]", issuer.keys["key-1"], "RS256", headers=named),
        "expired": issuer.token(exp=now),
        "no expiry": issuer.token(exp=None),
        "not yet valid": issuer.token(nbf=now + 3600),
        "another audience": issuer.token(aud="other"),
        "no audience": issuer.token(aud=None),
        "another issuer": issuer.token(iss="https://evil.example"),
        "no issuer": issuer.token(iss=None),
        "an issuer that is no text": unsigned(header, {**claims, "iss": [issuer.url]}, signature),
        "no user": issuer.token(sub=None),
        "an empty user": issuer.token(sub=""),
        "groups that are no texts": issuer.token(groups=[1]),
    }
    for what, token in bad.items():
        world.sink.lines.clear()
        answer = await world.server.get(f"{SECRETS}/s", token=token)
        assert answer.status == 401, what
        assert CANARY not in answer.text, what
        (event,) = map(orjson.loads, world.sink.lines)
        assert event["responseStatus"]["code"] == 401 and event["user"]["username"] == "system:anonymous", (
            what
        )
        assert len(token) < 40 or token[-40:].encode() not in world.sink.lines[0], what
    assert await world.status(good) == 201


async def test_a_token_that_was_taken_a_moment_before_is_refused_from_its_expiry_on(
    world: World, issuer: Issuer
) -> None:
    now = int(world.clock.now().timestamp())
    token = issuer.token(exp=now + 100)
    assert await world.status(token) == 201
    world.clock.advance(100)
    assert await world.status(token) == 401
    assert "token is expired" in (await world.review(token))["error"]


async def test_the_first_token_of_a_new_key_is_taken(world: World, issuer: Issuer) -> None:
    world.clock.advance(key_set.APART)
    issuer.add_key("key-2", ec.generate_private_key(ec.SECP256R1()))
    assert await world.status(issuer.token()) == 201
    assert await world.status(issuer.token(key="key-1")) == 201
    world.clock.advance(key_set.APART)
    issuer.add_key("key-3")
    assert (await world.review(issuer.token()))["authenticated"] is True, "a review waits for it too"


async def test_tokens_of_unknown_keys_make_no_more_requests_to_the_issuer_than_are_allowed(
    world: World, issuer: Issuer
) -> None:
    before = len(issuer.requests)
    for number in range(30):
        assert await world.status(issuer.token(kid=f"unknown-{number}")) == 401
    assert len(issuer.requests) == before
    world.clock.advance(key_set.APART)
    for number in range(30):
        assert await world.status(issuer.token(kid=f"unknown-{number}")) == 401
    assert len(issuer.requests) == before + 2, "one fetch: its configuration and its keys"


async def test_a_token_of_a_known_key_never_asks_the_issuer(world: World, issuer: Issuer) -> None:
    before = len(issuer.requests)
    forged = jwt.encode(issuer.claims(), OTHER, "RS256", headers={"kid": "key-1"})
    world.clock.advance(key_set.APART)
    for token in (forged, issuer.token(aud="other"), issuer.token(), issuer.token(algorithm="PS256")):
        await world.status(token)
    assert len(issuer.requests) == before


async def test_tokens_of_a_key_that_the_issuer_withdrew_are_refused_also_those_just_taken(
    world: World, issuer: Issuer
) -> None:
    old = issuer.token()
    assert await world.status(old) == 201
    issuer.keys = {"key-2": OTHER}
    world.clock.advance(key_set.APART)
    assert await world.status(issuer.token()) == 201, "has the keys fetched anew"
    assert await world.status(old) == 401


async def test_an_issuer_that_is_down_at_the_start_delays_nobody_and_is_found_later(issuer: Issuer) -> None:
    token = issuer.token()
    issuer.stop()
    async with running(rules(issuer)) as world:
        assert (await world.server.get(f"{SECRETS}/s")).status == 200
        assert await world.status(token) == 401
        assert "authenticator not initialized" in (await world.review(token))["error"]
        issuer.start()
        world.clock.advance(key_set.APART)
        assert await world.status(token) == 201


async def test_an_issuer_that_goes_down_later_leaves_its_users_in(world: World, issuer: Issuer) -> None:
    issuer.stop()
    world.clock.advance(key_set.APART)
    assert await world.status(issuer.token(kid="unknown")) == 401
    assert await world.status(issuer.token()) == 201


async def test_only_those_who_need_a_silent_issuer_wait_for_it(
    world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_set, "PATIENCE", 0.3)
    issuer.silent.set()
    try:
        world.clock.advance(key_set.APART)
        waiting = asyncio.ensure_future(world.status(issuer.token(kid="new")))  # noqa: TID251
        await asyncio.sleep(0.05)
        assert not waiting.done()
        assert (await world.server.get(f"{SECRETS}/s")).status == 200
        assert await world.status(issuer.token()) == 201
        assert not waiting.done(), "the others were answered while it waited"
        assert await waiting == 401
    finally:
        issuer.silent.clear()


async def test_a_review_of_an_id_token_tells_the_user_or_why_not(world: World, issuer: Issuer) -> None:
    review = await world.review(issuer.token(groups=["dev"]))
    assert review["authenticated"] is True and review["user"]["username"] == "oidc:ann"
    assert review["audiences"] == [API]
    assert (await world.review(issuer.token(), audiences=["other"])).get("authenticated") is None
    error = (await world.review(issuer.token(aud="x")))["error"]
    assert error == f'[invalid bearer token, oidc: verify token: oidc: expected audience in ["{CLIENT}"]]'
    nobodys = await world.review(issuer.token(iss="https://nobody"))
    assert nobodys["user"] == {} and "authenticated" not in nobodys


async def test_two_issuers_vouch_for_their_own_tokens_alone(issuer: Issuer, tmp_path: Path) -> None:
    with Issuer(tmp_path / "second", 1) as second:
        other = replace(rules(second), username=PrefixedClaim("sub", "second:"))
        async with running(rules(issuer), other) as world:
            for each, prefix in ((issuer, "oidc:"), (second, "second:")):
                status, review = await world.whoami(each.token())
                assert (status, review["status"]["userInfo"]["username"]) == (201, f"{prefix}ann")
            # Each signs well, in the name of the other.
            assert await world.status(issuer.token(iss=second.url)) == 401
            assert await world.status(second.token(iss=issuer.url)) == 401


async def test_an_issuer_that_is_believed_no_more_loses_its_users_at_once(
    world: World, issuer: Issuer
) -> None:
    token = issuer.token()
    assert await world.status(token) == 201
    await world.people.replace(())
    assert await world.status(token) == 401
    await world.people.replace((rules(issuer),))
    assert await world.status(token) == 201


async def test_an_id_token_is_no_service_account_whatever_it_says(world: World, issuer: Issuer) -> None:
    names: dict[str, Any] = {
        "sub": "system:serviceaccount:default:app",
        "kubernetes.io": {"namespace": "default"},
    }
    status, review = await world.whoami(issuer.token(**names))
    assert status == 201
    user = review["status"]["userInfo"]
    assert user["username"] == "oidc:system:serviceaccount:default:app"
    assert user["groups"] == ["system:authenticated"]
    # Nor can an issuer speak for this API's own.
    assert await world.status(issuer.token(iss=API)) == 401
