"""What asking a container gave."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a probe decides. The value is how kubectl's messages and the fields of a container call it."""

    STARTUP = "startup"
    LIVENESS = "liveness"
    READINESS = "readiness"

    @property
    def field(self) -> str:
        """The field of a container that holds the probe."""
        return f"{self.value}Probe"

    @property
    def title(self) -> str:
        """How events call it."""
        return self.value.capitalize()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer. `text` says why, for an event; `foreign` if the container wrote it.

    `warning` is a success that somebody should look at.
    """

    success: bool
    text: str = ""
    warning: bool = False
    foreign: bool = False


class ProbeError(Exception):
    """It could not be asked at all. `str()` is for an event; `state` is what that says it resulted in."""

    def __init__(self, message: str, state: str = "unknown", *, foreign: bool = False) -> None:
        super().__init__(message)
        self.state = state
        self.foreign = foreign
