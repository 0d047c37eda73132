"""What is an error of the server, and what only looks like one."""

import json
import re

_ANSWERED_SO_BY_KUBERNETES = re.compile(
    "resourceVersion should not be set on objects to be created"
    "|list element types are not identical: "
    "|map: map.* does not contain declared merge key: "
    "|failed to create typed patch object "
    "|.*" + re.escape("merging lists cannot yet be specified in the patch"),
    re.DOTALL,
)
"""kube-apiserver gives these complaints about a request the code 500 and no reason; so do we."""


def is_server_error(code: int, body: bytes) -> bool:
    """Whether an answer is a 5xx that Kubernetes would not give."""
    if code < 500:
        return False
    try:
        status = json.loads(body)
    except ValueError:
        return True
    foreseen = status.get("reason", "") == "" and _ANSWERED_SO_BY_KUBERNETES.match(status.get("message", ""))
    return not foreseen
