"""Audit policies in Kubernetes' format."""

from typing import Any

import pytest

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.audit import policy

USER = UserInfo("ann", groups=("dev", "system:authenticated"))


def _policy(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "Policy", "apiVersion": "audit.k8s.io/v1", "rules": list(rules), **more}


def _info(verb: str, what: str, namespace: str = "default", name: str = "") -> RequestInfo:
    if what.startswith("/"):
        return RequestInfo(False, verb, what)
    resource, _, subresource = what.partition("/")
    return RequestInfo(True, verb, "", "", "v1", namespace, resource, subresource, name)


def _level(document: dict[str, Any], info: RequestInfo) -> str:
    rule = policy.parse(document).rule(USER, info)
    return rule.level if rule else "None"


@pytest.mark.parametrize(
    ("criteria", "verb", "what", "matches"),
    [
        ({}, "get", "secrets", True),
        ({}, "get", "/healthz", True),
        ({"users": ["ann"]}, "get", "secrets", True),
        ({"users": ["bob"]}, "get", "secrets", False),
        ({"userGroups": ["ops", "dev"]}, "get", "secrets", True),
        ({"userGroups": ["ops"]}, "get", "secrets", False),
        ({"verbs": ["list"]}, "get", "secrets", False),
        ({"namespaces": ["default"]}, "get", "secrets", True),
        ({"namespaces": ["other"]}, "get", "secrets", False),
        ({"namespaces": ["default"]}, "get", "/healthz", False),
        ({"resources": [{"group": ""}]}, "get", "pods/log", True),
        ({"resources": [{"group": "apps"}]}, "get", "pods", False),
        ({"resources": [{"resources": ["pods"]}]}, "get", "pods/log", False),
        ({"resources": [{"resources": ["pods/log"]}]}, "get", "pods/log", True),
        ({"resources": [{"resources": ["*/log"]}]}, "get", "pods/log", True),
        ({"resources": [{"resources": ["pods/*"]}]}, "get", "pods/log", True),
        ({"resources": [{"resources": ["pods/*"]}]}, "get", "pods", False),
        ({"resources": [{"resources": ["*"]}]}, "get", "pods/log", True),
        ({"resources": [{"resources": ["secrets"], "resourceNames": ["a"]}]}, "get", "secrets", False),
        ({"nonResourceURLs": ["/healthz*"]}, "get", "/healthz/ping", True),
        ({"nonResourceURLs": ["/healthz"]}, "get", "/healthz/ping", False),
        ({"nonResourceURLs": ["*"]}, "get", "secrets", False),
    ],
)
def test_all_given_criteria_must_hold(criteria: dict[str, Any], verb: str, what: str, matches: bool) -> None:
    document = _policy({"level": "Metadata", **criteria})
    assert (_level(document, _info(verb, what)) == "Metadata") is matches


def test_the_first_rule_that_matches_decides_and_none_means_none() -> None:
    names = {"resources": [{"resources": ["secrets"], "resourceNames": ["a"]}]}
    document = _policy({"level": "None", **names}, {"level": "Metadata", "verbs": ["get"]})
    assert _level(document, _info("get", "secrets", name="a")) == "None"
    assert _level(document, _info("get", "secrets", name="b")) == "Metadata"
    assert _level(document, _info("list", "secrets")) == "None"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "kind"),
        (_policy(), "at least one"),
        (_policy({"level": "All"}), "rules[0].level"),
        (_policy({"level": "None"}, omitStages=["Later"]), "unknown stage Later"),
        (_policy({"level": "None", "omitStages": ["Later"]}), "unknown stage Later"),
        (_policy({"level": "None", "users": "ann"}), "users: must be a list"),
        (
            _policy({"level": "None", "resources": [{"group": ""}], "nonResourceURLs": ["/"]}),
            "rules cannot apply to both regular resources and non-resource URLs",
        ),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(document: dict[str, Any], text: str) -> None:
    with pytest.raises(policy.PolicyError) as refused:
        policy.parse(document)
    assert text in str(refused.value)
