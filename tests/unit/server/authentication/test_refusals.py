"""What a refusal costs, and that it is on record: for every kind of bad token and header.

Whatever is sent, a stranger makes the server check one signature at most, and none for a token that names no
key of ours; no object is read before a signature is good.
"""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from strongroom.aio.clock import FakeClock
from strongroom.registry.generic import Registry
from strongroom.server.audit import policy
from strongroom.server.audit.recorder import Recorder
from strongroom.server.authentication.oidc.authenticator import OIDCTokens
from strongroom.server.authentication.oidc.config import JWTAuthenticator, PrefixedClaim
from strongroom.server.authentication.oidc.jwks import Key
from strongroom.server.service_accounts import claims as claim_names
from strongroom.server.service_accounts import legacy
from strongroom.server.service_accounts.keys import Keys, key_id
from strongroom.server.service_accounts.settings import ISSUER
from strongroom.testing import api_server, manifests
from strongroom.testing.api_server import APIServer

PERSON = "https://issuer.example"
PERSONS = rsa.generate_private_key(65537, 2048)
OTHERS = rsa.generate_private_key(65537, 2048)
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
SECRET = "/api/v1/namespaces/default/secrets/s"
CANARY = "Y2FuYXJ5LXJlZnVzYWw="


@dataclass
class Costs:
    """Of what was done since `clear`."""

    checks: int = 0
    reads: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.checks, self.reads = 0, []


@dataclass
class World:
    server: APIServer
    clock: FakeClock
    key: ec.EllipticCurvePrivateKey
    persons: rsa.RSAPrivateKey
    lines: list[bytes]
    account: dict[str, Any]
    costs: Costs

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def claims(self, **changes: Any) -> dict[str, Any]:
        metadata = self.account["metadata"]
        subject = claim_names.Subject("default", claim_names.Reference(metadata["name"], metadata["uid"]))
        made = claim_names.make(ISSUER, subject, [ISSUER], self.now, self.now + 3600) | changes
        return {name: value for name, value in made.items() if value is not None}

    def sign(self, changes: dict[str, Any] | None = None, *, key: Any = None, kid: str | None = "") -> str:
        named = key_id(self.key.public_key()) if kid == "" else kid
        headers = {"kid": named} if named else None
        return jwt.encode(self.claims(**(changes or {})), key or self.key, "ES256", headers=headers)

    def person(self, key: Any = None, kid: str = "k", **changes: Any) -> str:
        claims = {"iss": PERSON, "aud": "us", "sub": "ann", "exp": self.now + 600, **changes}
        return jwt.encode(claims, key or self.persons, "RS256", headers={"kid": kid})

    async def send(self, headers: list[tuple[bytes, bytes]], path: str = SECRET) -> tuple[int, bytes]:
        """A GET as it stands on the wire."""
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        await self.server.app(scope, receive, send)
        return int(sent[0]["status"]), b"".join(each.get("body", b"") for each in sent)

    async def status(self, token: str) -> int:
        code, body = await self.send([(b"authorization", b"Bearer " + token.encode())])
        assert (CANARY.encode() in body) == (code == 200)
        return code


class Sink:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def write(self, event: bytes) -> None:
        self.lines.append(event)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    clock, sink, costs = FakeClock(), Sink(), Costs()
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
        account = (await server.request("POST", ACCOUNTS, {"metadata": {"name": "app"}})).json
        await server.create_secret("s", data={"key": CANARY})
        subjects = [
            {"kind": "ServiceAccount", "name": "app", "namespace": "default"},
            {"kind": "User", "name": "oidc:ann", "apiGroup": "rbac.authorization.k8s.io"},
        ]
        binding = {
            "metadata": {"name": "readers"},
            "subjects": subjects,
            "roleRef": {"kind": "ClusterRole", "name": "edit", "apiGroup": "rbac.authorization.k8s.io"},
        }
        path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
        assert (await server.request("POST", path, binding)).status == 201
        world = World(server, clock, key, persons, sink.lines, account, costs)
        for good in (world.sign(), world.sign(kid=None), world.person()):
            assert await world.status(good) == 200
        for algorithm in (ECAlgorithm, RSAAlgorithm):
            monkeypatch.setattr(algorithm, "verify", _counted(algorithm.verify, costs))
        monkeypatch.setattr(Registry, "find", _noted(Registry.find, costs))
        sink.lines.clear()
        yield world


