from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.server.authorization.authorizer import ALLOWED, NO_OPINION, Chain, Decision, Verdict
from strongroom.server.authorization.masters import MastersAuthorizer

INFO = RequestInfo(True, "get", "/x")


class Fixed:
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked = 0

    def authorize(self, user: UserInfo, info: RequestInfo) -> Verdict:
        self.asked += 1
        return self.verdict


def test_first_that_decides_is_the_last_that_is_asked() -> None:
    for verdict in (ALLOWED, Verdict(Decision.DENY, "no")):
        first, second, third = Fixed(NO_OPINION), Fixed(verdict), Fixed(ALLOWED)
        assert Chain((first, second, third)).authorize(UserInfo("x"), INFO) == verdict
        assert (first.asked, second.asked, third.asked) == (1, 1, 0)


def test_nobody_allows_and_all_reasons_are_told() -> None:
    chain = Chain(
        (
            Fixed(Verdict(Decision.NO_OPINION, "a")),
            Fixed(NO_OPINION),
            Fixed(Verdict(Decision.NO_OPINION, "b")),
        )
    )
    assert chain.authorize(UserInfo("x"), INFO) == Verdict(Decision.NO_OPINION, "a\nb")


def test_masters() -> None:
    authorizer = MastersAuthorizer()
    assert authorizer.authorize(UserInfo("x", groups=("a", "system:masters")), INFO) == ALLOWED
    assert authorizer.authorize(UserInfo("system:masters", groups=("a",)), INFO) == NO_OPINION
