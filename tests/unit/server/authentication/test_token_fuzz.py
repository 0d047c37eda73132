"""Tokens and headers at random, through the whole server: none leads to a value, none makes the server fail.

The account may read the Secret, so that a token that is taken shows: whether it must be is said by an oracle
that knows the rules and not the code.
"""

import base64
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.aio.clock import FakeClock
from strongroom.server.audit import policy
from strongroom.server.audit.recorder import Recorder
from strongroom.server.authentication.oidc.authenticator import OIDCTokens
from strongroom.server.authentication.oidc.config import JWTAuthenticator, PrefixedClaim
from strongroom.server.authentication.oidc.jwks import Key
from strongroom.server.service_accounts.keys import Keys, key_id
from strongroom.server.service_accounts.settings import ISSUER
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

PERSON = "https://issuer.example"
PERSONS = rsa.generate_private_key(65537, 2048)
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
SECRET = "/api/v1/namespaces/default/secrets/s"
CANARY = b"Y2FuYXJ5LWZ1enoteHl6"
BOUNDED = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Sink:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def write(self, event: bytes) -> None:
        self.lines.append(event)


@dataclass
class World:
    server: APIServer
    key: ec.EllipticCurvePrivateKey
    persons: rsa.RSAPrivateKey
    now: int
    good: dict[str, Any]
    person: dict[str, Any]
    sink: Sink

    async def send(self, headers: list[tuple[bytes, bytes]], path: str = SECRET) -> int:
        """The answer's code. The value is in no answer but a 200, and one line is on record."""
        sent: list[Any] = []
        self.sink.lines.clear()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        await self.server.app(scope, receive, send)
        code = int(sent[0]["status"])
        body = b"".join(message.get("body", b"") for message in sent)
        assert code < 500
        assert (CANARY in body) == (code == 200)
        assert CANARY not in b"".join(self.sink.lines)
        assert len(self.sink.lines) == 1
        return code

    async def token(self, token: bytes | str) -> int:
        data = token.encode() if isinstance(token, str) else token
        return await self.send([(b"authorization", b"Bearer " + data)])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock, sink = FakeClock(), Sink()
    key, persons = ec.generate_private_key(ec.SECP256R1()), PERSONS

    async def fetch(_: JWTAuthenticator) -> dict[str, tuple[Key, ...]]:
        return {"k": (persons.public_key(),)}

    rules = JWTAuthenticator(PERSON, ("us",), PrefixedClaim("sub", "oidc:"), algorithms=("RS256",))
    people = OIDCTokens((rules,), clock, (ISSUER,), fetch)
    people.start()
    recorder = Recorder(policy.DEFAULT, sink, clock)
    async with api_server.running(
        clock=clock, service_account_keys=Keys([key]), recorder=recorder, people=people
    ) as server:
        await server.request("POST", ACCOUNTS, {"metadata": {"name": "app"}})
        await server.create_secret("s", data={"key": CANARY.decode()})
        subjects = [
            {"kind": "ServiceAccount", "name": "app", "namespace": "default"},
            {"kind": "User", "name": "oidc:ann", "apiGroup": "rbac.authorization.k8s.io"},
        ]
        reference = {"kind": "ClusterRole", "name": "edit", "apiGroup": "rbac.authorization.k8s.io"}
        path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
        binding = {"metadata": {"name": "readers"}, "subjects": subjects, "roleRef": reference}
        assert (await server.request("POST", path, binding)).status == 201
        answer = await server.request("POST", f"{ACCOUNTS}/app/token", {"spec": {}})
        good = jwt.decode(answer.json["status"]["token"], options={"verify_signature": False})
        now = int(clock.now().timestamp())
        person = {"iss": PERSON, "aud": "us", "sub": "ann", "exp": now + 600}
        world = World(server, key, persons, now, good, person, sink)
        assert await world.token(answer.json["status"]["token"]) == 200
        assert await world.token(jwt.encode(person, persons, "RS256", headers={"kid": "k"})) == 200
        yield world


JUNK: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = ("iss", "aud", "exp", "nbf", "iat", "sub", "jti", "kubernetes.io", "other")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def must_be_taken(claims: dict[str, Any], good: dict[str, Any], now: int) -> bool:
    """The rules of a bound token, for claims that our own key signed."""
    audience = claims.get("aud")
    return (
        all(claims.get(name) == good[name] for name in ("iss", "sub", "kubernetes.io"))
        and (audience == ISSUER or (isinstance(audience, list) and ISSUER in audience))
        and _number(claims.get("exp"))
        and claims["exp"] > now
        and all(_number(claims.get(name)) and claims[name] <= now + 60 for name in ("nbf", "iat"))
    )


