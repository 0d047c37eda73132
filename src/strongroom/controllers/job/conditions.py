"""The conditions of a Job, and the reasons that upstream gives in them. Pure; times are passed in."""

from collections.abc import Iterable
from dataclasses import dataclass

from strongroom.machinery.gvk import Object

COMPLETE, FAILED, SUSPENDED = "Complete", "Failed", "Suspended"
FAILURE_TARGET, SUCCESS_MET = "FailureTarget", "SuccessCriteriaMet"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a Job ends."""

    reason: str
    message: str


BACKOFF = Verdict("BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = Verdict("DeadlineExceeded", "Job was active longer than specified deadline")
REACHED = Verdict("CompletionsReached", "Reached expected number of succeeded pods")


def find(held: Iterable[Object], type: str) -> Object | None:
    """The condition, if it is true."""
    return next((each for each in held if each["type"] == type and each.get("status") == "True"), None)


def finished(held: Iterable[Object]) -> Object | None:
    """The condition that says that the Job has ended."""
    held = list(held)
    return find(held, COMPLETE) or find(held, FAILED)


def make(type: str, status: str, verdict: Verdict, now: str) -> Object:
    return {
        "type": type,
        "status": status,
        "lastProbeTime": now,
        "lastTransitionTime": now,
        "reason": verdict.reason,
        "message": verdict.message,
    }


def put(held: list[Object], new: Object) -> list[Object]:
    """In the place of one of the same type, or after all others."""
    if all(each["type"] != new["type"] for each in held):
        return [*held, new]
    return [new if each["type"] == new["type"] else each for each in held]
