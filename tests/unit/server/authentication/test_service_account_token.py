"""Bound tokens through the whole server: whom they stand for, and that nothing but a good one is taken."""

import base64
import json
import string
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.aio.clock import FakeClock
from strongroom.api import resources
from strongroom.server.service_accounts import claims as claim_names
from strongroom.server.service_accounts.keys import Keys
from strongroom.testing import api_server, manifests
from strongroom.testing.api_server import APIServer

ISSUER = "https://kubernetes.default.svc.cluster.local"
ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"


@dataclass
class World:
    server: APIServer
    clock: FakeClock
    key: ec.EllipticCurvePrivateKey

    async def account(self, name: str = "app") -> dict[str, Any]:
        answer = await self.server.request("POST", ACCOUNTS, {"metadata": {"name": name}})
        assert answer.status == 201, answer.text
        return answer.json

    async def token(self, name: str = "app", **spec: Any) -> str:
        answer = await self.server.request("POST", f"{ACCOUNTS}/{name}/token", {"spec": spec})
        assert answer.status == 201, answer.text
        return str(answer.json["status"]["token"])

    async def whoami(self, token: str, **headers: str) -> tuple[int, dict[str, Any]]:
        answer = await self.server.request("POST", ME, {}, token=token, headers=headers)
        return answer.status, answer.json

    async def status(self, token: str) -> int:
        """401 for nobody; 403 or 201 for somebody."""
        return (await self.whoami(token))[0]

    async def review(self, token: str, **spec: Any) -> dict[str, Any]:
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        answer = await self.server.request("POST", path, {"spec": {"token": token, **spec}})
        assert answer.status == 201, answer.text
        return dict(answer.json["status"])

    def sign(self, claims: dict[str, Any], key: Any = None, algorithm: str = "ES256", **header: Any) -> str:
        return jwt.encode(claims, key or self.key, algorithm, headers=header or None)

    def claims(self, account: dict[str, Any], **changes: Any) -> dict[str, Any]:
        metadata = account["metadata"]
        subject = claim_names.Subject("default", claim_names.Reference(metadata["name"], metadata["uid"]))
        now = int(self.clock.now().timestamp())
        made = claim_names.make(ISSUER, subject, [ISSUER], now, now + 3600) | changes
        return {name: value for name, value in made.items() if value is not None}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = FakeClock()
    key = ec.generate_private_key(ec.SECP256R1())
    async with api_server.running(clock=clock, service_account_keys=Keys([key])) as server:
        yield World(server, clock, key)


