"""Fetching keys from an issuer on loopback: over its own CA, without redirects, and with an end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strongroom.server.authentication.oidc import discovery
from strongroom.server.authentication.oidc.config import JWTAuthenticator, PrefixedClaim
from strongroom.server.authentication.oidc.discovery import Unreachable, fetch
from strongroom.testing.oidc_issuer import CLIENT, Issuer


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    with Issuer(tmp_path) as running:
        yield running
    await asyncio.sleep(0.05)  # a TLS connection is closed a few turns of the loop later


def rules(issuer: Issuer) -> JWTAuthenticator:
    return JWTAuthenticator(issuer.url, (CLIENT,), PrefixedClaim("sub"), ca=issuer.ca)


async def test_keys_are_where_the_configuration_says(issuer: Issuer) -> None:
    assert await fetch(rules(issuer)) == {"key-1": (issuer.keys["key-1"].public_key(),)}
    assert issuer.requests == ["/.well-known/openid-configuration", "/keys"]


async def test_the_configuration_may_be_elsewhere(issuer: Issuer) -> None:
    issuer.configuration = {"issuer": "https://issuer.example"}
    elsewhere = replace(
        rules(issuer),
        url="https://issuer.example",
        discovery_url=f"{issuer.url}/.well-known/openid-configuration",
    )
    assert set(await fetch(elsewhere)) == {"key-1"}


async def test_an_issuer_whose_certificate_nobody_vouches_for_is_not_believed(issuer: Issuer) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        await fetch(replace(rules(issuer), ca=""))


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"issuer": "https://other"}, "names another issuer"),
        ({"jwks_uri": "http://127.0.0.1/keys"}, "no jwks_uri with https"),
        ({"jwks_uri": 1}, "no jwks_uri with https"),
        ({"jwks_uri": "https://127.0.0.1:1/keys"}, "127.0.0.1:1"),
        ({"padding": "x" * discovery.LIMIT}, "more than 1 MiB"),
    ],
)
async def test_a_configuration_that_leads_astray_is_refused(
    issuer: Issuer, configuration: dict[str, Any], problem: str
) -> None:
    issuer.configuration = configuration
    with pytest.raises(Unreachable, match=problem) as refused:
        await fetch(rules(issuer))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_redirects_and_errors_are_no_answer(issuer: Issuer, status: int) -> None:
    issuer.status = status
    with pytest.raises(Unreachable, match=f"answered {status}"):
        await fetch(rules(issuer))
    assert issuer.requests == ["/.well-known/openid-configuration"]


async def test_an_issuer_that_is_silent_is_given_up(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "SECONDS", 0.2)
    issuer.silent.set()
    try:
        with pytest.raises(Unreachable, match="no answer within"):
            await fetch(rules(issuer))
    finally:
        issuer.silent.clear()


async def test_an_issuer_that_is_not_there_is_told_of(issuer: Issuer) -> None:
    issuer.stop()
    with pytest.raises(Unreachable):
        await fetch(rules(issuer))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", issuer.port))  # it is really free
