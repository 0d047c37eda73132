"""Seccomp and AppArmor profiles in annotations, from before there were fields."""

from typing import Any

import pytest

from strongroom.api import resources
from strongroom.api.core.v1.pod import template
from strongroom.api.scheme import STRATEGIES
from strongroom.machinery.gvk import Object

STRATEGY = STRATEGIES[resources.PODS]
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/c"
SECCOMP = "container.seccomp.security.alpha.kubernetes.io/c"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
A = "metadata.annotations"
FIELD = "spec.containers[0].securityContext"
DEPRECATED = f'{A}[{APP_ARMOR}]: deprecated since v1.30; use the "appArmorProfile" field instead'


def given(annotations: dict[str, str], context: Object | None = None, of_pod: Object | None = None) -> Object:
    container: Object = {"name": "c", "image": "i"}
    if context:
        container["securityContext"] = context
    pod: Object = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "p", "namespace": "n", "annotations": annotations},
        "spec": {"containers": [container], "securityContext": of_pod or {}},
    }
    STRATEGY.convert(pod)
    STRATEGY.default(pod)
    return pod


def make(*parts: Any) -> Object:
    pod = given(*parts)
    STRATEGY.prepare_for_create(pod)
    return pod


def errors(*parts: Any) -> list[str]:
    return [str(error) for error in STRATEGY.validate(make(*parts))]


RUNTIME, UNCONFINED = {"type": "RuntimeDefault"}, {"type": "Unconfined"}
LOCAL = {"type": "Localhost", "localhostProfile": "a"}


@pytest.mark.parametrize(
    ("annotations", "context", "of_pod", "expected"),
    [
        ({SECCOMP_POD: "localhost/a/b", SECCOMP: "docker/default"}, None, None, []),
        ({SECCOMP: "x", SECCOMP_POD: "localhost/../a"}, None, None,
         [f"{A}.{SECCOMP_POD}: Invalid value: \"../a\": must not contain '..'",
          f'{A}.{SECCOMP}: Invalid value: "x": must be a valid seccomp profile']),
        ({APP_ARMOR: "x"}, None, None,
         [f'{A}[{APP_ARMOR}]: Invalid value: "x": invalid AppArmor profile name: "x"']),
        ({f"{APP_ARMOR}2": "unconfined"}, None, None,
         [f'{A}[{APP_ARMOR}2]: Invalid value: "c2": container not found']),
        ({SECCOMP: "unconfined"}, {"seccompProfile": UNCONFINED}, None, []),
        ({SECCOMP: "unconfined"}, {"seccompProfile": RUNTIME}, None,
         [f"{FIELD}.seccompProfile.type: Forbidden: seccomp type in annotation and field must match"]),
        ({SECCOMP: "localhost/b"}, {"seccompProfile": LOCAL}, None,
         [f"{FIELD}.seccompProfile.localhostProfile: Forbidden: seccomp profile in annotation and field must "
          "match"]),
        ({SECCOMP_POD: "runtime/default"}, None, {"seccompProfile": LOCAL},
         ["spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must "
          "match"]),
        ({APP_ARMOR: "localhost/a"}, {"appArmorProfile": LOCAL}, None, []),
        ({APP_ARMOR: "localhost/b"}, {"appArmorProfile": LOCAL}, None,
         [f"{FIELD}.appArmorProfile.localhostProfile: Forbidden: apparmor profile in annotation and field "
          "must match"]),
        ({APP_ARMOR: "unconfined"}, {"appArmorProfile": RUNTIME}, None,
         [f"{FIELD}.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match"]),
        ({APP_ARMOR: ""}, None, {"appArmorProfile": UNCONFINED},
         [f"{FIELD}.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match"]),
    ],
)  # fmt: skip
def test_rules(
    annotations: dict[str, str], context: Object | None, of_pod: Object | None, expected: list[str]
) -> None:
    assert errors(annotations, context, of_pod) == expected


@pytest.mark.parametrize(
    ("annotation", "of_pod", "profile", "warned"),
    [
        ("runtime/default", None, RUNTIME, True),
        ("unconfined", None, UNCONFINED, True),
        ("localhost/a", RUNTIME, LOCAL, True),
        ("runtime/default", RUNTIME, None, False),  # the Pod says so already
        ("localhost/", None, None, True),
        ("localhost/ a", None, None, True),
    ],
)
def test_the_annotation_of_a_new_pod_becomes_the_field(
    annotation: str, of_pod: Object | None, profile: Object | None, warned: bool
) -> None:
    pod = given({APP_ARMOR: annotation}, None, {"appArmorProfile": of_pod} if of_pod else None)
    warnings = STRATEGY.prepare_for_create(pod) or ()
    context = pod["spec"]["containers"][0].get("securityContext") or {}
    assert context.get("appArmorProfile") == profile
    assert (DEPRECATED in warnings) is warned
    assert list(STRATEGY.warnings(pod, None)) == []


@pytest.mark.parametrize(("annotation", "profile"), [("unconfined", UNCONFINED), ("localhost/a", LOCAL)])
def test_a_field_that_says_the_same_makes_no_warning(annotation: str, profile: Object) -> None:
    pod = given({APP_ARMOR: annotation}, {"appArmorProfile": profile})
    assert not STRATEGY.prepare_for_create(pod)


def test_annotation_and_field_of_a_template_match_too() -> None:
    pod = given({APP_ARMOR: "unconfined"}, {"appArmorProfile": RUNTIME})
    assert [str(error) for error in template.validate(pod, "spec.template")] == [
        f"spec.template.{FIELD}.appArmorProfile.type: Forbidden: apparmor type in annotation and field must "
        "match"
    ]


def test_a_field_is_kept_and_a_windows_pod_has_none() -> None:
    pod = make({APP_ARMOR: "unconfined"}, {"appArmorProfile": RUNTIME})
    assert pod["spec"]["containers"][0]["securityContext"] == {"appArmorProfile": RUNTIME}
    pod = make({})
    pod["metadata"]["annotations"] = {APP_ARMOR: "unconfined"}
    pod["spec"]["os"] = {"name": "windows"}
    STRATEGY.prepare_for_create(pod)
    assert "securityContext" not in pod["spec"]["containers"][0]


def test_profiles_of_annotations_do_not_change() -> None:
    old, new = make({APP_ARMOR: "unconfined"}), make({APP_ARMOR: "runtime/default", f"{APP_ARMOR}2": ""})
    new["spec"] = old["spec"]
    assert [str(error) for error in STRATEGY.validate_update(new, old)][-2:] == [
        f"{A}[{APP_ARMOR}]: Forbidden: may not remove or update AppArmor annotations",
        f"{A}[{APP_ARMOR}2]: Forbidden: may not add AppArmor annotations",
    ]


def test_templates_are_warned_of_where_no_field_says_the_same() -> None:
    spec: Object = {"containers": [{"name": "c", "image": "i"}]}
    made: Object = {"metadata": {"annotations": {APP_ARMOR: "unconfined"}}, "spec": spec}
    at = "spec.template"
    assert list(template.warnings(made, at)) == [f"{at}.{DEPRECATED}"]
    spec["securityContext"] = {"appArmorProfile": UNCONFINED}
    assert list(template.warnings(made, at)) == []