def _counted(verify: Callable[..., Any], costs: Costs) -> Callable[..., Any]:
    def counted(*arguments: Any) -> Any:
        costs.checks += 1
        return verify(*arguments)

    return counted


def _noted(find: Callable[..., Any], costs: Costs) -> Callable[..., Any]:
    def noted(registry: Registry, namespace: str, name: str) -> Any:
        costs.reads.append(f"{registry.resource.plural}/{name}")
        return find(registry, namespace, name)

    return noted


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_secret(world: World, secret: bytes) -> str:
    signed = f"{part({'alg': 'HS256', 'kid': key_id(world.key.public_key())})}.{part(world.claims())}"
    mac = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def unvouched(world: World) -> dict[str, tuple[str, int]]:
    """Tokens that no key of ours signed, and how many signatures are checked for each."""
    other = ec.generate_private_key(ec.SECP256R1())
    good = world.sign()
    header, body, signature = good.split(".")
    deep = base64.urlsafe_b64encode(b'{"a":' + b"[" * 5000).rstrip(b"=").decode()
    return {
        "nonsense": ("nonsense", 0),
        "another key under the name of ours": (world.sign(key=other), 1),
        "another key under its own name": (world.sign(key=other, kid=key_id(other.public_key())), 0),
        "another key without a name": (world.sign(key=other, kid=None), 1),
        "another body": (f"{header}.{part(world.claims(sub='x'))}.{signature}", 1),
        "truncated": (good[:-2], 1),
        "truncated in its body": (f"{header}.{body[:-4]}.{signature}", 0),
        "truncated behind its body": (f"{header}.{body}", 0),
        "no signature": (f"{header}.{body}.", 1),
        "alg none": (f"{part({'alg': 'none'})}.{body}.", 0),
        "alg None": (f"{part({'alg': 'None', 'kid': key_id(world.key.public_key())})}.{body}.{signature}", 0),
        "a list of algs": (f"{part({'alg': ['ES256']})}.{body}.{signature}", 0),
        "a kid that is no text": (f"{part({'alg': 'ES256', 'kid': ['x']})}.{body}.{signature}", 0),
        "a kid that is a path": (
            f"{part({'alg': 'ES256', 'kid': '../../dev/null'})}.{body}.{signature}",
            0,
        ),
        "keys of its own": (
            f"{part({'alg': 'ES256', 'kid': 'x', 'jwk': {'kty': 'EC'}, 'jku': 'https://evil'})}"
            f".{body}.{signature}",
            0,
        ),
        "a secret for a key": (with_secret(world, b"x" * 32), 0),
        "another issuer": (world.sign({"iss": "https://evil.example"}, key=other), 0),
        "no issuer": (world.sign({"iss": None}, key=other), 0),
        "a deep header": (f"{deep}.{body}.{signature}", 0),
        "a deep body": (f"{header}.{deep}.{signature}", 0),
        "oversized": (world.sign({"padding": "x" * 20_000}), 0),
        "a person of another key": (world.person(OTHERS), 1),
        "a person of an unknown key": (world.person(OTHERS, "unknown"), 0),
        "a person with another algorithm": (
            jwt.encode({"iss": PERSON}, other, "ES256", headers={"kid": "k"}),
            0,
        ),
        "a person, alg none": (f"{part({'alg': 'none', 'kid': 'k'})}.{part({'iss': PERSON})}.", 0),
    }


