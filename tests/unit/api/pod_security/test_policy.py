"""A namespace's labels as a policy: Kubernetes' `pod-security-admission/api` is the source of each answer."""

import pytest

from strongroom.api.pod_security import policy
from strongroom.api.pod_security.levels import Level
from strongroom.api.pod_security.policy import PREFIX, Policy

PRIVILEGED = Level()
BASELINE, RESTRICTED = Level("baseline"), Level("restricted")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, Policy()),
        ({"enforce": "privileged"}, Policy()),
        ({"warn": "baseline"}, Policy(warn=BASELINE)),
        ({"audit": "restricted", "audit-version": "v1.30"}, Policy(audit=Level("restricted", "v1.30"))),
        ({"enforce": "baseline"}, Policy(enforce=BASELINE, warn=BASELINE)),
        (
            {"enforce": "baseline", "enforce-version": "v1.30"},
            Policy(enforce=Level("baseline", "v1.30"), warn=Level("baseline", "v1.30")),
        ),
        (
            {"enforce": "baseline", "enforce-version": "v1.30", "warn-version": "v1.31"},
            Policy(enforce=Level("baseline", "v1.30"), warn=Level("baseline", "v1.31")),
        ),
        ({"enforce": "restricted", "warn": "baseline"}, Policy(enforce=RESTRICTED, warn=BASELINE)),
        ({"enforce": "baseline", "warn": "privileged"}, Policy(enforce=BASELINE)),
        ({"enforce": "strict", "warn": "strict", "audit": "strict"}, Policy(enforce=RESTRICTED)),
        ({"enforce": ""}, Policy(enforce=RESTRICTED)),
        (
            {"enforce": "baseline", "enforce-version": "1.2"},
            Policy(enforce=BASELINE, warn=BASELINE),
        ),
    ],
)
def test_labels_say_the_level_of_each_mode(labels: dict[str, str], expected: Policy) -> None:
    assert policy.of({PREFIX + key: value for key, value in labels.items()})[0] == expected


@pytest.mark.parametrize("version", ["v1.0", "v1.7", "v1.36", "latest"])
def test_versions(version: str) -> None:
    assert policy.of({PREFIX + "warn-version": version})[1] == []


@pytest.mark.parametrize(
    "version", ["", "1.30", "v2.0", "v1.", "v1.01", "v1.3.1", "Latest", "v1.\u0663", "v1.1\n"]
)
def test_what_is_no_version_is_named(version: str) -> None:
    (error,) = policy.of({PREFIX + "warn-version": version})[1]
    assert error.field == "metadata.labels[pod-security.kubernetes.io/warn-version]"
    assert error.body.endswith('must be "latest" or "v1.x"')


def test_every_wrong_label_is_named() -> None:
    labels = {PREFIX + mode: "x" for mode in policy.MODES}
    fields = [error.field for error in policy.of(labels)[1]]
    assert fields == [f"metadata.labels[{PREFIX}{mode}]" for mode in policy.MODES]
