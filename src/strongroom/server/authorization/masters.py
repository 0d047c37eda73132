"""The group that may do everything, whatever the rules say: the way back in."""

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import ALLOWED, NO_OPINION, Verdict
from strongroom.server.authorization.rules import ALL, Rule

GROUP = "system:masters"
EVERYTHING = (Rule((ALL,), (ALL,), (ALL,)), Rule((ALL,), paths=(ALL,)))


class MastersAuthorizer:
    """Allows members of `system:masters` everything."""

    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        return ALLOWED if GROUP in user.groups else NO_OPINION

    def rules(self, user: UserInfo, namespace: str) -> tuple[list[Rule], list[str]]:
        """All of it, or nothing."""
        return (list(EVERYTHING), []) if GROUP in user.groups else ([], [])
