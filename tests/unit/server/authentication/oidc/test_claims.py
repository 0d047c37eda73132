"""Claims to a user: prefixes, groups, required claims, times."""

from typing import Any

import pytest

from strongroom.machinery.request_info import UserInfo
from strongroom.server.authentication.oidc import claims
from strongroom.server.authentication.oidc.config import JWTAuthenticator, PrefixedClaim
from strongroom.server.authentication.tokens import InvalidToken

RULES = JWTAuthenticator(
    "https://issuer", ("one", "two"), PrefixedClaim("sub", "p:"), PrefixedClaim("groups", "g:"), "id"
)
EMAIL = JWTAuthenticator("https://issuer", ("one",), PrefixedClaim("email"))
EVERYONE = "system:authenticated"


def test_names_and_groups_have_their_prefixes() -> None:
    said = {"sub": "ann", "groups": ["a", "", "b", "a"], "id": "7"}
    assert claims.user(said, RULES) == UserInfo("p:ann", "7", ("g:a", "g:b", EVERYONE))


@pytest.mark.parametrize(("groups", "held"), [("a", ("g:a",)), ([], ()), (None, ())])
def test_groups_are_a_string_or_a_list_or_missing(groups: Any, held: tuple[str, ...]) -> None:
    assert claims.user({"sub": "ann", "groups": groups, "id": "7"}, RULES).groups == (*held, EVERYONE)


def test_a_token_without_groups_has_none() -> None:
    assert claims.user({"sub": "ann", "id": "7"}, RULES).groups == (EVERYONE,)


@pytest.mark.parametrize("groups", [1, {"a": 1}, [1], ["a", None], True])
def test_groups_of_another_form_are_refused(groups: Any) -> None:
    with pytest.raises(InvalidToken, match='parse groups claim "groups"'):
        claims.user({"sub": "ann", "groups": groups, "id": "7"}, RULES)


def test_groups_that_stand_elsewhere_are_not_taken_for_none() -> None:
    said = {"sub": "ann", "id": "7", "_claim_names": {"groups": "src"}}
    with pytest.raises(InvalidToken, match="distributed claims"):
        claims.user(said, RULES)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"id": "7"}, 'parse username claims "sub": claim not present'),
        ({"sub": "", "id": "7"}, 'parse username claims "sub"'),
        ({"sub": 7, "id": "7"}, 'parse username claims "sub"'),
        ({"sub": None, "id": "7"}, 'parse username claims "sub"'),
        ({"sub": "ann"}, 'parse uid claim "id"'),
    ],
)
def test_a_user_without_a_name_is_nobody(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidToken, match=problem):
        claims.user(said, RULES)


def test_an_email_counts_unless_it_is_said_not_to_be_verified() -> None:
    assert claims.user({"email": "a@b"}, EMAIL).name == "a@b"
    assert claims.user({"email": "a@b", "email_verified": True}, EMAIL).name == "a@b"
    for verified in (False, "true", 1, None, "yes"):
        with pytest.raises(InvalidToken, match="email not verified"):
            claims.user({"email": "a@b", "email_verified": verified}, EMAIL)
    # It is a rule of the claim `email` alone.
    assert claims.user({"sub": "ann", "id": "7", "email_verified": False}, RULES).name == "p:ann"


def test_required_claims_must_be_there_with_their_value() -> None:
    rules = JWTAuthenticator("https://issuer", ("one",), PrefixedClaim("sub"), required={"hd": "x.example"})
    assert claims.user({"sub": "ann", "hd": "x.example"}, rules).name == "ann"
    for said in ({}, {"hd": "y.example"}, {"hd": ["x.example"]}, {"hd": None}, {"hd": "X.EXAMPLE"}):
        with pytest.raises(InvalidToken, match="required claim hd"):
            claims.user({"sub": "ann", **said}, rules)


def test_a_token_ends_at_its_expiry_to_the_second() -> None:
    assert claims.check({"aud": "one", "exp": 1000}, RULES, 999.9) == 1000
    for now in (1000, 1000.1):
        with pytest.raises(InvalidToken, match="token is expired"):
            claims.check({"aud": "one", "exp": 1000}, RULES, now)


def test_a_token_that_begins_later_is_refused_but_for_a_clock_that_is_late() -> None:
    said = {"aud": "one", "exp": 10_000, "nbf": 1000}
    assert claims.check(said, RULES, 1000 - claims.CLOCKS_APART) == 10_000
    with pytest.raises(InvalidToken, match="before the nbf"):
        claims.check(said, RULES, 1000 - claims.CLOCKS_APART - 1)


@pytest.mark.parametrize("aud", ["one", ["two"], ["other", "one"]])
def test_a_token_for_one_of_the_audiences_is_taken(aud: Any) -> None:
    assert claims.check({"aud": aud, "exp": 1000}, RULES, 0)


@pytest.mark.parametrize(
    "said",
    [
        {"exp": 1000},
        {"aud": "other", "exp": 1000},
        {"aud": [], "exp": 1000},
        {"aud": {"one": 1}, "exp": 1000},
        {"aud": "on", "exp": 1000},
        {"aud": "one"},
        {"aud": "one", "exp": None},
        {"aud": "one", "exp": "1000"},
        {"aud": "one", "exp": True},
        {"aud": "one", "exp": 1000, "nbf": "0"},
    ],
)
def test_a_token_without_a_fitting_audience_or_end_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        claims.check(said, RULES, 0)
