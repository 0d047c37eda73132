"""AuthenticationConfiguration: what is taken, and what is refused in Kubernetes' words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.aio.clock import SystemClock
from strongroom.cmd import pki
from strongroom.server.authentication.oidc import config
from strongroom.server.authentication.oidc.config import ConfigError, JWTAuthenticator, PrefixedClaim

URL = "https://issuer.example"
WHOLE = """
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: https://issuer.example/tenant
    discoveryURL: https://inside.example/.well-known/openid-configuration
    audiences: [one, two]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - {claim: hd, requiredValue: example.com}
  claimMappings:
    username: {claim: email, prefix: ""}
    groups: {claim: groups, prefix: "oidc:"}
    uid: {claim: sub}
"""


def document(**issuer: Any) -> dict[str, Any]:
    """The least that is taken; `issuer` replaces parts of its issuer."""
    made = {"url": URL, "audiences": ["one"], **issuer}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [{"issuer": made, "claimMappings": {"username": {"claim": "sub", "prefix": ""}}}],
    }


def entry(**parts: Any) -> dict[str, Any]:
    made = document()
    made["jwt"][0] |= parts
    return made


def mapped(**mappings: Any) -> dict[str, Any]:
    return entry(claimMappings={"username": {"claim": "sub", "prefix": ""}, **mappings})


def test_all_that_is_understood() -> None:
    assert config.parse(yaml.safe_load(WHOLE)) == (
        JWTAuthenticator(
            "https://issuer.example/tenant",
            ("one", "two"),
            PrefixedClaim("email"),
            PrefixedClaim("groups", "oidc:"),
            "sub",
            {"hd": "example.com"},
            discovery_url="https://inside.example/.well-known/openid-configuration",
        ),
    )


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_the_least_that_is_taken(version: str) -> None:
    made = {**document(), "apiVersion": f"apiserver.config.k8s.io/{version}"}
    assert config.parse(made) == (JWTAuthenticator(URL, ("one",), PrefixedClaim("sub")),)


def test_no_issuer_at_all_is_fine() -> None:
    assert config.parse({**document(), "jwt": []}) == ()
    made = document()
    del made["jwt"]
    assert config.parse(made) == ()


def test_a_certificate_authority_is_checked(tmp_path: Path) -> None:
    pem = pki.Authority.open_or_create(tmp_path, SystemClock().now()).pem.decode()
    (made,) = config.parse(document(certificateAuthority=pem))
    assert made.ca == pem


TWICE = {**document(), "jwt": [document()["jwt"][0], document()["jwt"][0]]}
CEL = "CEL is not supported: use claim, prefix and requiredValue"


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ([], "not an AuthenticationConfiguration"),
        ({**document(), "kind": "Policy"}, "apiVersion and kind must be"),
        ({**document(), "apiVersion": "v1"}, "apiVersion and kind must be"),
        ({**document(), "jwts": []}, 'unknown field "jwts"'),
        ({**document(), "jwt": {}}, "jwt: must be a list"),
        ({**document(), "jwt": ["x"]}, "jwt[0]: must be an object"),
        ({**document(), "jwt": [{}] * 65}, "jwt: Too many: 65: must have at most 64 items"),
        ({**document(), "anonymous": {"enabled": True}}, "anonymous: Forbidden: "),
        (document(url=""), "jwt[0].issuer.url: Required value"),
        (document(url=1), "jwt[0].issuer.url: must be a string"),
        (document(url="http://a.example"), 'Invalid value: "http://a.example": URL scheme must be https'),
        (document(url="https://"), "URL must have a host"),
        (document(url="https://a.example:port"), "not a URL"),
        (document(url="https://a.example /"), "not a URL"),
        (document(url="https://a.example?x=1"), "URL must not contain a query"),
        (document(url="https://a.example#x"), "URL must not contain a fragment"),
        (document(url="https://ann:pw@a.example"), "URL must not contain a username or password"),
        (document(url="https://own"), "URL must not overlap with disallowed issuers: [https://own]"),
        (document(discoveryURL=URL + "/"), "discoveryURL must be different from URL"),
        (document(discoveryURL="http://a"), "jwt[0].issuer.discoveryURL: Invalid value"),
        (document(audiences=[]), "Required value: at least one jwt[0].issuer.audiences is required"),
        (document(audiences="one"), "jwt[0].issuer.audiences: must be a list"),
        (document(audiences=[""]), "jwt[0].issuer.audiences[0]: Required value"),
        (
            document(audiences=["a", "a"], audienceMatchPolicy="MatchAny"),
            'jwt[0].issuer.audiences[1]: Duplicate value: "a"',
        ),
        (document(audiences=["a", "b"]), "audienceMatchPolicy must be MatchAny for multiple audiences"),
        (document(audienceMatchPolicy="All"), "must be empty or MatchAny for single audience"),
        (document(certificateAuthority="x"), "jwt[0].issuer.certificateAuthority: Invalid value"),
        (document(egressSelectorType="cluster"), "egress selectors are not supported"),
        (document(jwksURL="x"), 'unknown field "jwt[0].issuer.jwksURL"'),
        (TWICE, 'jwt[1].issuer.url: Duplicate value: "https://issuer.example"'),
        (entry(issuer=None), "jwt[0].issuer.url: Required value"),
        (entry(issuer="x"), "jwt[0].issuer: must be an object"),
        (entry(claimMappings={}), "claimMappings.username: Required value: claim or expression is required"),
        (
            mapped(username={"claim": "sub"}),
            "jwt[0].claimMappings.username.prefix: Required value: prefix is",
        ),
        (mapped(groups={"claim": "groups"}), "jwt[0].claimMappings.groups.prefix: Required value: prefix is"),
        (mapped(username={"expression": "claims.sub"}), f"username.expression: Forbidden: {CEL}"),
        (mapped(groups={"expression": "claims.groups"}), f"groups.expression: Forbidden: {CEL}"),
        (mapped(uid={"expression": "claims.sub"}), f"uid.expression: Forbidden: {CEL}"),
        (mapped(extra=[{"key": "a/b", "valueExpression": "1"}]), f"extra: Forbidden: {CEL}"),
        (entry(userValidationRules=[{"expression": "true"}]), f"userValidationRules: Forbidden: {CEL}"),
        (entry(claimValidationRules=[{"expression": "true"}]), f"Rules[0].expression: Forbidden: {CEL}"),
        (entry(claimValidationRules=[{}]), "claimValidationRules[0]: Required value: claim or expression"),
        (
            entry(claimValidationRules=[{"claim": "a", "message": "m"}]),
            "may not be specified when claim is set",
        ),
        (
            entry(claimValidationRules=[{"claim": "a"}, {"claim": "a"}]),
            'claimValidationRules[1].claim: Duplicate value: "a"',
        ),
    ],
)
def test_what_is_wrong_is_named(made: Any, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.parse(made, ["https://own"])
    assert problem in str(refused.value)
    assert "pw@" not in str(refused.value) and "\n" not in str(refused.value)


def test_several_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        config.parse(document(url="http://a", audiences=[]))
    text = str(refused.value)
    assert text.startswith("[") and "https" in text and "audiences is required" in text
