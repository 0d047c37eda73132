from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery import status
from strongroom.server import negotiation
from strongroom.server.negotiation import PLAIN, Form
from strongroom.server.request import Request


def _choose(accept: bytes, query: bytes = b"", agent: bytes = b"") -> Form:
    async def never(*_: Any) -> Any:
        raise AssertionError

    headers = [(b"accept", accept), (b"user-agent", agent)]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": headers}
    return negotiation.choose(Request(scope, never, never))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (b"", PLAIN),
        (b"*/*", PLAIN),
        (b"application/json", PLAIN),
        (b" application/json ; charset=utf-8", PLAIN),
        (b"application/vnd.kubernetes.protobuf, application/json", PLAIN),
        (b"application/yaml, application/json", Form(yaml=True)),
        (b"application/json;q=0, application/yaml", Form(yaml=True)),
        (b"application/json;as=Table;v=v1;g=meta.k8s.io", Form(False, "Table", "meta.k8s.io/v1")),
        (b"application/json;as=Table;v=v2;g=meta.k8s.io,application/json", PLAIN),
        (b"application/json;as=Table;v=v1;g=other,application/json", PLAIN),
        (b"application/json;stream=watch", PLAIN),
        (b"application/cbor;stream=watch,application/json", PLAIN),
    ],
)
def test_first_clause_that_can_be_met(accept: bytes, form: Form) -> None:
    assert _choose(accept) == form
    assert _choose(accept) == form


@pytest.mark.parametrize(
    "accept", [b"text/html", b"application/json;as=Table;v=v9;g=meta.k8s.io", b"image/*"]
)
def test_nothing_acceptable(accept: bytes) -> None:
    for _ in range(2):
        with pytest.raises(status.StatusError) as refused:
            _choose(accept)
        assert refused.value.code == 406


def test_indentation_for_people() -> None:
    assert _choose(b"", agent=b"curl/8.0").pretty
    assert not _choose(b"", b"pretty=0", b"curl/8.0").pretty
    assert _choose(b"", b"pretty=1").pretty
    assert not _choose(b"", b"limit=1").pretty
    assert not _choose(b"", b"limit=1").yaml


@given(st.binary(max_size=60))
def test_any_header_is_answered_or_refused(accept: bytes) -> None:
    try:
        assert isinstance(_choose(accept), Form)
    except status.StatusError as refused:
        assert refused.code == 406


def test_what_is_remembered_is_bounded() -> None:
    for number in range(2 * negotiation._REMEMBERED):
        _choose(b"application/json;x=%d" % number)
    assert len(negotiation._forms) <= negotiation._REMEMBERED
