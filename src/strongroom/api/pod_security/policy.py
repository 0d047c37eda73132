"""What a namespace's labels ask of its Pods, a level for each mode: as `pod-security-admission` reads it."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from strongroom.api.pod_security.levels import LATEST, LEVELS, PRIVILEGED, RESTRICTED, Level
from strongroom.machinery import validation
from strongroom.machinery.validation import FieldError

PREFIX: Final = "pod-security.kubernetes.io/"
MODES: Final = ("enforce", "audit", "warn")
_VERSION: Final = re.compile(r"v1\.(0|[1-9][0-9]*)", re.ASCII)


class Policy(NamedTuple):
    """`enforce` refuses Pods, `audit` is put on record, `warn` is told to the client."""

    enforce: Level = Level()
    audit: Level = Level()
    warn: Level = Level()


def of(labels: Mapping[str, str]) -> tuple[Policy, list[FieldError]]:
    """The policy, and which labels say nothing that there is: for them, `enforce` is restricted, the others
    privileged. Who sets `enforce` alone is warned by it too, since workloads are not refused."""
    found, errors = {}, list[FieldError]()
    for mode in MODES:
        key = PREFIX + mode
        name, version = labels.get(key, PRIVILEGED), labels.get(f"{key}-version", LATEST)
        if name not in LEVELS:
            text = f"must be one of {', '.join(LEVELS)}"
            errors.append(validation.invalid_value(f"metadata.labels[{key}]", name, text))
            name = RESTRICTED if mode == "enforce" else PRIVILEGED
        if version != LATEST and _VERSION.fullmatch(version) is None:
            text = 'must be "latest" or "v1.x"'
            errors.append(validation.invalid_value(f"metadata.labels[{key}-version]", version, text))
            version = LATEST
        found[mode] = Level(name, version)
    enforced = labels.get(PREFIX + "enforce") == found["enforce"].name
    if PREFIX + "warn" not in labels and enforced and found["enforce"].is_stricter(found["warn"]):
        own = PREFIX + "warn-version" in labels
        found["warn"] = Level(found["enforce"].name, found["warn" if own else "enforce"].version)
    return Policy(**found), errors
