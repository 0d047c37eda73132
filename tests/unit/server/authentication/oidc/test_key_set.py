"""Keys of an issuer: what is in the set, when it is fetched again, and who waits for it."""

import asyncio
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from strongroom.aio import tasks
from strongroom.aio.clock import FakeClock
from strongroom.server.authentication.oidc import jwks, key_set
from strongroom.server.authentication.oidc.config import JWTAuthenticator, PrefixedClaim
from strongroom.server.authentication.oidc.discovery import Unreachable
from strongroom.server.authentication.oidc.jwks import Key, MalformedKeySet
from strongroom.server.authentication.oidc.key_set import KeySet

RULES = JWTAuthenticator("https://issuer", ("one",), PrefixedClaim("sub"))
RSA = rsa.generate_private_key(65537, 2048)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())


def entry(key: Any, **more: Any) -> dict[str, Any]:
    algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), **more}


def test_keys_that_verify_are_found_by_their_id_and_algorithm() -> None:
    found = jwks.parse(
        {"keys": [entry(RSA, kid="a", use="sig"), entry(P256, kid="b"), entry(P384, kid="b"), entry(P256)]}
    )
    assert found["a"] == (RSA.public_key(),)
    assert jwks.fitting(found["b"], "ES256") == [P256.public_key()]
    assert jwks.fitting(found["b"], "ES384") == [P384.public_key()]
    assert jwks.fitting(found["b"], "ES512") == jwks.fitting(found["b"], "RS256") == []
    assert jwks.fitting(found["a"], "PS512") == [RSA.public_key()]
    assert jwks.fitting(found["a"], "ES256") == jwks.fitting(found["a"], "HS256") == []
    assert found[""] == (P256.public_key(),)


def test_what_is_no_key_for_signatures_is_passed_over() -> None:
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    listed: list[Any] = [
        entry(RSA, kid="enc", use="enc"),
        entry(small, kid="small"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        {"kty": "RSA", "kid": "n"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "xy"},
        {"kty": "EC", "crv": "P-256", "x": 1, "y": 2, "kid": "xy"},
        {"kid": "none"},
        entry(RSA, kid=["list"]),
        "text",
        None,
    ]
    assert jwks.parse({"keys": listed}) == {}


def test_a_private_key_that_was_published_by_mistake_is_kept_as_a_public_one() -> None:
    whole = json.loads(RSAAlgorithm.to_jwk(RSA))
    assert jwks.parse({"keys": [{**whole, "kid": "a"}]})["a"] == (RSA.public_key(),)


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": None}])
def test_what_is_no_key_set_is_refused(document: Any) -> None:
    with pytest.raises(MalformedKeySet):
        jwks.parse(document)


class Fetcher:
    """An issuer that answers when it is let."""

    def __init__(self) -> None:
        self.answer: dict[str, tuple[Key, ...]] | Exception = {"a": (RSA.public_key(),)}
        self.calls = 0
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self, _: JWTAuthenticator) -> dict[str, tuple[Key, ...]]:
        self.calls += 1
        await self.let.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict(self.answer)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_keys_are_fetched_at_the_start() -> None:
    keys = KeySet(RULES, FakeClock(), Fetcher())
    assert not keys.keys
    async with tasks.TaskGroup("test") as group:
        group.spawn("run", keys.run())
        moment = keys.refreshed()
        assert moment is not None
        await moment
        assert keys.ready and set(keys.keys) == {"a"}


async def test_an_unknown_key_has_the_keys_fetched_but_not_more_often_than_is_allowed() -> None:
    clock, fetcher = FakeClock(), Fetcher()
    keys = KeySet(RULES, clock, fetcher)
    async with tasks.TaskGroup("test") as group:
        group.spawn("run", keys.run())
        await settle()
        fetcher.answer = {"b": (P256.public_key(),)}
        for _ in range(100):
            assert keys.refreshed() is None, "fetched a moment ago"
        clock.advance(key_set.APART)
        moment = keys.refreshed()
        assert moment is not None
        await moment
        assert set(keys.keys) == {"b"} and fetcher.calls == 2
        assert keys.refreshed() is None


