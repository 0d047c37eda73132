import base64
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from strongroom.testing import canary

VALUE = "canary-0123456789abcdef"


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_found_inside_anything_that_was_encoded(before: bytes, after: bytes) -> None:
    whole = before + VALUE.encode() + after
    for encoded in (whole, base64.b64encode(whole), base64.urlsafe_b64encode(whole), whole.hex().encode()):
        assert canary.in_bytes(encoded[::-1], [VALUE])
        assert canary.in_bytes(encoded, [VALUE])


@given(st.binary(max_size=300))
def test_not_found_where_it_is_not(data: bytes) -> None:
    assert not canary.in_bytes(data, [VALUE])


def test_files_are_searched_at_every_depth(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "guilty").write_bytes(b"\0" * 5000 + base64.b64encode(b"xy" + VALUE.encode()))
    (tmp_path / "innocent").write_text("canary-")
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("a/b/guilty")
    assert canary.in_files(tmp_path, [VALUE]) == [tmp_path / "a" / "b" / "guilty"]
