"""A whole store into an empty etcd: beyond the revisions that were, again after it was cut short."""

from collections.abc import Iterator

import pytest

from strongroom.store import errors
from strongroom.store.engine import KeyValue
from strongroom.store.engines.etcd import load
from strongroom.store.engines.etcd.endpoint import MIGRATION, parse
from strongroom.store.engines.etcd.engine import EtcdEngine
from strongroom.store.engines.etcd.load import Loading
from strongroom.testing import etcd as etcds
from strongroom.testing.engine_contract.base import running, watching
from strongroom.testing.etcd import Etcd

pytestmark = pytest.mark.skipif(bool(etcds.missing()), reason=etcds.missing())

ROWS = [KeyValue(f"/registry/a/{number:03}", b"%d" % number, 2, 2 + number, 1) for number in range(500)]


@pytest.fixture
def etcd() -> Iterator[Etcd]:
    with Etcd() as one:
        yield one


def loading(etcd: Etcd, source: str = "one") -> Loading:
    return Loading(parse(etcd.url), source, lambda *_: None)


async def test_all_is_there_beyond_the_revision_and_older_ones_are_compacted(etcd: Etcd) -> None:
    last = await loading(etcd).load(ROWS, 900)
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        found = await engine.range("/registry/")
        assert {kv.key: kv.value for kv in found.items} == {kv.key: kv.value for kv in ROWS}
        assert min(kv.mod_revision for kv in found.items) > 900
        assert await engine.current_revision() == last > 900 + len(ROWS)
        assert await engine.get(MIGRATION) is None
        for past in (2, 900, last - 2):
            with pytest.raises(errors.Compacted):
                async with watching(engine, "/registry/", past) as events:
                    await anext(events)


async def test_what_was_cut_short_goes_on_with_the_same_source_alone(
    etcd: Etcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Loading._create

    async def ends(self: Loading, kv: KeyValue) -> None:
        if kv.key.endswith("300"):
            raise errors.Unavailable("the power went")
        await whole(self, kv)

    monkeypatch.setattr(Loading, "_create", ends)
    with pytest.raises(errors.Unavailable, match="the power went"):
        await loading(etcd).load(ROWS, 600)
    monkeypatch.setattr(Loading, "_create", whole)
    with pytest.raises(errors.Unavailable, match="an unfinished migration of another store"):
        await loading(etcd, "other").load(ROWS, 600)
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        assert 0 < len((await engine.range("/registry/")).items) < len(ROWS)
    await loading(etcd).load(ROWS, 600)
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        found = await engine.range("/registry/")
        assert len(found.items) == len(ROWS) and min(kv.mod_revision for kv in found.items) > 600
    with pytest.raises(errors.Unavailable, match="the etcd is not empty"):
        await loading(etcd).load(ROWS, 600)


async def test_writes_of_others_are_found_out(etcd: Etcd) -> None:
    mark = Loading(parse(etcd.url), "one", lambda *_: None)
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        await engine.create(MIGRATION, mark._mark)
        strange = await engine.create("/registry/a/000", b"of another")
        with pytest.raises(errors.Unavailable, match="somebody else has written /registry/a/000"):
            await loading(etcd).load(ROWS, 0)
        await engine.delete("/registry/a/000", strange)
        await engine.create("/registry/zzz", b"of another")
        with pytest.raises(errors.Unavailable, match="/registry/zzz is not what was written"):
            await loading(etcd).load(ROWS, 0)
        assert await engine.get(MIGRATION) is not None


async def test_a_revision_too_far_away_is_refused(etcd: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.Unavailable, match="--new-revisions"):
        await loading(etcd).load(ROWS, 2 * load.FEASIBLE)
    await loading(etcd).load(ROWS, 0)
    async with running(lambda: EtcdEngine(parse(etcd.url))) as engine:
        assert await engine.current_revision() < 2000