async def test_a_token_stands_for_its_account(world: World) -> None:
    account = await world.account()
    status, review = await world.whoami(await world.token())
    assert status == 201
    user = review["status"]["userInfo"]
    assert user["username"] == "system:serviceaccount:default:app"
    assert user["uid"] == account["metadata"]["uid"]
    assert user["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    ]
    assert user["extra"]["authentication.kubernetes.io/credential-id"][0].startswith("JTI=")


async def test_a_token_says_what_kubernetes_tokens_say(world: World) -> None:
    account = await world.account()
    token = await world.token()
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "ES256" and set(header) == {"alg", "kid"}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["iss"] == ISSUER and claims["aud"] == [ISSUER]
    assert claims["sub"] == "system:serviceaccount:default:app"
    assert claims["exp"] - claims["iat"] == 3600 and claims["nbf"] == claims["iat"]
    assert claims["kubernetes.io"] == {
        "namespace": "default",
        "serviceaccount": {"name": "app", "uid": account["metadata"]["uid"]},
    }


async def test_others_can_verify_a_token_with_the_published_keys(world: World) -> None:
    await world.account()
    token = await world.token(audiences=["vault"])
    configuration = await world.server.get("/.well-known/openid-configuration")
    assert configuration.json["issuer"] == ISSUER
    assert configuration.headers["cache-control"] == "public, max-age=3600"
    keys = await world.server.get("/openid/v1/jwks")
    assert keys.headers["content-type"] == "application/jwk-set+json"
    (key,) = keys.json["keys"]
    assert key["kid"] == jwt.get_unverified_header(token)["kid"]
    public = jwt.PyJWK(key).key
    claims = jwt.decode(
        token,
        public,
        algorithms=["ES256"],
        audience="vault",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert claims["sub"] == "system:serviceaccount:default:app"


async def test_an_expired_token_is_refused_though_it_was_taken_a_moment_before(world: World) -> None:
    await world.account()
    token = await world.token(expirationSeconds=600)
    world.clock.advance(599)
    assert await world.status(token) == 201
    world.clock.advance(1)
    assert await world.status(token) == 401
    assert (await world.review(token))["error"] == (
        "[invalid bearer token, service account token has expired]"
    )


async def test_a_token_dies_with_its_account_and_a_new_one_of_that_name_does_not_revive_it(
    world: World,
) -> None:
    await world.account()
    token = await world.token()
    assert await world.status(token) == 201
    await world.server.request("DELETE", f"{ACCOUNTS}/app")
    assert await world.status(token) == 401
    assert "service account default/app has been deleted" in (await world.review(token))["error"]
    await world.account()
    assert await world.status(token) == 401
    assert "does not match claim" in (await world.review(token))["error"]


async def test_a_token_dies_with_the_secret_that_it_is_bound_to(world: World) -> None:
    await world.account()
    secret = await world.server.create_secret("bound")
    bound = {"kind": "Secret", "apiVersion": "v1", "name": "bound", "uid": secret["metadata"]["uid"]}
    token = await world.token(boundObjectRef=bound)
    assert await world.status(token) == 201
    await world.server.request("DELETE", "/api/v1/namespaces/default/secrets/bound")
    assert await world.status(token) == 401
    assert "service account token has been invalidated" in (await world.review(token))["error"]
    await world.server.create_secret("bound")
    assert await world.status(token) == 401


async def _pod(world: World, name: str = "p", account: str = "app") -> dict[str, Any]:
    pod = manifests.pod(name)
    pod["spec"]["serviceAccountName"] = account
    answer = await world.server.request("POST", "/api/v1/namespaces/default/pods", pod)
    assert answer.status == 201, answer.text
    return answer.json


async def test_a_pods_token_names_the_pod_and_lives_until_a_minute_after_its_deletion_began(
    world: World,
) -> None:
    await world.account()
    pod = await _pod(world)
    node = await world.server.request("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    await world.server.request("POST", "/api/v1/namespaces/default/pods/p/binding", binding)
    uid = pod["metadata"]["uid"]
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": uid}
    token = await world.token(boundObjectRef=bound)
    status, review = await world.whoami(token)
    extra = review["status"]["userInfo"]["extra"]
    assert status == 201
    assert extra["authentication.kubernetes.io/pod-name"] == ["p"]
    assert extra["authentication.kubernetes.io/pod-uid"] == [uid]
    assert extra["authentication.kubernetes.io/node-name"] == ["n1"]
    assert extra["authentication.kubernetes.io/node-uid"] == [node.json["metadata"]["uid"]]
    await world.server.request("DELETE", "/api/v1/namespaces/default/pods/p")
    assert await world.status(token) == 201
    world.clock.advance(30 + 60)
    assert await world.status(token) == 401


async def test_a_pods_token_of_a_nodes_length_is_extended_and_says_so(world: World) -> None:
    await world.account()
    await _pod(world)
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
    answer = await world.server.request(
        "POST", f"{ACCOUNTS}/app/token", {"spec": {"expirationSeconds": 3607, "boundObjectRef": bound}}
    )
    claims = jwt.decode(answer.json["status"]["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 365 * 24 * 3600
    assert claims["kubernetes.io"]["warnafter"] == claims["iat"] + 3607
    shown = answer.json["status"]["expirationTimestamp"]
    assert shown == "2026-01-02T04:04:12Z"


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        (
            {"expirationSeconds": 599},
            422,
            'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: '
            "may not specify a duration less than 10 minutes",
        ),
        (
            {"expirationSeconds": 2**32 + 1},
            422,
            "may not specify a duration larger than 2^32 seconds",
        ),
        (
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "x"}},
            404,
            'pods "x" not found',
        ),
        (
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "other"}},
            400,
            'cannot bind token for serviceaccount "app" to pod running with different serviceaccount name.',
        ),
        (
            {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "s", "uid": "u"}},
            409,
            "the UID in the bound object reference (u) does not match the UID in record",
        ),
        (
            {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "s"}},
            400,
            "cannot bind token to object of type",
        ),
    ],
)
async def test_a_request_that_cannot_be_met_is_refused(
    world: World, spec: dict[str, Any], code: int, text: str
) -> None:
    await world.account()
    await world.account("someone")
    await _pod(world, "other", "someone")
    await world.server.create_secret("s")
    answer = await world.server.request("POST", f"{ACCOUNTS}/app/token", {"spec": spec})
    assert answer.status == code, answer.text
    assert text in answer.json["message"]


