"""The flags that say whose credentials images are pulled with, and who may use those that are there: with the
names of the kubelet's configuration."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from strongroom.cmd.flags import PATH, flag
from strongroom.node.images import verification
from strongroom.node.images.verification import Policy, Verification

DEFAULT = Policy.NEVER_VERIFY_PRELOADED_IMAGES.value
FLAGS = (
    flag(
        "--image-credential-config",
        type=PATH,
        metavar="F",
        help="Docker's config.json with credentials that all Pods may pull images with.  [default: the first "
        "of node/config.json in the data directory, /var/lib/kubelet/config.json, ~/.docker/config.json, "
        "/.docker/config.json, and .dockercfg in these places]",
    ),
    flag(
        "--image-pull-credentials-verification-policy",
        type=click.Choice([policy.value for policy in Policy]),
        default=DEFAULT,
        show_default=True,
        help="When a Pod has to have a credential for an image that is on the node already.",
    ),
    flag(
        "--preloaded-images-verification-allowlist",
        multiple=True,
        metavar="IMAGE",
        help="With NeverVerifyAllowlistedImages: a repository that any Pod may use, or all below one, as "
        "registry.example/team/*; may be given again.",
    ),
)


class ImageAccessError(ValueError):
    """A flag can't be used; the text names it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the flags say."""

    credential_config: Path | None = None
    """None: where the kubelet looks."""
    verification: Verification = field(default_factory=Verification)


def resolve(credential_config: Path | None, policy: str, allowlist: Sequence[str]) -> Options:
    """Raises `ImageAccessError`."""
    chosen = Policy(policy)
    if allowlist and chosen is not Policy.NEVER_VERIFY_ALLOWLISTED_IMAGES:
        # The kubelet's words, and its rule: a list that does nothing is a mistake.
        raise ImageAccessError(
            "--preloaded-images-verification-allowlist: can't set images allowlist unless the policy is "
            f"{Policy.NEVER_VERIFY_ALLOWLISTED_IMAGES.value}"
        )
    if credential_config is not None and not credential_config.is_file():
        raise ImageAccessError(f"--image-credential-config: {credential_config}: no such file")
    try:
        verified = verification.of(chosen, allowlist)
    except verification.PatternError as error:
        raise ImageAccessError(f"--preloaded-images-verification-allowlist: {error}") from None
    return Options(credential_config.absolute() if credential_config else None, verified)