def must_be_taken_of_a_person(claims: dict[str, Any], now: int) -> bool:
    """The rules of an ID token, for claims that the issuer's key signed."""
    audience, begins = claims.get("aud"), claims.get("nbf")
    return (
        claims.get("iss") == PERSON
        and claims.get("sub") == "ann"
        and (audience == "us" or (isinstance(audience, list) and "us" in audience))
        and _number(claims.get("exp"))
        and claims["exp"] > now
        and (begins is None or (_number(begins) and begins <= now + 300))
    )


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """What is put in place of claims; `...` removes one."""
    names = draw(st.lists(st.sampled_from(CLAIMS), min_size=1, max_size=3, unique=True))
    near = st.integers(-120, 120)
    return {name: draw(st.just(...) | near.map(lambda by: ("now", by)) | JUNK) for name in names}


def changed(claims: dict[str, Any], by: dict[str, Any], now: int) -> dict[str, Any]:
    made = dict(claims)
    for name, value in by.items():
        if value is ...:
            made.pop(name, None)
        else:
            made[name] = now + value[1] if isinstance(value, tuple) else value
    return made


@pytest.mark.slow
@BOUNDED
@given(by=changes())
async def test_claims_at_random_that_our_key_signed_are_taken_by_the_rules_alone(
    world: World, by: dict[str, Any]
) -> None:
    claims = changed(world.good, by, world.now)
    headers = {"kid": key_id(world.key.public_key())}
    token = jwt.api_jws.encode(orjson.dumps(claims), world.key, "ES256", headers=headers)
    assert await world.token(token) == (200 if must_be_taken(claims, world.good, world.now) else 401), claims


@pytest.mark.slow
@BOUNDED
@given(by=changes())
async def test_claims_at_random_that_an_issuer_signed_are_taken_by_the_rules_alone(
    world: World, by: dict[str, Any]
) -> None:
    claims = changed(world.person, by, world.now)
    token = jwt.api_jws.encode(orjson.dumps(claims), world.persons, "RS256", headers={"kid": "k"})
    assert await world.token(token) == (200 if must_be_taken_of_a_person(claims, world.now) else 401), claims


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


HEADERS: Any = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["ES256", "RS256", "none", "None", "NONE", "HS256", "PS256", ""]) | JUNK,
        "kid": st.sampled_from(["ours", "k", "", "../k", "\0"]) | JUNK,
        "typ": JUNK,
        "crit": st.sampled_from([["b64"], ["exp"], []]) | JUNK,
        "b64": st.booleans(),
        "jwk": JUNK,
        "jku": JUNK,
        "x5c": JUNK,
        "zip": st.just("DEF"),
    },
)


@pytest.mark.slow
@BOUNDED
@given(
    header=HEADERS,
    by=changes() | st.just({}),
    whose=st.sampled_from(["account", "person"]),
    signature=st.binary(max_size=300) | st.sampled_from([b"", bytes(64), b"\xff" * 64, bytes(256)]),
)
async def test_tokens_at_random_that_nobody_signed_lead_nowhere(
    world: World, header: dict[str, Any], by: dict[str, Any], whose: str, signature: bytes
) -> None:
    if header.get("kid") == "ours":
        header = {**header, "kid": key_id(world.key.public_key())}
    claims = changed(world.good if whose == "account" else world.person, by, world.now)
    parts = [_part(json.dumps(header).encode()), _part(orjson.dumps(claims)), _part(signature)]
    assert await world.token(b".".join(parts)) == 401


NAMES = st.sampled_from(
    [
        b"authorization",
        b"impersonate-user",
        b"impersonate-group",
        b"impersonate-uid",
        b"impersonate-extra-scopes",
        b"x-remote-user",
        b"x-remote-group",
        b"x-forwarded-for",
        b"cookie",
        b"proxy-authorization",
        b"sec-websocket-protocol",
        b"audit-id",
        b"user-agent",
        b"accept",
    ]
) | st.binary(min_size=1, max_size=20).map(bytes.lower)
VALUES = st.sampled_from(
    [
        b"Bearer {}",
        b"bearer  {}",
        b"Bearer\t{}",
        b"Bearer nobody",
        b"Basic YWRtaW46YWRtaW4=",
        b"system:admin",
        b"system:masters",
        b"kubernetes-admin",
        b"base64url.bearer.authorization.k8s.io.YWRtaW4",
        b"",
        b"\0",
    ]
) | st.binary(max_size=60)


@pytest.mark.slow
@BOUNDED
@given(headers=st.lists(st.tuples(NAMES, VALUES), max_size=6))
async def test_headers_at_random_lead_nowhere(world: World, headers: list[tuple[bytes, bytes]]) -> None:
    # A token of the issuer's, of a user who may nothing.
    claims = {**world.person, "sub": "carl"}
    token = jwt.encode(claims, world.persons, "RS256", headers={"kid": "k"}).encode()
    sent = [(name, value.replace(b"{}", token)) for name, value in headers]
    assert await world.send(sent) in (400, 401, 403)


@pytest.mark.slow
@BOUNDED
@given(value=st.binary(max_size=400))
async def test_bytes_at_random_are_nobodys(world: World, value: bytes) -> None:
    for header in (value, b"Bearer " + value, b"Bearer " + value + b"." + value + b"." + value):
        assert await world.send([(b"authorization", header)]) == 401