async def test_a_token_for_another_audience_is_no_token_for_the_api(world: World) -> None:
    await world.account()
    token = await world.token(audiences=["vault"])
    assert await world.status(token) == 401
    assert "is invalid for the target audiences" in (await world.review(token))["error"]
    review = await world.review(token, audiences=["vault", "other"])
    assert review["authenticated"] is True and review["audiences"] == ["vault"]


async def test_a_review_knows_static_tokens_and_no_others(world: World) -> None:
    review = await world.review("admin")
    assert review["user"]["username"] == "kubernetes-admin" and review["audiences"] == [ISSUER]
    assert await world.review("unknown") == {"user": {}, "error": "invalid bearer token"}
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    answer = await world.server.request("POST", path, {"spec": {}})
    assert answer.status == 400
    assert answer.json["message"] == "token is required for TokenReview in authentication"


async def test_forged_and_damaged_tokens_are_refused_alike(world: World) -> None:
    account = await world.account()
    good = world.sign(world.claims(account))
    assert await world.status(good) == 201
    now = int(world.clock.now().timestamp())
    header, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    public = json.dumps((await world.server.get("/openid/v1/jwks")).json["keys"][0], separators=(",", ":"))
    private = world.claims(account)["kubernetes.io"]
    bad = {
        "another key": world.sign(world.claims(account), ec.generate_private_key(ec.SECP256R1())),
        "an RSA key": world.sign(
            world.claims(account), rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"
        ),
        "the public key as a secret": world.sign(world.claims(account), public * 2, "HS256"),
        "alg none": f"{none}.{body}.",
        "alg none with a signature": f"{none}.{body}.{signature}",
        "no signature": f"{header}.{body}.",
        "truncated": good[:-2],
        "longer": good + "A",
        "another body": f"{header}.{body[:-4]}AAAA.{signature}",
        "two parts": f"{header}.{body}",
        "four parts": f"{good}.{signature}",
        "empty parts": "..",
        "not base64": "!.!.!",
        "oversized": f"{header}.{'A' * 20_000}.{signature}",
        "expired": world.sign(world.claims(account, exp=now)),
        "not yet valid": world.sign(world.claims(account, nbf=now + 3600)),
        "from the future": world.sign(world.claims(account, iat=now + 3600)),
        "another issuer": world.sign(world.claims(account, iss="https://evil.example")),
        "no issuer": world.sign(world.claims(account, iss=None)),
        "another audience": world.sign(world.claims(account, aud=["vault"])),
        "no audience": world.sign(world.claims(account, aud=None)),
        "no expiry": world.sign(world.claims(account, exp=None)),
        "another subject": world.sign(world.claims(account, sub="system:serviceaccount:kube-system:app")),
        "no private claims": world.sign(world.claims(account, **{"kubernetes.io": None})),
        "a bound object without uid": world.sign(
            world.claims(account, **{"kubernetes.io": {**private, "pod": {"name": "p"}}})
        ),
        "another account's uid": world.sign(
            world.claims(
                account, **{"kubernetes.io": {**private, "serviceaccount": {"name": "app", "uid": "x"}}}
            )
        ),
    }
    for what, token in bad.items():
        assert await world.status(token) == 401, what
    assert await world.status(good) == 201


