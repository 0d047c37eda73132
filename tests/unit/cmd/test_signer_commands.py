"""Rotation of the signing key beside a server at work: overlap, removal, and what is said of it."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.api import resources
from strongroom.cmd.service_account_keys import KeyFileError, KeyFolder
from strongroom.cmd.signer_commands import SignerCommands
from strongroom.server.service_accounts import legacy
from strongroom.server.service_accounts.keys import named_key
from strongroom.server.service_accounts.legacy import LegacySubject
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
DAY = 24 * 3600


@dataclass
class World:
    server: APIServer
    clock: FakeClock
    folder: KeyFolder
    commands: SignerCommands

    async def do(self, command: str, **request: Any) -> Any:
        return await self.commands.commands[command](request, lambda _: None)

    async def token(self, **spec: Any) -> str:
        answer = await self.server.request("POST", f"{ACCOUNTS}/app/token", {"spec": spec})
        assert answer.status == 201, answer.text
        return str(answer.json["status"]["token"])

    async def token_secret(self) -> str:
        """The token in a Secret of the account, as the controller makes it."""
        account = (await self.server.get(f"{ACCOUNTS}/app")).json
        subject = LegacySubject("default", "held", "app", account["metadata"]["uid"])
        token = self.folder.keys.sign(legacy.make(subject))
        annotations = {"kubernetes.io/service-account.name": "app"}
        secret = {
            "metadata": {"name": "held", "annotations": annotations},
            "type": "kubernetes.io/service-account-token",
            "data": {"token": base64.b64encode(token.encode()).decode()},
        }
        answer = await self.server.request("POST", "/api/v1/namespaces/default/secrets", secret)
        assert answer.status == 201, answer.text
        return token

    async def status(self, token: str) -> int:
        return (await self.server.request("POST", ME, {}, token=token)).status


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    folder = KeyFolder(tmp_path, clock)
    async with api_server.running(clock=clock, service_account_keys=folder.keys) as server:
        await server.request("POST", ACCOUNTS, {"metadata": {"name": "app"}})
        yield World(server, clock, folder, SignerCommands(folder, server.catalog))


async def test_tokens_of_before_still_work_and_new_ones_have_the_new_key(world: World) -> None:
    before = await world.token()
    assert await world.status(before) == 201
    made = await world.do("signer-rotate")
    after = await world.token()
    assert named_key(after.encode()) == made["key"] != named_key(before.encode())
    assert [await world.status(token) for token in (before, after)] == [201, 201]
    published = (await world.server.get("/openid/v1/jwks")).json["keys"]
    assert {key["kid"] for key in published} == {named_key(before.encode()), made["key"]}


async def test_after_removal_of_the_old_key_its_tokens_are_refused_at_once_also_those_that_were_just_taken(
    world: World,
) -> None:
    before, held = await world.token(), await world.token_secret()
    await world.do("signer-rotate")
    after = await world.token()
    assert [await world.status(token) for token in (before, held, after)] == [201, 201, 201]
    removed = await world.do("signer-remove", old=True)
    assert removed == {"removed": [named_key(before.encode())], "tokenSecrets": ["default/held"]}
    assert [await world.status(token) for token in (before, held, after)] == [401, 401, 201]
    review = {"spec": {"token": before}}
    answer = await world.server.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert answer.json["status"]["error"] == "[invalid bearer token, invalid signature, no keys found]"
    assert len((await world.server.get("/openid/v1/jwks")).json["keys"]) == 1
    assert await world.do("signer-remove", old=True) == {"removed": [], "tokenSecrets": []}


async def test_an_old_key_lives_as_long_as_its_longest_token_and_the_secrets_that_hold_one(
    world: World,
) -> None:
    await world.token(expirationSeconds=600)
    longest = await world.token(expirationSeconds=3 * DAY)
    held = await world.token_secret()
    await world.do("signer-rotate")
    world.clock.advance(3 * DAY - 1)
    assert world.folder.drop_ended(lambda _: False) == []
    assert await world.status(longest) == 201
    world.clock.advance(2 * DAY)
    assert world.folder.drop_ended(world.commands._in_use) == [], "a Secret holds a token"
    assert [await world.status(token) for token in (longest, held)] == [401, 201]
    (_, old) = (await world.do("signer-status"))["keys"]
    assert (old["state"], old["tokenSecrets"], old["endless"]) == ("old", 1, True)
    await world.server.request("DELETE", "/api/v1/namespaces/default/secrets/held")
    assert world.folder.drop_ended(world.commands._in_use) == [named_key(longest.encode())]


async def test_a_key_that_signs_or_is_not_there_is_not_removed(world: World) -> None:
    token = await world.token()
    with pytest.raises(KeyFileError, match="rotate first"):
        await world.do("signer-remove", ids=[named_key(token.encode())])
    with pytest.raises(KeyFileError, match="there is no key x"):
        await world.do("signer-remove", ids=["x"])
    assert await world.status(token) == 201


async def test_what_is_no_token_in_a_token_secret_counts_for_no_key(world: World) -> None:
    annotations = {"kubernetes.io/service-account.name": "app"}
    for name, value in (("a", "bm90aGluZw=="), ("b", "")):
        secret = {
            "metadata": {"name": name, "annotations": annotations},
            "type": "kubernetes.io/service-account-token",
            "data": {"token": value},
        }
        await world.server.request("POST", "/api/v1/namespaces/default/secrets", secret)
    assert world.server.catalog[resources.SECRETS].find("default", "a") is not None
    (row,) = (await world.do("signer-status"))["keys"]
    assert row["tokenSecrets"] == 0
