"""Users and their tokens in a file, as kube-apiserver takes them."""

import logging
from pathlib import Path

import pytest

from strongroom.cmd import token_auth_file
from strongroom.cmd.token_auth_file import TokenFileError
from strongroom.machinery.request_info import UserInfo

EVERYONE = ("system:authenticated",)


def write(tmp_path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "tokens.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def test_records_are_users_with_their_groups(tmp_path: Path) -> None:
    content = 't0ken-ann,ann,uid-1,"dev,ops"\n\n"t0ken-bob",bob,\nt0ken-cy,cy,3,one,more\n'
    assert token_auth_file.load(write(tmp_path, content)) == {
        "t0ken-ann": UserInfo("ann", "uid-1", ("dev", "ops", *EVERYONE)),
        "t0ken-bob": UserInfo("bob", "", EVERYONE),
        "t0ken-cy": UserInfo("cy", "3", ("one", *EVERYONE)),
    }


def test_a_byte_order_mark_and_line_ends_of_windows_do_not_matter(tmp_path: Path) -> None:
    assert token_auth_file.load(write(tmp_path, b"\xef\xbb\xbfabc,ann,1\r\n")) == {
        "abc": UserInfo("ann", "1", EVERYONE)
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "c4nary,ann,1\nc4nary\n",
            "must have at least 3 columns (token, user name, user uid), found 1 in record number '2'",
        ),
        ("c4nary,ann\n", "found 2 in record number '1'"),
        ('"c4nary,ann,1\n', 'parse error on line 1: extraneous or missing " in quoted-field'),
        ('"c4nary"x,ann,1\n', 'parse error on line 1: extraneous or missing " in quoted-field'),
        ("c4nary x,ann,1\n", "record number '1': the token has characters"),
        ("c4naré,ann,1\n", "record number '1': the token has characters"),
        ("c4nary\t,ann,1\n", "record number '1': the token has characters"),
        ("c4nary,,1\n", "record number '1': the user name is empty"),
        (b"c4nary,\xff,1\n", "is not UTF-8"),
        (b"c4nary," * 700_000, "is larger than 4 MiB"),
    ],
)
def test_a_bad_record_is_named_and_its_token_is_not_told(
    tmp_path: Path, content: str | bytes, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(TokenFileError) as refused:
        token_auth_file.load(path)
    assert problem in str(refused.value) and str(path) in str(refused.value)
    assert "c4nar" not in str(refused.value) + caplog.text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(TokenFileError, match="chmod 600"):
        token_auth_file.load(write(tmp_path, "a,b,c\n", mode))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match=r"nowhere.*No such file"):
        token_auth_file.load(tmp_path / "nowhere")


def test_empty_and_repeated_tokens_are_warned_of_without_a_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    users = token_auth_file.load(write(tmp_path, ",nobody,1\nc4nary,ann,1\nc4nary,bob,2\n"))
    assert users == {"c4nary": UserInfo("bob", "2", EVERYONE)}
    assert "empty token has been found" in caplog.text and "record number '1'" in caplog.text
    assert "duplicate token has been found" in caplog.text and "record number '3'" in caplog.text
    assert "c4nary" not in caplog.text
