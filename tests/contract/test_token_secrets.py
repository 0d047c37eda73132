"""Tokens in Secrets: filled, taken, and good for nothing once their Secret or ServiceAccount is gone."""

import base64
from collections.abc import AsyncIterator

import pytest

from strongroom.api import resources
from strongroom.controllers import token_secrets
from strongroom.machinery.gvk import Object
from strongroom.testing import managed
from strongroom.testing.managed import World

SECRETS, ACCOUNTS = resources.SECRETS, resources.SERVICE_ACCOUNTS
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
TYPE = "kubernetes.io/service-account-token"
LAST_USED = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with managed.running() as running:
        await running.create(ACCOUNTS, "app")
        yield running


async def _token_secret(world: World, name: str = "t", account: str = "app") -> Object:
    """Filled."""
    await world.create(SECRETS, name, metadata={"annotations": {NAME: account}}, type=TYPE)

    async def filled() -> object:
        return (await world.client.get(SECRETS, name, "default")).get("data", {}).get("token")

    await managed.until(filled)
    return await world.client.get(SECRETS, name, "default")


def _token(secret: Object) -> str:
    return base64.b64decode(secret["data"]["token"]).decode()


async def _code(world: World, token: str) -> int:
    return (await world.server.request("POST", ME, {}, token=token)).status


async def _review(world: World, token: str, *audiences: str) -> Object:
    spec = {"token": token, **({"audiences": list(audiences)} if audiences else {})}
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    status: Object = (await world.server.request("POST", path, {"spec": spec})).json["status"]
    return status


async def test_a_token_secret_is_filled(world: World) -> None:
    secret = await _token_secret(world)
    account = await world.client.get(ACCOUNTS, "app", "default")
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert set(data) == {"ca.crt", "namespace", "token"}
    assert (data["ca.crt"], data["namespace"]) == ("PEM", "default")
    assert secret["metadata"]["annotations"] == {NAME: "app", UID: account["metadata"]["uid"]}
    assert "secrets" not in account


async def test_what_is_changed_in_it_is_put_right_and_the_token_stays(world: World) -> None:
    secret = await _token_secret(world)
    await world.client.patch(SECRETS, "t", {"data": {"ca.crt": "YQ==", "more": "Yg=="}}, "default")

    async def put_right() -> bool:
        now = await world.client.get(SECRETS, "t", "default")
        return bool(now["data"] == {**secret["data"], "more": "Yg=="})

    await managed.until(put_right)


async def test_the_token_speaks_for_its_account(world: World) -> None:
    secret = await _token_secret(world)
    status = await _review(world, _token(secret))
    account = await world.client.get(ACCOUNTS, "app", "default")
    assert status["authenticated"] is True
    assert status["user"] == {
        "username": "system:serviceaccount:default:app",
        "uid": account["metadata"]["uid"],
        "groups": ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    }
    assert await _code(world, _token(secret)) == 201


async def test_the_first_use_of_a_day_is_noted_on_the_secret(world: World) -> None:
    secret = await _token_secret(world)
    assert LAST_USED not in secret["metadata"].get("labels", {})
    assert await _code(world, _token(secret)) == 201

    async def noted() -> object:
        return (await world.client.get(SECRETS, "t", "default"))["metadata"].get("labels")

    await managed.until(noted)
    labels = (await world.client.get(SECRETS, "t", "default"))["metadata"]["labels"]
    assert len(labels[LAST_USED]) == len("2026-01-02")
    assert await _code(world, _token(secret)) == 201


async def test_a_deleted_secret_makes_its_token_worthless_at_once(world: World) -> None:
    token = _token(await _token_secret(world))
    assert await _code(world, token) == 201
    await world.client.delete(SECRETS, "t", "default")
    assert await _code(world, token) == 401
    assert (await _review(world, token))["error"] == "[invalid bearer token, Token has been invalidated]"


async def test_a_token_that_is_replaced_in_its_secret_is_refused(world: World) -> None:
    token = _token(await _token_secret(world))
    await world.client.patch(SECRETS, "t", {"data": {"token": "YW5vdGhlcg=="}}, "default")
    assert await _code(world, token) == 401
    assert "Token does not match server's copy" in (await _review(world, token))["error"]


async def test_a_deleted_account_takes_its_tokens_along(world: World) -> None:
    token = _token(await _token_secret(world))
    await world.client.delete(ACCOUNTS, "app", "default")
    assert await _code(world, token) == 401
    await world.gone(SECRETS, "t")
    await world.create(ACCOUNTS, "app")
    assert await _code(world, token) == 401


async def test_a_secret_for_an_account_that_is_not_there_goes(world: World) -> None:
    await world.create(SECRETS, "t", metadata={"annotations": {NAME: "nobody"}}, type=TYPE)
    await world.gone(SECRETS, "t")


async def test_a_secret_for_an_account_of_the_same_name_that_was_before_goes(world: World) -> None:
    await world.create(SECRETS, "t", metadata={"annotations": {NAME: "app", UID: "other"}}, type=TYPE)
    await world.gone(SECRETS, "t")


async def test_an_account_forgets_a_token_secret_that_is_gone(world: World) -> None:
    await _token_secret(world)
    await world.client.patch(ACCOUNTS, "app", {"secrets": [{"name": "t"}, {"name": "other"}]}, "default")
    await world.client.delete(SECRETS, "t", "default")

    async def forgotten() -> bool:
        account = await world.client.get(ACCOUNTS, "app", "default")
        return bool(account["secrets"] == [{"name": "other"}])

    await managed.until(forgotten)


async def test_a_token_marked_invalid_is_refused_and_one_for_elsewhere_too(world: World) -> None:
    token = _token(await _token_secret(world))
    assert "error" in await _review(world, token, "elsewhere")
    labels = {"metadata": {"labels": {INVALID_SINCE: "2026-01-01"}}}
    await world.client.patch(SECRETS, "t", labels, "default")
    assert await _code(world, token) == 401
    assert "has been marked invalid" in (await _review(world, token))["error"]


async def test_a_token_of_another_secret_does_not_pass_for_it(world: World) -> None:
    one, two = [await _token_secret(world, name) for name in ("one", "two")]
    await world.client.patch(SECRETS, "one", {"data": {"token": two["data"]["token"]}}, "default")
    assert await _code(world, _token(one)) == 401
    assert await _code(world, _token(two)) == 201


async def test_the_informer_of_all_this_holds_no_token(world: World) -> None:
    secret = await _token_secret(world)
    reduced = token_secrets.reduce(secret)
    assert "data" not in reduced
    assert reduced["metadata"]["annotations"][NAME] == "app"
