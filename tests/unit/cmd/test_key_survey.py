"""Stored values counted by key: which are stale, which do not open, and again when history goes meanwhile."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import pytest

from strongroom.cmd import key_survey
from strongroom.encryption import envelope, prefixed
from strongroom.encryption.identity import IdentityTransformer
from strongroom.encryption.keyring import Keyring
from strongroom.encryption.transformer import Transformer
from strongroom.store import errors
from strongroom.store.engine import DurableEngine, KeyValue

OLD, NEW = bytes(32), bytes(range(32))


def transformer(**keys: bytes) -> Transformer:
    return prefixed.PrefixedTransformer([envelope.EnvelopeTransformer(Keyring(keys), "strongroom")])


def rows(made: Transformer, *keys: str) -> list[KeyValue]:
    return [KeyValue(key, made.to_storage(b"x", key.encode()), 2, 2) for key in keys]


class Store:
    """What of an engine is asked; history goes at the first `compacted` readings."""

    def __init__(self, pages: Callable[[str], Sequence[Sequence[KeyValue]]], compacted: int = 0) -> None:
        self._pages = pages
        self._compacted = compacted
        self.readings = 0

    async def stored(self, prefix: str) -> AsyncIterator[Sequence[KeyValue]]:
        self.readings += 1
        for page in self._pages(prefix):
            yield page
            if self.readings <= self._compacted:
                raise errors.Compacted(7, 9)


async def survey(store: Store, *, opened: bool = True, **keys: bytes) -> tuple[key_survey.Values, list[int]]:
    told: list[int] = []
    used = {"/a/": transformer(**keys), "/b/": transformer(**keys)}
    found = await key_survey.survey(cast(DurableEngine, store), used, opened=opened, report=told.append)
    return found, told


def both(prefix: str) -> Sequence[Sequence[KeyValue]]:
    old, new = transformer(old=OLD), transformer(new=NEW)
    return [rows(new, f"{prefix}1", f"{prefix}2"), rows(old, f"{prefix}3")]


async def test_values_of_every_prefix_and_page_are_counted_by_key() -> None:
    found, told = await survey(Store(both), new=NEW, old=OLD)
    assert (found.rows, found.values, found.unreadable, found.named) == (6, 6, 0, [])
    assert found.keys == {"kms/strongroom/new": 4, "kms/strongroom/old": 2}
    assert found.stale == {"kms/strongroom/old": 2}
    assert told == [2, 3, 5, 6]


async def test_what_does_not_open_is_counted_and_named_and_is_not_stale() -> None:
    found, _ = await survey(Store(both), new=NEW)
    assert (found.values, found.unreadable, found.named) == (6, 2, ["/a/3", "/b/3"])
    assert not found.stale and found.keys["kms/strongroom/old"] == 2


async def test_a_value_of_another_key_by_its_name_does_not_open() -> None:
    def moved(prefix: str) -> Sequence[Sequence[KeyValue]]:
        return [[row._replace(key=f"{prefix}moved") for row in rows(transformer(new=NEW), f"{prefix}1")]]

    found, _ = await survey(Store(moved), new=NEW)
    assert found.named == ["/a/moved", "/b/moved"]


async def test_only_the_first_that_do_not_open_are_named() -> None:
    def many(prefix: str) -> Sequence[Sequence[KeyValue]]:
        return [rows(transformer(old=OLD), *(f"{prefix}{number:02}" for number in range(15)))]

    found, _ = await survey(Store(many), new=NEW)
    assert (found.unreadable, len(found.named)) == (30, key_survey.NAMED)
    assert found.named[-1] == "/b/04"


async def test_counting_alone_opens_nothing() -> None:
    found, _ = await survey(Store(both), opened=False, new=NEW)
    assert (found.values, found.unreadable, found.stale) == (6, 0, {})
    assert found.keys == {"kms/strongroom/new": 4, "kms/strongroom/old": 2}


async def test_plain_values_are_found_and_never_open() -> None:
    def plain(prefix: str) -> Sequence[Sequence[KeyValue]]:
        return [rows(IdentityTransformer(), f"{prefix}1")]

    found, _ = await survey(Store(plain), new=NEW)
    assert (found.keys, found.unreadable) == ({"plain": 2}, 2)


@pytest.mark.parametrize("compacted", [1, key_survey.TRIES - 1])
async def test_history_that_goes_meanwhile_is_read_anew_and_nothing_counted_twice(compacted: int) -> None:
    store = Store(both, compacted)
    found, _ = await survey(store, new=NEW, old=OLD)
    assert (found.rows, found.values) == (6, 6) and found.stale.total() == 2
    assert store.readings == compacted + 2


async def test_history_that_goes_each_time_is_an_error() -> None:
    store = Store(both, key_survey.TRIES)
    with pytest.raises(errors.Compacted):
        await survey(store, new=NEW)
    assert store.readings == key_survey.TRIES
