"""What is counted of authentication and authorization.

Plain ints, since it happens for every request; names of users are kept to count them, and none but a few that
Kubernetes gives is told.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from strongroom.telemetry.metrics import Family, Histogram

SECONDS: Final = tuple(0.001 * 2**n for n in range(15))
"""Bounds of kube-apiserver's `authentication_duration_seconds`."""
EVERY: Final = 64
"""One of so many attempts is timed."""
_KNOWN: Final = frozenset(
    ("admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default")
)
_EMAIL, _OTHER = "email_id", "other"
_USERS_MAX: Final = 4096


class Attempts:
    """Of authentication, with one result. To look at the clock takes as long as most of them do: so some are
    timed, and stand for the others.

    All of them are look-ups in memory, in the first range, unless a timed one was seen not to be. `waited`:
    those that had to wait for something, each with its own time."""

    __slots__ = ("timed", "waited")

    def __init__(self) -> None:
        self.timed = Histogram(SECONDS)
        self.waited = Histogram(SECONDS)

    def told(self, number: int) -> Histogram:
        """Of so many, those that waited included."""
        told, timed = Histogram(SECONDS), self.timed
        alike = number - sum(self.waited.counts)
        longer = timed.counts[1:]
        told.counts = [alike - sum(longer), *longer]
        told.total = timed.total / max(1, sum(timed.counts)) * alike
        told.add(self.waited)
        return told


class AccessCounts:
    """`users`: requests by the name of who sent them, to be counted in by `users[name] += 1`, and for who is
    not in there by `first`. `failures`: of those who are nobody. The others: decisions on who may; `allowed`
    is asked for them."""

    __slots__ = ("allowed", "denied", "failed", "failures", "no_opinion", "succeeded", "users")

    def __init__(self) -> None:
        self.users: dict[str, int] = {}
        self.failures = 0
        self.succeeded = Attempts()
        self.failed = Attempts()
        self.allowed: Callable[[], int] = lambda: 0
        self.denied = 0
        self.no_opinion = 0

    def first(self, name: str) -> None:
        """A request of a user who is not counted yet. Whoever has an issuer of tokens can make up users
        without end, so not all are remembered."""
        if len(self.users) >= _USERS_MAX:
            told = self._told()
            self.users.clear()
            self.users.update(told)
        self.users[name] = self.users.get(name, 0) + 1

    def _told(self) -> Counter[str]:
        told: Counter[str] = Counter()
        for name, number in self.users.items():
            told[_shown(name)] += number
        return told

    def families(self) -> Iterator[Family]:
        results = [
            (result, attempts.told(number), number)
            for result, attempts, number in (
                ("failure", self.failed, self.failures),
                ("success", self.succeeded, sum(self.users.values())),
            )
        ]
        yield Family(
            "counter",
            "authenticated_user_requests",
            "[ALPHA] Counter of authenticated requests broken out by username.",
            ("username",),
            [((name,), number) for name, number in sorted(self._told().items())],
        )
        yield Family(
            "counter",
            "authentication_attempts",
            "[ALPHA] Counter of authenticated attempts.",
            ("result",),
            [((result,), number) for result, _, number in results if number],
        )
        yield Family(
            "histogram",
            "authentication_duration_seconds",
            "[ALPHA] Authentication duration in seconds broken out by result.",
            ("result",),
            [((result,), taken) for result, taken, number in results if number],
        )
        decided = {"allowed": self.allowed(), "denied": self.denied, "no-opinion": self.no_opinion}
        yield Family(
            "counter",
            "authorization_attempts_total",
            "[ALPHA] Counter of authorization attempts broken down by result. It can be either 'allowed', "
            "'denied', 'no-opinion' or 'error'.",
            ("result",),
            [((result,), number) for result, number in decided.items() if number],
        )


def _shown(name: str) -> str:
    """As kube-apiserver shows a user. What it shows is shown as itself."""
    if name in _KNOWN or name in (_EMAIL, _OTHER):
        return name
    return _EMAIL if "@" in name else _OTHER
