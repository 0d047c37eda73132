import pytest

from strongroom.machinery.request_info import UserInfo
from strongroom.server.authentication.token_file import TokenAuthenticator

JANE = UserInfo("jane")
AUTHENTICATOR = TokenAuthenticator({"s3cr3t": JANE, "": UserInfo("empty")})


@pytest.mark.parametrize(
    "value", [b"Bearer s3cr3t", b"bearer s3cr3t", b"BEARER  s3cr3t ", b"bearer   s3cr3t", b"Bearer  s3cr3t"]
)
def test_known_token(value: bytes) -> None:
    assert AUTHENTICATOR.authenticate({b"authorization": value}, "/") == JANE


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Bearer",
        b"Bearer other",
        b"Basic s3cr3t",
        b"s3cr3t",
        b"Bearer s3cr3tx",
        b"Bearer s3cr3",
        b"Bearer\ts3cr3t",
        b"bearer \ts3cr3t",
        b"Bearer s3cr3t\t",
        b"Bearer s3cr3t x",
        b"Bearer s3cr3t, Bearer s3cr3t",
        b"Bearer S3CR3T",
        b"\0",
    ],
)
def test_unknown_credential(value: bytes) -> None:
    assert AUTHENTICATOR.authenticate({b"authorization": value}, "/") is None


def test_empty_token_is_nobodys() -> None:
    for value in (b"Bearer ", b"bearer "):
        assert AUTHENTICATOR.authenticate({b"authorization": value}, "/") is None


def test_no_header() -> None:
    assert AUTHENTICATOR.authenticate({}, "/") is None


def test_tokens_are_not_kept() -> None:
    assert "s3cr3t" not in repr(vars(AUTHENTICATOR))
