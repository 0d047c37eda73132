"""The flags that matter where there are several machines, with upstream's names where it has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from strongroom.cmd.flags import flag
from strongroom.machinery import addresses, duration, names

GRACE: Final = "50s"
FLAGS = (
    flag(
        "--tls-san",
        multiple=True,
        metavar="HOST",
        help="One more name or address that the server's certificate is for; may be given again.  [default: "
        "the address of --listen; all addresses: the one towards other machines]",
    ),
    flag(
        "--node-monitor-grace-period",
        default=GRACE,
        show_default=True,
        metavar="SPAN",
        help="How long a node may be silent before it counts as unknown and its Pods leave it.",
    ),
)


class ClusterOptionError(ValueError):
    """A flag can't be used; the text names it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the flags say."""

    names: tuple[str, ...] = ()
    """That the serving certificate is for, beside the usual ones."""
    grace: float = 50.0
    """Seconds."""


def resolve(tls_san: Sequence[str] = (), node_monitor_grace_period: str = GRACE) -> Options:
    """Raises ClusterOptionError."""
    for name in tls_san:
        if addresses.ip(name) and names.dns1123_subdomain(name.lower()):
            raise ClusterOptionError(f"--tls-san: {name!r} is neither an IP address nor a DNS name")
    try:
        grace = duration.parse_span(node_monitor_grace_period)
    except ValueError as error:
        raise ClusterOptionError(f"--node-monitor-grace-period: {error}") from None
    if grace <= 0:
        raise ClusterOptionError("--node-monitor-grace-period: must be more than 0s")
    return Options(tuple(tls_san), grace)
