import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery import status
from strongroom.registry import continue_token

PREFIX = "/registry/secrets/"


@given(st.text(min_size=1).filter(lambda key: ".." not in key.split("/")), st.integers(1, 2**62))
def test_token_leads_behind_the_last_key(key: str, revision: int) -> None:
    token = continue_token.encode(PREFIX + key, PREFIX, revision)
    assert continue_token.decode(token, PREFIX) == (PREFIX + key + "\x00", revision)
    assert "=" not in token


def test_layout_is_upstreams() -> None:
    token = continue_token.encode("/registry/secrets/n/a", PREFIX, 57)
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert raw == b'{"v":"meta.k8s.io/v1","rv":57,"start":"n/a\\u0000"}'


def test_inconsistent_continuation() -> None:
    token = continue_token.encode(PREFIX + "a", PREFIX, continue_token.INCONSISTENT)
    assert continue_token.decode(token, PREFIX).revision == -1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"v":"v9","rv":1,"start":"a"}',
        b'{"v":"meta.k8s.io/v1","rv":0,"start":"a"}',
        b'{"v":"meta.k8s.io/v1","rv":-2,"start":"a"}',
        b'{"v":"meta.k8s.io/v1","rv":"1","start":"a"}',
        b'{"v":"meta.k8s.io/v1","rv":true,"start":"a"}',
        b'{"v":"meta.k8s.io/v1","rv":1,"start":""}',
        b'{"v":"meta.k8s.io/v1","rv":1,"start":"../pods/a"}',
        b'{"v":"meta.k8s.io/v1","rv":1,"start":7}',
    ],
)
def test_foreign_tokens(content: bytes) -> None:
    token = base64.urlsafe_b64encode(content).decode().rstrip("=")
    with pytest.raises(
        status.StatusError, match="invalid continue token: continue key is not valid: "
    ) as refused:
        continue_token.decode(token, PREFIX)
    assert refused.value.code == 400


def test_a_token_that_is_no_json() -> None:
    token = base64.urlsafe_b64encode(b"ix").decode().rstrip("=")
    with pytest.raises(status.StatusError) as refused:
        continue_token.decode(token, PREFIX)
    assert refused.value.message == (
        "invalid continue token: continue key is not valid: "
        "invalid character 'i' looking for beginning of value"
    )


@given(st.text())
def test_junk_is_refused_and_never_breaks(token: str) -> None:
    with pytest.raises(status.StatusError):
        continue_token.decode(token, PREFIX)
