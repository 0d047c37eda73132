"""What a caller may ask of a registry beside the object itself. Parsed and checked by the server."""

from dataclasses import dataclass

from strongroom.machinery import selectors
from strongroom.machinery.selectors import FieldSelector, LabelSelector


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Kubernetes' ListOptions for a list, checked as a combination."""

    labels: LabelSelector = selectors.EVERYTHING
    fields: FieldSelector = selectors.ALL_FIELDS
    limit: int = 0
    continue_token: str = ""
    resource_version: int | None = None
    """None: the newest state, proven. 0: any."""
    exact: bool = False
    """The state at `resource_version` itself, not a newer one."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Kubernetes' ListOptions for a watch."""

    labels: LabelSelector = selectors.EVERYTHING
    fields: FieldSelector = selectors.ALL_FIELDS
    resource_version: int | None = None
    """Events after this revision. None and 0: from the current state."""
    initial_events: bool = True
    """Without a revision to go on from: begin with what is there, as ADDED events."""
    initial_state: bool = False
    """`sendInitialEvents=true`: begin with what is there; a revision that is given is a minimum."""


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """Kubernetes' DeleteOptions. None and "": not given."""

    grace_period_seconds: int | None = None
    uid: str = ""
    resource_version: str = ""
    propagation_policy: str = ""
    orphan_dependents: bool | None = None
    dry_run: bool = False