@pytest.mark.parametrize(
    "value",
    [
        "Bearer\t{}",
        "Basic {}",
        "{}",
        "Bearer",
        "Bearer ",
        "Bearer {} x",
        "Bearer,{}",
        "Token {}",
        "Bearer {}\x00",
    ],
)
async def test_a_header_of_another_form_authenticates_nobody(world: World, value: str) -> None:
    await world.account()
    header = value.format(await world.token()).encode("latin-1")
    assert await _raw_status(world, [(b"authorization", header)]) == 401


@pytest.mark.parametrize("value", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer  {} "])
async def test_the_schemes_case_and_padding_do_not_matter(world: World, value: str) -> None:
    await world.account()
    header = value.format(await world.token()).encode()
    assert await _raw_status(world, [(b"authorization", header)]) == 403


async def test_two_authorization_headers_authenticate_nobody(world: World) -> None:
    await world.account()
    good = b"Bearer " + (await world.token()).encode()
    for pair in ((good, b"Bearer x"), (b"Bearer x", good), (good, good), (b"Bearer admin", good)):
        assert await _raw_status(world, [(b"authorization", value) for value in pair]) == 401


async def _raw_status(world: World, headers: list[tuple[bytes, bytes]]) -> int:
    """Of a request that only an administrator may make: 403 shows that the sender is known."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/namespaces/kube-system/secrets",
        "query_string": b"",
        "headers": headers,
    }
    await world.server.app(scope, receive, send)
    return int(sent[0]["status"])


@pytest.mark.slow
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_change_of_a_token_leads_to_a_value(world: World, data: st.DataObject) -> None:
    if world.server.catalog[resources.SERVICE_ACCOUNTS].find("default", "app") is None:
        await world.account()
    token = bytearray((await world.token()).encode())
    original = bytes(token)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(token) - 1))
        match data.draw(st.sampled_from(("set", "cut", "insert", "swap"))):
            case "set":
                token[at] = data.draw(st.integers(0, 255))
            case "cut":
                del token[at:]
            case "insert":
                token[at:at] = data.draw(st.binary(min_size=1, max_size=8))
            case _:
                other = data.draw(st.integers(0, len(token) - 1))
                token[at], token[other] = token[other], token[at]
        if not token:
            break
    expected = 403 if bytes(token).strip(b" ") == original else 401
    assert await _raw_status(world, [(b"authorization", b"Bearer " + bytes(token))]) == expected


async def test_no_token_has_a_second_spelling(world: World) -> None:
    """The last character has bits that decode to nothing, and base64 may be padded: neither is taken."""
    await world.account()
    token = (await world.token()).encode()
    ends = [token[-1:], b"=", b"==", *(bytes([last]) for last in string.ascii_letters.encode() + b"-_+/09")]
    for end in ends:
        for changed in (token[:-1] + end, token + end):
            expected = 403 if changed == token else 401
            assert await _raw_status(world, [(b"authorization", b"Bearer " + changed)]) == expected, changed


async def test_a_request_for_a_token_names_no_other_account(world: World) -> None:
    await world.account()
    body = {"metadata": {"name": "other"}, "spec": {}}
    answer = await world.server.request("POST", f"{ACCOUNTS}/app/token", body)
    assert answer.status == 422
    assert answer.json["message"] == (
        'TokenRequest.authentication.k8s.io "app" is invalid: metadata.name: Invalid value: "other": must '
        "match the service account name if specified"
    )