def vouched(world: World) -> dict[str, str]:
    """Tokens that our own keys signed, and that are no good all the same."""
    now, private = world.now, world.claims()["kubernetes.io"]
    gone = {"name": "gone", "uid": "u"}
    return {
        "expired": world.sign({"exp": now}),
        "not yet valid": world.sign({"nbf": now + 3600}),
        "from the future": world.sign({"iat": now + 3600}),
        "another audience": world.sign({"aud": ["vault"]}),
        "no audience": world.sign({"aud": []}),
        "no expiry": world.sign({"exp": None}),
        "another subject": world.sign({"sub": "system:serviceaccount:kube-system:app"}),
        "no private claims": world.sign({"kubernetes.io": None}),
        "an account that is gone": world.sign(
            {
                "sub": "system:serviceaccount:default:gone",
                "kubernetes.io": {**private, "serviceaccount": gone},
            }
        ),
        "an account of the same name": world.sign(
            {"kubernetes.io": {**private, "serviceaccount": {"name": "app", "uid": "other"}}}
        ),
        "a pod that is gone": world.sign({"kubernetes.io": {**private, "pod": gone}}),
        "a secret that is gone": world.sign({"kubernetes.io": {**private, "secret": gone}}),
        "a node that is gone": world.sign({"kubernetes.io": {**private, "node": gone}}),
        "a token Secret that is gone": jwt.encode(
            legacy.make(legacy.LegacySubject("default", "gone", "app", private["serviceaccount"]["uid"])),
            world.key,
            "ES256",
            headers={"kid": key_id(world.key.public_key())},
        ),
        "an expired person": world.person(exp=now),
        "a person for elsewhere": world.person(aud="elsewhere"),
        "a person who is not yet": world.person(nbf=now + 3600),
        "nobody": world.person(sub=""),
    }


async def test_a_token_that_nobody_vouches_for_costs_one_signature_check_at_most_and_no_read(
    world: World,
) -> None:
    for what, (token, checks) in unvouched(world).items():
        world.costs.clear()
        assert await world.status(token) == 401, what
        assert world.costs.checks == checks, what
        assert world.costs.reads == [], what


async def test_a_refused_token_costs_the_same_each_time_and_is_not_kept(world: World) -> None:
    for what, (token, checks) in unvouched(world).items():
        world.costs.clear()
        for _ in range(3):
            assert await world.status(token) == 401, what
        assert world.costs.checks == 3 * checks, what


async def test_a_token_of_ours_that_is_no_good_costs_one_check_and_a_few_reads(world: World) -> None:
    for what, token in vouched(world).items():
        world.costs.clear()
        assert await world.status(token) == 401, what
        assert world.costs.checks == 1, what
        assert len(world.costs.reads) <= 2, (what, world.costs.reads)


async def test_a_token_that_is_taken_is_checked_once(world: World) -> None:
    for token in (world.sign({"jti": "new"}), world.person(jti="new")):
        world.costs.clear()
        for _ in range(5):
            assert await world.status(token) == 200
        assert world.costs.checks == 1


async def test_every_refused_token_is_on_record_without_itself(world: World) -> None:
    tokens = {**{what: token for what, (token, _) in unvouched(world).items()}, **vouched(world)}
    for what, token in tokens.items():
        world.lines.clear()
        assert await world.status(token) == 401, what
        (event,) = map(orjson.loads, world.lines)
        assert event["responseStatus"]["code"] == 401, what
        assert event["user"]["username"] == "system:anonymous", what
        assert event["objectRef"]["name"] == "s" and event["verb"] == "get", what
        assert token[-30:].encode() not in world.lines[0], what


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Bearer\t{}")],
        [("authorization", "Bearer {}\t")],
        [("authorization", "\tBearer {}")],
        [("authorization", "Bearer \t{}")],
        [("authorization", "Bearer {}, Bearer {}")],
        [("authorization", "Bearer {} {}")],
        [("authorization", "Basic {}")],
        [("authorization", "Token {}")],
        [("authorization", "Bearer:{}")],
        [("authorization", '"Bearer {}"')],
        [("authorization", "Bearer {}\0")],
        [("authorization", "Bearer {}\r\nx: y")],
        [("authorization", "{}")],
        [("authorization", "Bearer {}"), ("authorization", "Bearer {}")],
        [("authorization", "Bearer {}"), ("authorization", "Bearer x")],
        [("authorization", "Bearer x"), ("authorization", "Bearer {}")],
        [("authorization", ""), ("authorization", "Bearer {}")],
        [("authorization", "Bearer {}"), ("authorization", "")],
        [("authorization", "Bearer admin"), ("authorization", "Bearer {}")],
        [("x-authorization", "Bearer {}")],
        [("proxy-authorization", "Bearer {}")],
        [("cookie", "authorization=Bearer {}")],
        [("x-remote-user", "kubernetes-admin"), ("x-remote-group", "system:masters")],
        [("x-forwarded-user", "kubernetes-admin")],
    ],
)
async def test_a_header_of_another_form_is_nobodys_and_on_record(
    world: World, headers: list[tuple[str, str]]
) -> None:
    good = world.sign()
    sent = [(name.encode(), value.replace("{}", good).encode("latin-1")) for name, value in headers]
    code, body = await world.send(sent)
    assert code == 401 and CANARY.encode() not in body
    (event,) = map(orjson.loads, world.lines)
    assert event["responseStatus"]["code"] == 401 and good.encode() not in world.lines[0]


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "bEaReR  {} "])
async def test_the_scheme_may_be_in_any_case_for_all_kinds_of_tokens(world: World, form: str) -> None:
    for token in (world.sign(), world.person(), "admin"):
        code, _ = await world.send([(b"authorization", form.format(token).encode())])
        assert code == 200, token[:10]


