"""When a pod has to show a credential for an image that is there."""

import pytest

from strongroom.node.images import verification
from strongroom.node.images.verification import PatternError, Policy

NAMES = {
    "NeverVerify": (False, False),
    "NeverVerifyPreloadedImages": (False, True),
    "NeverVerifyAllowlistedImages": (True, True),
    "AlwaysVerify": (True, True),
}


def test_the_policies_have_the_kubelets_names() -> None:
    assert [policy.value for policy in Policy] == list(NAMES)


@pytest.mark.parametrize(("name", "needed"), NAMES.items())
def test_policies(name: str, needed: tuple[bool, bool]) -> None:
    chosen = verification.of(Policy(name))
    asked = [chosen.needed("registry.example/app:1", pulled_here=here) for here in (False, True)]
    assert tuple(asked) == needed


@pytest.mark.parametrize(
    ("pattern", "image", "allowed"),
    [
        ("registry.example/team/app", "registry.example/team/app:1", True),
        ("registry.example/team/app", "registry.example/team/app@sha256:" + "0" * 64, True),
        ("registry.example/team/app", "registry.example/team/app2:1", False),
        ("registry.example/team/*", "registry.example/team/app:1", True),
        ("registry.example/team/*", "registry.example/teams/app:1", False),
        ("registry.example/*", "registry.example/team/app", True),
        ("docker.io/library/nginx", "nginx", True),
    ],
)
def test_the_list(pattern: str, image: str, allowed: bool) -> None:
    chosen = verification.of(Policy.NEVER_VERIFY_ALLOWLISTED_IMAGES, [pattern])
    assert chosen.needed(image, pulled_here=True) is not allowed


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (" a", "leading/trailing spaces are not allowed:  a"),
        ("", "the supplied pattern is too short: "),
        ("/*", "at least registry hostname is required"),
        ("a*", "not a valid wildcard pattern, only patterns ending with '/*' are allowed: a*"),
        ("*/a", "not a valid wildcard pattern, only patterns ending with '/*' are allowed: */a"),
        ("docker.io/library/nginx:1", "neither tag nor digest is accepted in an image reference: "
         "docker.io/library/nginx:1"),
        ("UP/Case", "failed to parse as an image name: invalid reference format: repository name (Case) "
         "must be lowercase"),
    ],
)  # fmt: skip
def test_patterns_that_are_refused(pattern: str, text: str) -> None:
    with pytest.raises(PatternError) as caught:
        verification.of(Policy.NEVER_VERIFY_ALLOWLISTED_IMAGES, [pattern])
    assert str(caught.value) == text
