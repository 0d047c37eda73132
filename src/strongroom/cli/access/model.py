"""What is known of a cluster, and what is found: who can obtain a Secret, by which ways."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from strongroom.cli.access.grants import Grant, Subject
from strongroom.machinery.gvk import Object

MASTERS: Final = Subject("Group", "", "system:masters")
BOOTSTRAPPERS: Final = Subject("Group", "", "system:bootstrappers")
"""Everyone who holds a bootstrap token."""


class TokenSecret(NamedTuple):
    """A Secret with a token of `of`."""

    namespace: str
    name: str
    of: Subject


@dataclass(frozen=True, slots=True)
class State:
    """What the answer rests on. `accounts`: all ServiceAccounts; `pods`: those of the Secret's namespace.

    `tokens`: Secrets that hold a token, as far as they may be listed."""

    namespace: str
    name: str
    grants: Sequence[Grant]
    accounts: Sequence[Subject] = ()
    pods: Sequence[Object] = ()
    tokens: Sequence[TokenSecret] = ()


class Way(NamedTuple):
    """`kind`: read, create-pod, create-workload, exec, debug, proxy, impersonate, token, token-secret,
    run-as, escalate, bind, join, node or masters. `detail` says it in words; `via`: the binding that allows
    it, "" where none is needed. `through`: the subject that is acted as."""

    kind: str
    detail: str
    via: str = ""
    through: Subject | None = None

    @property
    def direct(self) -> bool:
        return self.kind in ("read", "masters")


@dataclass(slots=True)
class Holder:
    """A subject that can obtain the value."""

    subject: Subject
    ways: list[Way] = field(default_factory=list)

    @property
    def direct(self) -> bool:
        return any(way.direct for way in self.ways)
