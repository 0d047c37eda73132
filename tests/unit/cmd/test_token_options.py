"""The flags of ServiceAccount tokens, and what they make of the tokens."""

from typing import Any

import jwt
import pytest

from strongroom.aio.clock import FakeClock
from strongroom.cmd import authentication, token_options
from strongroom.cmd.authentication import AuthenticationError
from strongroom.cmd.token_options import TokenOptionError, TokenOptions
from strongroom.server.service_accounts import keys
from strongroom.server.service_accounts.settings import TokenSettings
from strongroom.testing import api_server
from strongroom.testing.api_server import APIServer

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def test_the_defaults_are_those_of_before() -> None:
    assert token_options.resolve() == TokenOptions() == authentication.resolve().tokens


def test_all_flags() -> None:
    chosen = authentication.resolve(
        service_account_issuer=("https://new", "https://old", "https://new"),
        service_account_jwks_uri="https://keys/jwks",
        api_audiences="one, two",
        service_account_max_token_expiration="26h30m",
        service_account_extend_token_expiration=False,
    ).tokens
    assert chosen == TokenOptions(
        ("https://new", "https://old"), "https://keys/jwks", ("one", "two"), 95400, False
    )


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"service_account_issuer": ("http://a",)}, "--service-account-issuer: not an https URL"),
        ({"service_account_issuer": ("https://a?x",)}, "--service-account-issuer: not an https URL"),
        ({"service_account_issuer": ("kubernetes",)}, "--service-account-issuer: not an https URL"),
        ({"service_account_jwks_uri": "http://a"}, "--service-account-jwks-uri: not an https URL"),
        ({"service_account_max_token_expiration": "59m"}, "must be between 1 hour and 2\\^32 seconds"),
        ({"service_account_max_token_expiration": "9999999h"}, "must be between 1 hour and 2\\^32 seconds"),
        ({"service_account_max_token_expiration": "1d"}, "must be between 1 hour and 2\\^32 seconds"),
        ({"service_account_max_token_expiration": "9" * 5000 + "h"}, "must be between 1 hour"),
    ],
)
def test_a_flag_that_can_not_be_used_is_named(flags: dict[str, Any], problem: str) -> None:
    with pytest.raises(TokenOptionError, match=problem):
        token_options.resolve(**flags)


def test_nobody_else_may_issue_in_the_name_of_this_api() -> None:
    with pytest.raises(AuthenticationError, match="must not overlap with disallowed issuers"):
        authentication.resolve(
            service_account_issuer=("https://new", "https://old"),
            oidc_issuer_url="https://old",
            oidc_client_id="one",
        )


async def _token(server: APIServer, **spec: Any) -> Any:
    answer = await server.request("POST", f"{ACCOUNTS}/app/token", {"spec": spec})
    assert answer.status == 201, answer.text
    return answer


async def test_tokens_of_an_issuer_of_before_are_taken_and_the_first_one_issues() -> None:
    signing, clock = keys.generate(), FakeClock()
    before = TokenSettings(signing, "https://old")
    async with api_server.running(clock=clock, token_settings=before) as server:
        account = await server.request("POST", ACCOUNTS, {"metadata": {"name": "app"}})
        claims = jwt.decode(
            (await _token(server)).json["status"]["token"], options={"verify_signature": False}
        )
    after = TokenSettings(
        signing, "https://new", max_seconds=3600, other_issuers=("https://old",), jwks_uri="https://keys"
    )
    async with api_server.running(clock=clock, token_settings=after) as server:
        made = await server.request("POST", ACCOUNTS, {"metadata": {"name": "app"}})
        assert made.status == account.status == 201
        private = {**claims["kubernetes.io"]}
        private["serviceaccount"] = {"name": "app", "uid": made.json["metadata"]["uid"]}
        old = signing.sign({**claims, "kubernetes.io": private})
        assert (await server.request("POST", ME, {}, token=old)).status == 201
        answer = await _token(server, expirationSeconds=7200)
        assert "shortened to 3600 seconds" in answer.headers["warning"]
        new = jwt.decode(answer.json["status"]["token"], options={"verify_signature": False})
        assert new["iss"] == "https://new" and new["exp"] - new["iat"] == 3600
        configuration = (await server.get("/.well-known/openid-configuration")).json
        assert (configuration["issuer"], configuration["jwks_uri"]) == ("https://new", "https://keys")
    async with api_server.running(
        clock=clock, token_settings=TokenSettings(signing, "https://new")
    ) as server:
        assert (await server.request("POST", ME, {}, token=old)).status == 401
        review = {"spec": {"token": old, "audiences": ["https://old"]}}
        answer = await server.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
        assert "authenticated" not in answer.json["status"], "it is nobody's"
