"""JSON decoding and its repeated keys."""

import json as stdlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.codec import json
from strongroom.machinery.codec.errors import DecodeError

KEYS = st.sampled_from(["a", "b", 'q":', "\\", "c:d", " :"])
TREES = st.recursive(
    st.none() | st.integers(0, 9) | st.sampled_from(['x":', "\\", ":", ":x", 'deep "k": 1']),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=3).map(json.Pairs),
    max_leaves=12,
)


def text_of(tree: object, spaced: str = "") -> str:
    if isinstance(tree, json.Pairs):
        return "{" + ",".join(f"{stdlib.dumps(k)}{spaced}:{text_of(v, spaced)}" for k, v in tree) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(text_of(item, spaced) for item in tree) + "]"
    return stdlib.dumps(tree)


def count_keys(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(count_keys(item) for item in value.values())
    return sum(count_keys(item) for item in value) if isinstance(value, list) else 0


@given(TREES, st.sampled_from(["", " ", "\n", "\t\r"]), st.booleans(), st.integers(0, 3))
def test_no_repeated_key_goes_unseen(tree: object, spaced: str, escaped: bool, unseen: int) -> None:
    text = text_of(tree, spaced).encode()
    if escaped:
        text = text.replace(b":x", b"\\u003Ax").replace(b"c:d", b"c\\u003ad")
    decoded = json.decode(text)
    if json.duplicates(text):
        assert json.may_repeat_keys(text, max(0, count_keys(decoded) - unseen), decoded)
    elif b"\\u003" not in text:
        assert not json.may_repeat_keys(text, count_keys(decoded), decoded)


def test_the_suspicion_is_rare() -> None:
    text = b'{"metadata":{"annotations":{"last":"{\\"a\\":{\\"b\\":\\"http://x\\"}}"}},"image":"r.example:5000/\\u003cx\\u003e"}'
    assert not json.may_repeat_keys(text, 4, json.decode(text))


def test_what_is_too_deep_to_be_encoded_is_suspect() -> None:
    text = b'{"a":' * 300 + b'":"' + b"}" * 300
    assert json.may_repeat_keys(text, 300, json.decode(text))


def test_paths_of_repeated_keys_in_the_order_of_the_text() -> None:
    text = b'{"b":1,"a":[{"x":1,"x":2}],"b":2,"m":{"k":1,"k":2,"k":3}}'
    assert json.duplicates(text) == ["a[0].x", "b", "m.k"]


def test_a_repeated_object_is_filled_into_the_earlier_one() -> None:
    pairs = json.decode_pairs(
        b'{"data":{"a":1,"c":{"x":1}},"data":{"b":2,"a":3,"c":{"y":2}},"l":[{"k":1,"k":2}]}'
    )
    assert json.merged(pairs) == {"data": {"a": 3, "b": 2, "c": {"x": 1, "y": 2}}, "l": [{"k": 2}]}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a":"\xff"}', "invalid UTF-8 in string literal"),
        (b'{"a":"\\ud800"}', "invalid Unicode in string literal"),
        (b"[" * 5000 + b"]" * 5000, "exceeded max depth"),
        (b"{", "unexpected end of JSON input"),
        (b"[NaN]", "invalid character 'N' looking for beginning of value"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(DecodeError) as caught:
        json.decode(body)
    assert str(caught.value) == why


@given(st.binary(max_size=40))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    try:
        json.decode(data)
    except DecodeError as error:
        assert str(error)


def test_a_number_beyond_64_bits_among_repeated_keys_can_be_written_again() -> None:
    numbers = b'"a":%b,"b":-%b,"c":18446744073709551615,"d":-9223372036854775808' % (b"9" * 30, b"9" * 300)
    text = b'{"a":1,%b}' % numbers
    value = json.merged(json.decode_pairs(text))
    assert value == {"a": 1e30, "b": -1e300, "c": 2**64 - 1, "d": -(2**63)}
    assert json.decode(json.encode(value)) == value == json.decode(text)