async def test_many_who_wait_share_one_fetch_and_too_many_are_turned_away() -> None:
    clock, fetcher = FakeClock(), Fetcher()
    keys = KeySet(RULES, clock, fetcher)
    async with tasks.TaskGroup("test") as group:
        group.spawn("run", keys.run())
        await settle()
        clock.advance(key_set.APART)
        fetcher.let.clear()
        waiting = []
        for _ in range(key_set.WAITING):
            moment = keys.refreshed()
            assert moment is not None
            waiting.append(asyncio.ensure_future(moment))  # noqa: TID251
            await asyncio.sleep(0)
        assert keys.refreshed() is None
        fetcher.let.set()
        await asyncio.gather(*waiting)
        assert fetcher.calls == 2


async def test_nobody_waits_longer_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "PATIENCE", 0.01)
    fetcher = Fetcher()
    fetcher.let.clear()
    keys = KeySet(RULES, FakeClock(), fetcher)
    async with tasks.TaskGroup("test") as group:
        group.spawn("run", keys.run())
        moment = keys.refreshed()
        assert moment is not None
        await asyncio.wait_for(moment, 5)
        assert not keys.ready


async def test_an_issuer_that_fails_later_leaves_its_keys_and_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, fetcher = FakeClock(), Fetcher()
    keys = KeySet(RULES, clock, fetcher)
    async with tasks.TaskGroup("test") as group:
        group.spawn("run", keys.run())
        await settle()
        fetcher.answer = Unreachable("answered 500")
        for _ in range(3):
            clock.advance(key_set.APART)
            moment = keys.refreshed()
            assert moment is not None
            await moment
        assert set(keys.keys) == {"a"} and keys.ready
        assert caplog.text.count("answered 500") == 1


async def test_a_fetch_that_fails_in_an_unknown_way_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    clock, fetcher = FakeClock(), Fetcher()
    fetcher.answer = RuntimeError("c4nary")
    keys = KeySet(RULES, clock, fetcher)
    async with tasks.TaskGroup("test") as group:
        group.spawn("run", keys.run())
        await settle()
        assert "RuntimeError" in caplog.text and "c4nary" not in caplog.text
        fetcher.answer = {"a": (RSA.public_key(),)}
        clock.advance(key_set.APART)
        moment = keys.refreshed()
        assert moment is not None
        await moment
        assert keys.ready


async def test_a_key_that_stays_is_the_same_object_and_one_that_goes_is_gone() -> None:
    clock, fetcher = FakeClock(), Fetcher()
    keys = KeySet(RULES, clock, fetcher)
    async with tasks.TaskGroup("test") as group:
        group.spawn("run", keys.run())
        await settle()
        held, view = keys.keys["a"], keys.keys
        numbers = RSA.public_key().public_numbers().public_key()
        fetcher.answer = {"a": (numbers,), "b": (P256.public_key(),)}
        clock.advance(key_set.APART)
        moment = keys.refreshed()
        assert moment is not None
        await moment
        assert keys.keys is view and view["a"] is held
        fetcher.answer = {"a": (P384.public_key(),)}
        clock.advance(key_set.APART)
        moment = keys.refreshed()
        assert moment is not None
        await moment
        assert view["a"] is not held and "b" not in view


def test_a_token_that_names_no_key_can_be_of_the_only_one_alone() -> None:
    keys = KeySet(RULES, FakeClock(), Fetcher())
    keys._keys = {"a": (RSA.public_key(),), "b": (P256.public_key(),)}
    assert keys.candidates("", "RS256") == ("a", [RSA.public_key()])
    assert keys.candidates("", "ES256") == ("b", [P256.public_key()])
    keys._keys["c"] = (RSA.public_key(),)
    assert keys.candidates("", "RS256")[1] == []
    assert keys.candidates("x", "RS256")[1] == [] == keys.candidates("b", "RS256")[1]
