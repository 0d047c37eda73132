"""Every engine keeps the contract, bare and behind an ObjectStore that encrypts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.encryption import envelope, keyring
from strongroom.encryption.transformer import Transformer
from strongroom.store import errors
from strongroom.store.engine import Engine
from strongroom.store.engines.memory import MemoryEngine
from strongroom.store.engines.sqlite import SQLiteEngine
from strongroom.testing.engine_contract import EngineContract, OpenEngine
from strongroom.testing.engine_contract.base import running
from strongroom.testing.engine_over_cache import EngineOverCache
from strongroom.testing.engine_over_objects import EngineOverObjects


@pytest.fixture
def transformers() -> dict[str, Transformer]:
    return {"/registry/": envelope.EnvelopeTransformer(keyring.Keyring({"k": bytes(range(32))}))}


class TestMemory(EngineContract):
    durable = False

    @pytest.fixture
    def open_engine(self) -> OpenEngine:
        return MemoryEngine


class TestMemoryEncrypted(EngineContract):
    durable = False
    versions = False

    @pytest.fixture
    def open_engine(self, transformers: dict[str, Transformer]) -> OpenEngine:
        return lambda: EngineOverObjects(MemoryEngine(), transformers)


class TestSQLite(EngineContract):
    @pytest.fixture
    def open_engine(self, tmp_path: Path) -> OpenEngine:
        return lambda: SQLiteEngine(tmp_path / "store.db")


class TestSQLiteEncrypted(EngineContract):
    versions = False

    @pytest.fixture
    def open_engine(self, tmp_path: Path, transformers: dict[str, Transformer]) -> Callable[[], Engine]:
        return lambda: EngineOverObjects(SQLiteEngine(tmp_path / "store.db"), transformers)


class TestMemoryCached(EngineContract):
    durable = False
    versions = False
    drains = False

    @pytest.fixture
    def open_engine(self, transformers: dict[str, Transformer]) -> OpenEngine:
        return lambda: EngineOverCache(MemoryEngine(), transformers)


class TestSQLiteCached(EngineContract):
    versions = False
    drains = False

    @pytest.fixture
    def open_engine(self, tmp_path: Path, transformers: dict[str, Transformer]) -> Callable[[], Engine]:
        return lambda: EngineOverCache(SQLiteEngine(tmp_path / "store.db"), transformers)


class TestSQLiteInItsOwnProcess(EngineContract):
    @pytest.fixture
    def open_engine(self, tmp_path: Path) -> OpenEngine:
        return lambda: SQLiteEngine(tmp_path / "store.db", own_process=True)


async def test_size_is_that_of_the_files_and_grows_with_what_is_stored(tmp_path: Path) -> None:
    async with running(lambda: SQLiteEngine(tmp_path / "store.db")) as engine:
        assert isinstance(engine, SQLiteEngine)
        before = await engine.size()
        await engine.create("/registry/secrets/a/b", bytes(1_000_000))
        assert before + 1_000_000 <= await engine.size() <= before + 2_000_000
    with pytest.raises(errors.Unavailable):
        await engine.size()
