"""The channel protocols' messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.node.streaming import channels
from strongroom.node.streaming.channels import V1, V1_BASE64, V4, V4_BASE64, V5, Close, Data, Size


@given(st.integers(0, 4), st.binary(), st.sampled_from([V4, V5]))
def test_what_is_encoded_is_decoded(channel: int, data: bytes, protocol: str) -> None:
    assert channels.decode(channels.encode(channel, data), protocol) == Data(channel, data)


@given(st.integers(0, 4), st.binary(), st.sampled_from([V4_BASE64, V1_BASE64]))
def test_what_is_encoded_as_text_is_decoded(channel: int, data: bytes, protocol: str) -> None:
    message = channels.encode_text(channel, data)
    assert message.isascii()
    assert channels.decode(message.encode(), protocol) == Data(channel, data)


@pytest.mark.parametrize("message", ["x", "0a", "0a===", "0\N{BULLET}", "-1"])
def test_text_that_means_nothing(message: str) -> None:
    assert channels.decode(message.encode(), V4_BASE64) is None


def test_the_first_version_tells_failures_alone() -> None:
    failure = b'{"metadata":{},"status":"Failure","message":"no such thing","code":500}'
    success = b'{"metadata":{},"status":"Success"}'
    for protocol in (V1, V1_BASE64):
        assert channels.encode_result(failure, protocol) == b"no such thing"
        assert channels.encode_result(success, protocol) == b""
    for protocol in (V5, V4, V4_BASE64):
        assert channels.encode_result(success, protocol) == success


def test_closing_a_channel_is_v5_only() -> None:
    assert channels.encode_close(channels.STDIN) == b"\xff\x00"
    assert channels.decode(b"\xff\x00", V5) == Close(channels.STDIN)
    assert channels.decode(b"\xff\x00", V4) is None


@pytest.mark.parametrize("message", [b"", b"\x05x", b"\xfe\x00", b"\xff", b"\xff\x00\x00"])
def test_messages_that_mean_nothing(message: bytes) -> None:
    assert channels.decode(message, V5) is None


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["v4.channel.k8s.io", "v5.channel.k8s.io"], V5),
        (["channel.k8s.io", "v4.channel.k8s.io"], V4),
        (["base64.channel.k8s.io", "channel.k8s.io"], V1),
        (["base64.channel.k8s.io", "v4.base64.channel.k8s.io"], V4_BASE64),
        (["v9.channel.k8s.io"], None),
        ([], None),
    ],
)
def test_negotiation(offered: list[str], chosen: str | None) -> None:
    assert channels.negotiate(offered) == chosen


def test_size_of_a_terminal() -> None:
    assert channels.parse_size(b'{"Width":100,"Height":33}') == Size(100, 33)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"Width":1}',
        b'{"Width":0,"Height":9}',
        b'{"Width":65536,"Height":9}',
        b'{"Width":true,"Height":9}',
        b'{"Width":"1","Height":9}',
    ],
)
def test_sizes_that_make_no_sense(data: bytes) -> None:
    assert channels.parse_size(data) is None
