"""Requests as the metrics tell them apart."""

from typing import Final, NamedTuple

from strongroom.telemetry.metrics import Histogram

SECONDS: Final = (
    *(0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0),
    *(4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0),
)
"""Bounds of kube-apiserver's `apiserver_request_duration_seconds`."""


class Kind(NamedTuple):
    """Labels of requests that are counted together, in kube-apiserver's words.

    `scope`: `resource` (one object), `namespace`, `cluster`, "" for what is no resource."""

    verb: str
    dry_run: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    scope: str = ""


class Count:
    """Requests of one kind with one answer. All answers of a kind share `latency`."""

    __slots__ = ("code", "kind", "latency", "number")

    def __init__(self, kind: Kind, code: int, latency: Histogram) -> None:
        self.kind = kind
        self.code = code
        """The answer's; 0 when the client left before one began."""
        self.latency = latency
        self.number = 0


Tally = dict[tuple[str, int], Count]
"""Of one resource: by the request's verb and the answer's code."""
