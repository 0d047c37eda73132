"""The group that may do everything, whatever the rules say: the way back in."""

from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import ALLOWED, NO_OPINION, Verdict

GROUP = "system:masters"


class MastersAuthorizer:
    """Allows members of `system:masters` everything."""

    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        return ALLOWED if GROUP in user.groups else NO_OPINION