async def test_nobody_is_anonymous_but_for_health_and_the_version(world: World) -> None:
    for path in ("/livez", "/readyz", "/healthz", "/version"):
        assert (await world.send([], path))[0] == 200
        assert (await world.send([(b"authorization", b"Bearer x")], path))[0] == 401
    for path in (
        "/",
        "/api",
        "/apis",
        "/metrics",
        "/openapi/v3",
        "/openid/v1/jwks",
        "/livezz",
        "/Livez",
        "//livez",
    ):
        assert (await world.send([], path))[0] == 401, path


async def test_a_session_that_nobody_vouches_for_is_refused_before_it_opens(world: World) -> None:
    pod = manifests.pod("p")
    pod["spec"]["serviceAccountName"] = "app"
    assert (await world.server.request("POST", "/api/v1/namespaces/default/pods", pod)).status == 201
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/api/v1/namespaces/default/pods/p/exec",
        "query_string": b"command=id&stdout=true",
        "headers": [(b"authorization", b"Bearer " + world.sign({"exp": world.now}).encode())],
        "subprotocols": ["v5.channel.k8s.io"],
    }
    world.lines.clear()
    await world.server.app(scope, receive, send)
    assert sent[0]["type"] == "websocket.http.response.start" and sent[0]["status"] == 401
    (event,) = map(orjson.loads, world.lines)
    assert event["responseStatus"]["code"] == 401


async def test_a_token_dies_with_the_node_that_it_is_bound_to(world: World) -> None:
    node = (await world.server.request("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})).json
    bound = {"kind": "Node", "apiVersion": "v1", "name": "n1", "uid": node["metadata"]["uid"]}
    token = await _bound(world, bound)
    assert await world.status(token) == 200
    await world.server.request("DELETE", "/api/v1/nodes/n1")
    assert await world.status(token) == 401
    await world.server.request("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})
    assert await world.status(token) == 401


async def test_a_token_dies_at_once_with_a_pod_that_is_gone_and_one_of_that_name_does_not_revive_it(
    world: World,
) -> None:
    pods = "/api/v1/namespaces/default/pods"
    pod = manifests.pod("p")
    pod["spec"]["serviceAccountName"] = "app"
    made = (await world.server.request("POST", pods, pod)).json
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": made["metadata"]["uid"]}
    token = await _bound(world, bound)
    assert await world.status(token) == 200
    await world.server.request("DELETE", f"{pods}/p?gracePeriodSeconds=0")
    assert await world.status(token) == 401
    assert (await world.server.request("POST", pods, pod)).status == 201
    assert await world.status(token) == 401


async def _bound(world: World, reference: dict[str, str]) -> str:
    spec = {"spec": {"boundObjectRef": reference}}
    answer = await world.server.request("POST", f"{ACCOUNTS}/app/token", spec)
    assert answer.status == 201, answer.text
    return str(answer.json["status"]["token"])
