"""The protocol of authorizers, and their chain."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol

from strongroom.machinery.request_info import RequestInfo, UserInfo


class Decision(Enum):
    ALLOW = auto()
    DENY = auto()
    """No other authorizer is asked."""
    NO_OPINION = auto()


class Verdict(NamedTuple):
    """`reason`: why, for the 403's text and for audit; may be empty."""

    decision: Decision
    reason: str = ""


ALLOWED = Verdict(Decision.ALLOW)
NO_OPINION = Verdict(Decision.NO_OPINION)


class Authorizer(Protocol):
    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        """May `user` do this? Answers from memory, at once. Never raises."""
        ...


class Chain:
    """The first that allows or denies decides. If none does it is refused, with the reasons of all."""

    def __init__(self, authorizers: Sequence[Authorizer]) -> None:
        self._authorizers = tuple(authorizers)

    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        reasons: list[str] = []
        for authorizer in self._authorizers:
            verdict = authorizer.authorize(user, info)
            if verdict.decision is not Decision.NO_OPINION:
                return verdict
            if verdict.reason:
                reasons.append(verdict.reason)
        return Verdict(Decision.NO_OPINION, "\n".join(reasons))
