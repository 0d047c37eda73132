"""When a pod has to show a credential for an image that is on the node already.

The policies are the kubelet's (`imagePullCredentialsVerificationPolicy`, KEP 2535), and so are the patterns
of images that are let off: a repository in full, or all below one as `registry.example/team/*`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from strongroom.machinery import image_reference


class Policy(Enum):
    """Named as the kubelet names them."""

    NEVER_VERIFY = "NeverVerify"
    """Who is on the node may use what is on the node."""
    NEVER_VERIFY_PRELOADED_IMAGES = "NeverVerifyPreloadedImages"
    """An image that this agent has not pulled is free for all."""
    NEVER_VERIFY_ALLOWLISTED_IMAGES = "NeverVerifyAllowlistedImages"
    """Only those of a list are free for all."""
    ALWAYS_VERIFY = "AlwaysVerify"
    """None is."""


class PatternError(ValueError):
    """A pattern that can't be used; `str()` says why, in the kubelet's words."""


@dataclass(frozen=True, slots=True)
class Verification:
    """A policy with its list. Make one by `of`."""

    policy: Policy = Policy.NEVER_VERIFY_PRELOADED_IMAGES
    allowed: tuple[str, ...] = ()
    """Repositories; one that ends in a slash stands for all below it."""

    def needed(self, image: str, *, pulled_here: bool) -> bool:
        """Whether it takes a credential to use `image`, which is there. `pulled_here`: by this agent."""
        match self.policy:
            case Policy.NEVER_VERIFY:
                return False
            case Policy.NEVER_VERIFY_PRELOADED_IMAGES:
                return pulled_here
            case Policy.NEVER_VERIFY_ALLOWLISTED_IMAGES:
                return not self._is_allowed(image_reference.parse(image).name)
            case Policy.ALWAYS_VERIFY:
                return True

    def _is_allowed(self, name: str) -> bool:
        return any(name.startswith(each) if each.endswith("/") else name == each for each in self.allowed)


def of(policy: Policy, patterns: Iterable[str] = ()) -> Verification:
    """Raises `PatternError`."""
    return Verification(policy, tuple(_checked(pattern) for pattern in patterns))


def _checked(pattern: str) -> str:
    if pattern != pattern.strip():
        raise PatternError(f"leading/trailing spaces are not allowed: {pattern}")
    plain = pattern.removesuffix("*") if pattern.endswith("/*") else pattern
    if not plain:
        raise PatternError(f"the supplied pattern is too short: {pattern}")
    if "*" in plain:
        text = "not a valid wildcard pattern, only patterns ending with '/*' are allowed"
        raise PatternError(f"{text}: {pattern}")
    if plain == "/":
        raise PatternError("at least registry hostname is required")
    if plain.endswith("/"):
        return plain
    try:
        name = image_reference.parse(plain).name
    except image_reference.InvalidReferenceError as error:
        raise PatternError(f"failed to parse as an image name: {error}") from None
    if name != plain:
        raise PatternError(f"neither tag nor digest is accepted in an image reference: {pattern}")
    return plain
