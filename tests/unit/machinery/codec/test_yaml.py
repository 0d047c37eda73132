"""YAML as `sigs.k8s.io/yaml` reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.machinery.codec import yaml
from strongroom.machinery.codec.errors import DecodeError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text().filter(lambda k: k != "<<"), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: yes", True),
        ("a: Off", False),
        ("a: n", False),
        ("a: ~", None),
        ("a:", None),
        ("a: 0o17", 15),
        ("a: 017", 15),
        ("a: 0x1F", 31),
        ("a: 0b11", 3),
        ("a: 1_000", 1000),
        ("a: -5", -5),
        ("a: 1.5", 1.5),
        ("a: 1e3", 1000),
        ("a: 2026-01-02", "2026-01-02"),
        ("a: 089", 89),
        ("a: 'yes'", "yes"),
        ("a: !!str 12", "12"),
        ("a: !!binary aGk=", "hi"),
        ("a: 1.2.3", "1.2.3"),
        ("a: |\n  x\n  y\n", "x\ny\n"),
        ("a: &b [1, {c: 2}]", [1, {"c": 2}]),
    ],
)
def test_scalars_and_collections(text: str, value: object) -> None:
    assert yaml.decode(text.encode()) == ({"a": value}, [])


def test_keys_become_texts() -> None:
    assert yaml.decode(b"{1: a, true: b, 1.5: c}")[0] == {"1": "a", "true": "b", "1.5": "c"}


def test_merge_keys_give_way_to_the_map_itself() -> None:
    text = b"base: &b {p: 1, q: 2}\nmore: &m {q: 3, r: 4}\nout: {p: 0, <<: [*b, *m]}\n"
    assert yaml.decode(text)[0]["out"] == {"p": 0, "q": 2, "r": 4}


def test_repeated_keys_are_told_with_their_lines_and_the_last_wins() -> None:
    assert yaml.decode(b"a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") == (
        {"a": 3, "b": {"c": 2}},
        ['line 4: key "c" already set in map', 'line 5: key "a" already set in map'],
    )


def test_only_the_first_document_is_read() -> None:
    assert yaml.decode(b"a: 1\n---\nb: {\n")[0] == {"a": 1}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"a: b: c", "yaml: mapping values are not allowed in this context"),
        (b"x: 1\na: b: c", "yaml: line 2: mapping values are not allowed in this context"),
        (b"\ta: 1", "yaml: found character that cannot start any token"),
        (b"a: *b", "yaml: unknown anchor 'b' referenced"),
        (b"a: &b [*b]", "yaml: anchor 'b' value contains itself"),
        (b"a: !!binary '@'", "yaml: !!binary value contains invalid base64 data"),
        (b"a: .inf", "json: unsupported value: an infinity or NaN"),
        (b"[]: 1", "yaml: invalid map key"),
        (b"a: \x00", "yaml: control characters are not allowed"),
        (b"a: \xff", "yaml: control characters are not allowed"),
        (b"[" * 20_000, "yaml: exceeded max depth"),
    ],
)
def test_what_cannot_be_read(text: bytes, why: str) -> None:
    with pytest.raises(DecodeError) as caught:
        yaml.decode(text)
    assert str(caught.value) == why


def test_aliases_do_not_multiply_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(DecodeError, match="excessive aliasing"):
        yaml.decode("\n".join(lines).encode())


@given(st.binary(max_size=60) | st.text(alphabet="ab:-*&!<>|{}[]\"'#\n \t?,~0", max_size=40).map(str.encode))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    try:
        yaml.decode(data)
    except DecodeError as error:
        assert str(error)


@given(JSON_VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    assert yaml.decode(yaml.encode({"v": value}))[0] == {"v": value}
