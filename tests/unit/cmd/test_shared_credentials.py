"""Servers on one store have one authority, one set of signing keys and one administrator's token."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.cmd import credentials, encryption, pki, service_account_keys, shared_credentials
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.encryption import Encryption
from strongroom.encryption.keyring import KeyringError
from strongroom.encryption.keyring_file import KeyringFile
from strongroom.store.engines.memory import MemoryEngine
from strongroom.testing.engine_contract.base import running

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CLOCK = FakeClock(NOW)


@pytest.fixture
def used(tmp_path: Path) -> Encryption:
    return encryption.of_keyring(KeyringFile(tmp_path / "keyring.json"), create=True)


def content(place: DataDir) -> dict[str, str]:
    """All files but the record of what each server's signing keys have signed."""
    found = [path for path in place.root.rglob("*.*") if path.name != service_account_keys.RECORD]
    return {str(path.relative_to(place.root)): path.read_text() for path in found}


SHARED = {"pki/ca.crt", "pki/ca.key", "credentials/admin.token"}


async def test_the_first_puts_them_there_and_the_next_take_them_over(
    tmp_path: Path, used: Encryption
) -> None:
    first, second = DataDir(tmp_path / "first"), DataDir(tmp_path / "second")
    async with running(MemoryEngine) as engine:
        await shared_credentials.join(engine, used, first, CLOCK)
        stored = await engine.get(shared_credentials.KEY)
        assert stored is not None
        token = first.admin_token.read_bytes().strip()
        assert stored.value.startswith(b"k8s:enc:") and token not in stored.value
        await shared_credentials.join(engine, used, second, CLOCK)
        assert content(first) == content(second) and content(first).keys() > SHARED
        await shared_credentials.join(engine, used, first, CLOCK)
        assert await engine.get(shared_credentials.KEY) == stored, "nothing to write"


async def test_a_signing_key_that_is_added_on_one_reaches_the_others(
    tmp_path: Path, used: Encryption
) -> None:
    first, second = DataDir(tmp_path / "first"), DataDir(tmp_path / "second")
    async with running(MemoryEngine) as engine:
        for place in (first, second):
            await shared_credentials.join(engine, used, place, CLOCK)
        added = service_account_keys.KeyFolder(second.service_account_keys, CLOCK).rotate(stage=True)
        for place in (second, first):
            await shared_credentials.join(engine, used, place, CLOCK)
        ids = [row.key_id for row in service_account_keys.KeyFolder(first.service_account_keys, CLOCK).rows]
        assert added.key_id in ids and len(ids) == 2


async def test_a_signing_key_that_is_removed_on_one_is_removed_everywhere(
    tmp_path: Path, used: Encryption
) -> None:
    first, second, third = (DataDir(tmp_path / name) for name in ("first", "second", "third"))
    async with running(MemoryEngine) as engine:
        for place in (first, second):
            await shared_credentials.join(engine, used, place, CLOCK)
        folder = service_account_keys.KeyFolder(first.service_account_keys, CLOCK)
        leaked = folder.rows[0].key_id
        new = folder.rotate().key_id
        assert folder.remove([leaked]) == [leaked]
        for place in (first, second, third, second, first):
            await shared_credentials.join(engine, used, place, CLOCK)
            rows = service_account_keys.KeyFolder(place.service_account_keys, CLOCK).rows
            assert [row.key_id for row in rows] == [new], place


async def test_other_credentials_are_not_written_over(tmp_path: Path, used: Encryption) -> None:
    first, second = DataDir(tmp_path / "first"), DataDir(tmp_path / "second")
    pki.Authority.open_or_create(second.pki, NOW)
    async with running(MemoryEngine) as engine:
        await shared_credentials.join(engine, used, first, CLOCK)
        before = content(second)
        with pytest.raises(pki.PKIError, match="not that of the servers that share"):
            await shared_credentials.join(engine, used, second, CLOCK)
        assert content(second) == before
        for path in second.pki.iterdir():
            path.unlink()
        credentials.admin_token(second.admin_token)
        with pytest.raises(credentials.CredentialError, match="not the token of the servers"):
            await shared_credentials.join(engine, used, second, CLOCK)


async def test_they_are_sealed_again_after_the_key_changed(tmp_path: Path, used: Encryption) -> None:
    place = DataDir(tmp_path / "first")
    async with running(MemoryEngine) as engine:
        await shared_credentials.join(engine, used, place, CLOCK)
        assert used.file is not None and used.keyring is not None
        made = used.file.add_key(used.keyring)
        await shared_credentials.join(engine, used, place, CLOCK)
        stored = await engine.get(shared_credentials.KEY)
        assert stored is not None and made.encode() in stored.value


async def test_without_the_key_nothing_is_taken_over(tmp_path: Path, used: Encryption) -> None:
    first, second = DataDir(tmp_path / "first"), DataDir(tmp_path / "second")
    strange = encryption.of_keyring(KeyringFile(second.keyring), create=True)
    async with running(MemoryEngine) as engine:
        await shared_credentials.join(engine, used, first, CLOCK)
        with pytest.raises(KeyringError, match=r"copy keyring\.json of a server"):
            await shared_credentials.join(engine, strange, second, CLOCK)
        assert list(content(second)) == ["keys/keyring.json"]


async def test_where_secrets_are_plain_nothing_is_put_into_the_store(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = DataDir(tmp_path / "first")
    config = tmp_path / "encryption.yaml"
    config.write_text(
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: "
        "[{resources: [configmaps], providers: [{identity: {}}]}]}"
    )
    used = encryption.of_config(config, place, None)
    async with running(MemoryEngine) as engine:
        await shared_credentials.join(engine, used, place, CLOCK)
        assert await engine.current_revision() == 1
    assert "Secrets are not encrypted" in caplog.text


async def test_what_is_shared_is_never_written_plain(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Encryption is being left: what lies there still opens, and nothing is put in its place."""
    place = DataDir(tmp_path / "first")
    config = tmp_path / "encryption.yaml"

    def configured(*providers: str) -> Encryption:
        config.write_text(
            "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: "
            f"[{{resources: [secrets], providers: [{', '.join(providers)}]}}]}}"
        )
        return encryption.of_config(config, place, None)

    key = "{secretbox: {keys: [{name: k, secret: " + base64.b64encode(b"k" * 32).decode() + "}]}}"
    plain = "{identity: {}}"
    async with running(MemoryEngine) as engine:
        await shared_credentials.join(engine, configured(key, plain), place, CLOCK)
        stored = await engine.get(shared_credentials.KEY)
        assert stored is not None and stored.value.startswith(b"k8s:enc:")
        folder = service_account_keys.KeyFolder(place.service_account_keys, CLOCK)
        added = folder.rotate(stage=True).key_id
        await shared_credentials.join(engine, configured(plain, key), place, CLOCK)
        assert await engine.get(shared_credentials.KEY) == stored
        assert "not encrypted now" in caplog.text
        # Encrypted again, the change is told.
        second = DataDir(tmp_path / "second")
        for each in (place, second):
            await shared_credentials.join(engine, configured(key, plain), each, CLOCK)
        told = service_account_keys.KeyFolder(second.service_account_keys, CLOCK)
        assert added in [row.key_id for row in told.rows]
