"""Pods for the tests of this folder."""

from collections.abc import Callable

import pytest

from strongroom.testing import manifests
from strongroom.testing.kubectl import Kubectl

Start = Callable[..., None]


@pytest.fixture
def start(latest: Kubectl) -> Start:
    """Create one Pod (arguments as for `manifests.pod`) and wait until it is Ready."""

    def create(name: str, **fields: object) -> None:
        pod = manifests.pod(name, **fields)  # type: ignore[arg-type]
        latest.ok("create", "-f", "-", stdin=manifests.text(pod))
        latest.ok("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=40s")

    return create
