"""Entries: encoded once, spliced without parsing where possible, never empty in place of an error."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.store import entry, errors
from strongroom.store.entry import ADDED, DELETED, MODIFIED, CacheEvent, Entry
from strongroom.store.objects import Stored

HEAD = b'{"kind":"Secret","apiVersion":"v1",'
LAYOUT = entry.layout("/registry/secrets/", HEAD)
KEY = "/registry/secrets/ns/db"


def stored(data: bytes, revision: int = 42, **more: Any) -> Stored:
    return Stored(KEY, data, 7, revision, **more)


def secret(**metadata: Any) -> bytes:
    return orjson.dumps(
        {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "db", **metadata}, "data": {"a": "YQ=="}}
    )


def test_resource_version_is_spliced_in() -> None:
    made = entry.from_stored(LAYOUT, stored(secret()))
    assert made.item == b'{"metadata":{"resourceVersion":"42","name":"db"},"data":{"a":"YQ=="}}'
    assert made.body() == HEAD + made.item[1:]
    assert made.decode() == {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "42", "name": "db"},
        "data": {"a": "YQ=="},
    }
    assert list(made.decode())[:3] == ["kind", "apiVersion", "metadata"]
    assert (made.key, made.namespace, made.name) == (KEY, "ns", "db")
    assert (made.revision, made.create_revision, made.stale, made.error) == (42, 7, False, "")


def test_canonical_bytes_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(_: bytes) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr("strongroom.store.entry.orjson.loads", parse)
    assert not entry.from_stored(LAYOUT, stored(secret())).error


@pytest.mark.parametrize(
    "data",
    [
        b'{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"a":"YQ=="}}',
        b'{"data":{"a":"YQ=="},"kind":"Secret","metadata":{"name":"db"},"apiVersion":"v1"}',
        b'{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"},"data":{"a":"YQ=="}}\n',
        b'{ "kind":"Secret", "apiVersion":"v1", "metadata":{"name":"db"}, "data":{"a":"YQ=="}}',
        b'{"kind":"Secret","apiVersion":"v1","metadata":{ "name":"db"},"data":{"a":"YQ=="}}',
        b'{"kind":"Secret","apiVersion":"v1","metadata":{"resourceVersion":"9","name":"db"},"data":{"a":"YQ=="}}',
    ],
)
def test_other_spellings_come_out_the_same(data: bytes) -> None:
    made = entry.from_stored(LAYOUT, stored(data))
    assert made.item == b'{"metadata":{"resourceVersion":"42","name":"db"},"data":{"a":"YQ=="}}'


def test_empty_metadata() -> None:
    made = entry.from_stored(LAYOUT, stored(HEAD + b'"metadata":{}}'))
    assert made.decode()["metadata"] == {"resourceVersion": "42"}


def test_name_and_namespace_of_a_cluster_scoped_object() -> None:
    layout = entry.layout("/registry/minions/", b'{"kind":"Node","apiVersion":"v1",')
    made = Entry(layout, "/registry/minions/n1", 2, 2, b"{}")
    assert (made.namespace, made.name) == ("", "n1")


@settings(max_examples=50)
@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4),
    st.dictionaries(st.text(max_size=8), st.none() | st.text() | st.lists(st.integers(0, 9)), max_size=4),
    st.integers(2, 10**15),
    st.integers(2, 10**15),
)
def test_splice_agrees_with_parsing(
    metadata: dict[str, Any], rest: dict[str, Any], revision: int, later: int
) -> None:
    metadata.pop("resourceVersion", None)
    rest = {key: value for key, value in rest.items() if key not in ("kind", "apiVersion", "metadata")}
    data = orjson.dumps({"kind": "Secret", "apiVersion": "v1", "metadata": metadata, **rest})
    made = entry.from_stored(LAYOUT, stored(data, revision))
    assert orjson.loads(made.item) == {"metadata": {"resourceVersion": str(revision), **metadata}, **rest}
    moved = made.at(later)
    assert orjson.loads(moved.item) == {"metadata": {"resourceVersion": str(later), **metadata}, **rest}
    assert moved.revision == later


def test_decoded_copy_is_the_callers_own() -> None:
    made = entry.from_stored(LAYOUT, stored(secret()))
    made.decode()["data"]["a"] = "changed"
    assert made.decode()["data"]["a"] == "YQ=="


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"canary", "not JSON"),
        (b"k8s\0\n\x0b\n\x02v1", "not JSON"),
        (b"[]", "not an object with metadata"),
        (b'{"kind":"Secret","apiVersion":"v1"}', "not an object with metadata"),
        (b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}', "kind is not Secret"),
        (b'{"kind":"Secret","apiVersion":"v2","metadata":{}}', "apiVersion is not v1"),
    ],
)
def test_what_is_no_such_object_is_unreadable(data: bytes, reason: str) -> None:
    made = entry.from_stored(LAYOUT, stored(data))
    assert reason in made.error
    assert "canary" not in made.error
    assert (made.key, made.name, made.revision) == (KEY, "db", 42)


def test_nobody_takes_an_unreadable_entry_for_an_object() -> None:
    made = entry.from_stored(LAYOUT, stored(b"", stale=True, error="it does not open"))
    event = CacheEvent(MODIFIED, made, entry.from_stored(LAYOUT, stored(secret(), 41)), 42)
    readers: list[Callable[[], object]] = [
        lambda: made.item,
        made.body,
        made.decode,
        lambda: event.frame,
        lambda: made.at(43).item,
        lambda: entry.frame(ADDED, made),
    ]
    for read in readers:
        with pytest.raises(errors.Unreadable) as refused:
            read()
        assert (refused.value.key, refused.value.reason) == (KEY, "it does not open")
    assert (made.error, made.stale) == ("it does not open", True)


def test_values_do_not_print() -> None:
    made = entry.from_stored(LAYOUT, stored(secret(note="canary")))
    event = CacheEvent(ADDED, made, None, 42)
    assert repr(made) == "<Entry /registry/secrets/ns/db@42>"
    assert "canary" not in repr(event)


def test_frame_is_a_line_made_once() -> None:
    made = entry.from_stored(LAYOUT, stored(secret()))
    event = CacheEvent(ADDED, made, None, 42)
    assert event.frame == b'{"type":"ADDED","object":' + made.body() + b"}\n"
    assert event.frame is event.frame
    first = event.frame
    event.forget_frames()
    assert event.frame is not first and event.frame == first


def test_frames_under_another_type() -> None:
    old = entry.from_stored(LAYOUT, stored(secret(labels={"a": "1"}), 41))
    new = entry.from_stored(LAYOUT, stored(secret(labels={"a": "2"}), 42))
    event = CacheEvent(MODIFIED, new, old, 42)
    assert event.frame_as(ADDED) == b'{"type":"ADDED","object":' + new.body() + b"}\n"
    gone = orjson.loads(event.frame_as(DELETED))
    assert gone["type"] == "DELETED"
    assert gone["object"]["metadata"] == {"resourceVersion": "42", "name": "db", "labels": {"a": "1"}}


def test_deletion_shows_the_last_state_at_the_deletions_revision() -> None:
    old = entry.from_stored(LAYOUT, stored(secret(), 9))
    event = CacheEvent(DELETED, old.at(1000), old, 1000)
    assert orjson.loads(event.frame)["object"]["metadata"] == {"resourceVersion": "1000", "name": "db"}
    assert event.frame is event.frame_as(DELETED)
