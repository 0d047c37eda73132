"""Where the keys of a prefix end."""

import pytest

from strongroom.store.engine import end_of


@pytest.mark.parametrize("prefix", ["/registry/secrets/", "/a", "/é", ""])
def test_the_end_sorts_behind_all_that_begin_with_the_prefix(prefix: str) -> None:
    end = end_of(prefix)
    for key in (prefix + "/", prefix + "/registry/\U0010ffff", prefix + "z\U0010ffff\U0010ffff"):
        assert key < end and key.encode() < end.encode()
    assert not end.startswith(prefix) or not prefix
