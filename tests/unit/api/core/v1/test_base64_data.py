"""base64 as Go reads and writes it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api import resources
from strongroom.api.core.v1 import base64_data
from strongroom.machinery.status import StatusError


@pytest.mark.parametrize(
    ("value", "offset"),
    [
        ("not base64", 3),
        ("a", 0),
        ("abcda", 4),
        ("abcdab", 4),
        ("ab", 0),
        ("ab=", 3),
        ("ab=c", 2),
        ("a===", 1),
        ("=", 0),
        ("abcd=", 4),
        ("abc=x", 4),
        ("ab==x", 4),
        ("ab==\nx", 5),
        ("é", 0),
        ("abcdé", 4),
        ("ab-_", 2),
        ("a\nb", 1),
        ("ab=\n", 4),
    ],
)
def test_where_it_is_not_base64(value: str, offset: int) -> None:
    with pytest.raises(StatusError) as caught:
        base64_data.normalize({"k": value}, resources.SECRETS)
    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")
    assert str(caught.value) == (
        f'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte {offset}'
    )


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ("", ""),
        (None, ""),
        ("dg==", "dg=="),
        ("dh==", "dg=="),
        ("dmE=", "dmE="),
        ("dmF=", "dmE="),
        ("dm\nE=\r\n", "dmE="),
        ("\n", ""),
        ("dg=\n=", "dg=="),
    ],
)
def test_what_go_reads_comes_out_canonical(value: str | None, canonical: str) -> None:
    data = {"k": value}
    base64_data.normalize(data, resources.SECRETS)
    assert data == {"k": canonical}


def test_the_first_bad_value_counts() -> None:
    with pytest.raises(StatusError, match="input byte 2"):
        base64_data.normalize({"a": "YQ==", "b": "xx!", "c": "!"}, resources.SECRETS)


@given(st.binary(max_size=40))
def test_round_trip(value: bytes) -> None:
    text = base64_data.encode(value)
    assert text == base64.b64encode(value).decode()
    assert base64_data.decode(text) == value
    assert base64_data.size(text) == len(value)
    assert base64_data.corrupt_at(text.encode()) is None
    data = {"k": text}
    base64_data.normalize(data, resources.SECRETS)
    assert data == {"k": text}


@given(st.text("AZaz09+/=\n-", max_size=12))
def test_what_is_read_is_what_the_checker_allows(value: str) -> None:
    data = {"k": value}
    if base64_data.corrupt_at(value.encode()) is None:
        base64_data.normalize(data, resources.SECRETS)
        assert base64_data.encode(base64_data.decode(data["k"])) == data["k"]
    else:
        with pytest.raises(StatusError):
            base64_data.normalize(data, resources.SECRETS)
