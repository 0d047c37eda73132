"""The flags about images and their credentials."""

from pathlib import Path

import pytest

from strongroom.cmd import image_access, main
from strongroom.node.images.verification import Policy, Verification


def test_the_default_is_the_kubelets() -> None:
    found = image_access.resolve(None, image_access.DEFAULT, ())
    assert found == image_access.Options(None, Verification(Policy.NEVER_VERIFY_PRELOADED_IMAGES))


def test_a_list_of_images(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("{}")
    found = image_access.resolve(config, "NeverVerifyAllowlistedImages", ["a.example/*", "b.example/app"])
    assert found.credential_config == config
    assert found.verification.allowed == ("a.example/", "b.example/app")


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--image-credential-config", "/nowhere/config.json"],
         "--image-credential-config: /nowhere/config.json: no such file"),
        (["--preloaded-images-verification-allowlist", "a.example/*"],
         "--preloaded-images-verification-allowlist: can't set images allowlist unless the policy is "
         "NeverVerifyAllowlistedImages"),
        (["--image-pull-credentials-verification-policy", "NeverVerifyAllowlistedImages",
          "--preloaded-images-verification-allowlist", "*"],
         "--preloaded-images-verification-allowlist: not a valid wildcard pattern, only patterns ending with "
         "'/*' are allowed: *"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(flags: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["up", *flags]) == 2
    assert capsys.readouterr().err == f"strongroom: error: {text}\n"


def test_another_policy_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["up", "--image-pull-credentials-verification-policy", "Sometimes"]) == 2
    assert "'Sometimes' is not one of 'NeverVerify', 'NeverVerifyPreloadedImages'" in capsys.readouterr().err
