"""Audit policies in Kubernetes' format."""

from typing import Any

import pytest

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.audit import policy, policy_file
from strongroom.server.authorization import system_roles

USER = UserInfo("ann", groups=("dev", "system:authenticated"))


def _policy(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "Policy", "apiVersion": "audit.k8s.io/v1", "rules": list(rules), **more}


def _info(verb: str, what: str, namespace: str = "default", name: str = "") -> RequestInfo:
    if what.startswith("/"):
        return RequestInfo(False, verb, what)
    resource, _, subresource = what.partition("/")
    return RequestInfo(True, verb, "", "", "v1", namespace, resource, subresource, name)


def _level(document: dict[str, Any], info: RequestInfo) -> str:
    return policy_file.parse(document).rule(USER, info).level


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
        ({"resources": [{"resources": ["pods/*"]}]}, "get", "pods", True),
        ({"resources": [{"resources": ["pods/*"]}]}, "get", "secrets", False),
        ({"resources": [{"resources": ["*/log"]}]}, "get", "pods", False),
        ({"resources": [{"resources": ["*"]}]}, "get", "/healthz", False),
        ({"resources": [{"group": "*"}]}, "get", "pods", True),
        ({"namespaces": [""]}, "get", "secrets", False),
        ({"verbs": ["get"], "userGroups": ["dev"], "namespaces": ["default"]}, "get", "secrets", True),
        ({"verbs": ["get"], "userGroups": ["dev"], "namespaces": ["other"]}, "get", "secrets", False),
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


def test_levels_above_metadata_are_followed_where_nothing_is_secret() -> None:
    for level in ("Request", "RequestResponse"):
        document = _policy({"level": level})
        for what in ("pods", "pods/status", "serviceaccounts", "namespaces", "events"):
            assert _level(document, _info("create", what)) == level, what
        assert _level(document, RequestInfo(True, "create", "", "apps", "v1", "d", "deployments")) == level


@pytest.mark.parametrize("level", ["Request", "RequestResponse"])
@pytest.mark.parametrize(
    "info",
    [
        _info("create", "secrets"),
        _info("patch", "secrets", name="a"),
        _info("get", "configmaps", name="a"),
        _info("create", "serviceaccounts/token", name="a"),
        _info("create", "nodes/token", namespace="", name="n1"),
        RequestInfo(True, "create", "", "authentication.k8s.io", "v1", "", "tokenreviews"),
        RequestInfo(True, "create", "", "authentication.k8s.io", "v1", "", "selfsubjectreviews"),
        RequestInfo(False, "get", "/metrics"),
    ],
)
def test_no_policy_records_more_than_metadata_of_what_holds_values(level: str, info: RequestInfo) -> None:
    assert policy_file.parse(_policy({"level": level})).rule(USER, info).level == "Metadata"


def test_stages_and_managed_fields_of_policy_and_rule_are_put_together() -> None:
    document = _policy(
        {"level": "Request", "verbs": ["get"], "omitStages": ["Panic"], "omitManagedFields": False},
        {"level": "Request"},
        omitStages=["RequestReceived"],
        omitManagedFields=True,
    )
    first, second = policy_file.parse(document).rules
    assert set(first.omit_stages) == {"RequestReceived", "Panic"} and not first.omit_managed_fields
    assert set(second.omit_stages) == {"RequestReceived"} and second.omit_managed_fields


def test_stages_that_are_recorded() -> None:
    assert policy_file.parse(_policy({"level": "Metadata"})).records("RequestReceived")
    omitted = {"level": "Metadata", "omitStages": ["RequestReceived"]}
    assert not policy_file.parse(_policy(omitted, {"level": "None"})).records("RequestReceived")
    assert not policy.DEFAULT.records("RequestReceived")


def test_the_default_policy_knows_every_part_of_the_control_plane() -> None:
    for name in system_roles.USERS:
        user = UserInfo(name, groups=("system:authenticated",))
        assert policy.DEFAULT.rule(user, _info("list", "pods")).level == "None", name
        assert policy.DEFAULT.rule(user, _info("get", "secrets", name="a")).level == "Metadata", name
        assert policy.DEFAULT.rule(user, _info("create", "pods")).level == "Metadata", name


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "kind"),
        (_policy(), "at least one"),
        ({"kind": "Policy", "apiVersion": "audit.k8s.io/v1beta1"}, "apiVersion: must be audit.k8s.io/v1"),
        (_policy({}), "rules[0].level: Required value"),
        (
            _policy({"level": "All"}),
            'rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", '
            '"RequestResponse"',
        ),
        (
            _policy({"level": "None"}, omitStages=["Later"]),
            'omitStages[0]: Invalid value: "Later": allowed stages are '
            "RequestReceived,ResponseStarted,ResponseComplete,Panic",
        ),
        (
            _policy({"level": "None", "omitStages": ["Panic", "X"]}),
            'rules[0].omitStages[1]: Invalid value: "X"',
        ),
        (_policy({"level": "None", "users": "ann"}), "rules[0].users: must be a list"),
        (_policy({"level": "None", "users": [1]}), "rules[0].users: must be a list of strings"),
        (_policy({"level": "None", "user": ["ann"]}), "rules[0].user: unknown field"),
        (_policy({"level": "None"}, rule=[]), "rule: unknown field"),
        (_policy("none"), "rules[0]: must be an object"),  # type: ignore[arg-type]
        ({**_policy(), "rules": {"level": "None"}}, "rules: must be a list"),
        (_policy({"level": "None", "resources": ["pods"]}), "rules[0].resources[0]: must be an object"),
        (
            _policy({"level": "None", "resources": [{"verbs": []}]}),
            "rules[0].resources[0].verbs: unknown field",
        ),
        (_policy({"level": "None", "omitManagedFields": "yes"}), "omitManagedFields: must be true or false"),
        (
            _policy({"level": "None", "resources": [{"group": "apps/v1"}]}),
            'rules[0].resources.group: Invalid value: "apps/v1"',
        ),
        (
            _policy({"level": "None", "resources": [{"resourceNames": ["a"]}]}),
            "using resourceNames requires at least one resource",
        ),
        (
            _policy({"level": "None", "nonResourceURLs": ["healthz"]}),
            'rules[0].nonResourceURLs[0]: Invalid value: "healthz": non-resource URL rules must begin '
            "with a '/' character",
        ),
        (
            _policy({"level": "None", "nonResourceURLs": ["*", "/a*b"]}),
            "rules[0].nonResourceURLs[1]: Invalid value: \"/a*b\": non-resource URL wildcards '*' must be "
            "the final character of the rule",
        ),
        *(
            (
                _policy({"level": "None", **part, "nonResourceURLs": ["/"]}),
                'rules[0].nonResourceURLs: Invalid value: ["/"]: rules cannot apply to both regular '
                "resources and non-resource URLs",
            )
            for part in ({"resources": [{"group": ""}]}, {"namespaces": ["a"]})
        ),
        (
            _policy({"level": "X"}, {"level": "None", "nonResourceURLs": ["a"]}),
            "non-resource URL rules must begin with a '/' character]",
        ),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(document: dict[str, Any], text: str) -> None:
    with pytest.raises(policy_file.PolicyError) as refused:
        policy_file.parse(document)
    assert text in str(refused.value)
