from strongroom.machinery.request_info import UserInfo
from strongroom.server.authentication.anonymous import AnonymousAuthenticator
from strongroom.server.authentication.authenticator import Chain
from strongroom.server.authentication.token_file import TokenAuthenticator
from strongroom.server.request import ANONYMOUS


def test_first_that_knows_the_sender() -> None:
    jane = UserInfo("jane")
    chain = Chain((TokenAuthenticator({"t": jane}), AnonymousAuthenticator()))
    assert chain.authenticate({b"authorization": b"Bearer t"}, "/version") == jane
    assert chain.authenticate({}, "/version") == ANONYMOUS
    assert chain.authenticate({}, "/api") is None
    assert chain.authenticate({b"authorization": b"Bearer x"}, "/version") is None
