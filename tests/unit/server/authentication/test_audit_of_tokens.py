"""What the audit log tells of tokens: which were issued, and which in use are to be replaced."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
import pytest

from strongroom.aio.clock import FakeClock
from strongroom.server.audit import policy
from strongroom.server.audit.recorder import Recorder
from strongroom.server.service_accounts import keys, legacy
from strongroom.testing import api_server, manifests
from strongroom.testing.api_server import APIServer

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
SECRETS = "/api/v1/namespaces/default/secrets"
STALE, LEGACY = "authentication.k8s.io/stale-token", "authentication.k8s.io/legacy-token"
ISSUED = "authentication.kubernetes.io/issued-credential-id"
NAME = "system:serviceaccount:default:app"


class Sink:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def write(self, event: bytes) -> None:
        self.lines.append(event)


@dataclass
class World:
    server: APIServer
    clock: FakeClock
    signing: keys.Keys
    sink: Sink
    account: dict[str, Any]

    async def token(self, **spec: Any) -> str:
        answer = await self.server.request("POST", f"{ACCOUNTS}/app/token", {"spec": spec})
        assert answer.status == 201, answer.text
        return str(answer.json["status"]["token"])

    async def noted(self, token: str) -> dict[str, str]:
        """The annotations of a use of the token."""
        self.sink.lines.clear()
        assert (await self.server.get(SECRETS, token=token)).status == 403
        (event,) = map(orjson.loads, self.sink.lines)
        assert event["user"]["username"] == NAME
        return dict(event["annotations"])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock, sink, signing = FakeClock(), Sink(), keys.generate()
    recorder = Recorder(policy.DEFAULT, sink, clock)
    async with api_server.running(clock=clock, service_account_keys=signing, recorder=recorder) as server:
        account = (await server.request("POST", ACCOUNTS, {"metadata": {"name": "app"}})).json
        yield World(server, clock, signing, sink, account)


async def test_a_token_that_is_issued_is_on_record_by_its_id(world: World) -> None:
    token = await world.token()
    (event,) = [each for each in map(orjson.loads, world.sink.lines) if each["verb"] == "create"][-1:]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert event["annotations"][ISSUED] == f"JTI={claims['jti']}"
    assert token.encode() not in b"".join(world.sink.lines)
    assert set(await world.noted(token)) == {"authorization.k8s.io/decision", "authorization.k8s.io/reason"}


async def test_a_pods_token_that_was_not_renewed_in_time_is_noted_at_each_use(world: World) -> None:
    pod = manifests.pod("p")
    pod["spec"]["serviceAccountName"] = "app"
    assert (await world.server.request("POST", "/api/v1/namespaces/default/pods", pod)).status == 201
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
    token = await world.token(boundObjectRef=bound, expirationSeconds=3607)
    assert STALE not in await world.noted(token)
    world.clock.advance(3607)
    assert STALE not in await world.noted(token)
    for past in (1, 101):
        world.clock.advance(1 if past == 1 else 100)
        assert (await world.noted(token))[STALE] == (
            f"subject: {NAME}, seconds after warning threshold: {past}"
        )


async def test_the_use_of_a_token_that_lives_in_a_secret_is_noted(world: World) -> None:
    subject = legacy.LegacySubject("default", "held", "app", world.account["metadata"]["uid"])
    token = world.signing.sign(legacy.make(subject))
    secret = {
        "metadata": {"name": "held", "annotations": {"kubernetes.io/service-account.name": "app"}},
        "type": "kubernetes.io/service-account-token",
        "data": {"token": base64.b64encode(token.encode()).decode()},
    }
    assert (await world.server.request("POST", SECRETS, secret)).status == 201
    for _ in range(2):
        assert (await world.noted(token))[LEGACY] == NAME
