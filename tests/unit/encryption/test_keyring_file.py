"""Keys come and go in the file: whole or not at all, sealed when there is a passphrase."""

import json
import stat
from pathlib import Path

import pytest

from strongroom.encryption import keyring, passphrase
from strongroom.encryption.keyring import KeyringError
from strongroom.encryption.keyring_file import KeyringFile
from strongroom.machinery.sensitive import Sensitive


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs next to nothing."""
    seal = passphrase.seal
    monkeypatch.setattr(passphrase, "seal", lambda content, phrase: seal(content, phrase, cost=16))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "keyring.json"


def test_a_new_key_comes_first_and_the_old_one_still_reads(path: Path) -> None:
    file = KeyringFile(path)
    held = file.open_or_create()
    old = held.current_key_id
    seed, wrapped = held.new_seed()
    added = file.add_key(held)
    assert added != old and held.key_ids == [added, old] == file.load().key_ids
    assert held.current_key_id == added == held.new_seed()[1].key_id
    assert held.unwrap(wrapped) == seed == file.load().unwrap(wrapped)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_keys_go_but_never_the_one_that_writes(path: Path) -> None:
    file = KeyringFile(path)
    held = file.open_or_create()
    old = held.current_key_id
    new = file.add_key(held)
    assert file.remove_keys(held, [old, new, "stranger"]) == [old]
    assert held.key_ids == [new] == file.load().key_ids
    assert file.remove_keys(held, [new]) == []


def test_a_key_that_can_not_be_written_is_not_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = KeyringFile(path)
    held = file.open_or_create()
    before, content = held.key_ids, path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(KeyringError, match="can't be written: No space left"):
        file.add_key(held)
    assert held.key_ids == before
    assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_sealed_keyring_opens_with_its_passphrase_alone(path: Path) -> None:
    file = KeyringFile(path, Sensitive(b"open sesame"))
    held = file.open_or_create()
    added = file.add_key(held)
    assert file.load().key_ids == held.key_ids
    text = path.read_text()
    assert set(json.loads(text)) == {"sealed"} and added not in text
    for other, reason in (
        (None, "--passphrase-file"),
        (Sensitive(b"open"), "not the one that it was sealed"),
    ):
        with pytest.raises(KeyringError, match=reason) as refused:
            KeyringFile(path, other).load()
        assert str(refused.value).startswith(f"{path}: ")


def test_a_plain_keyring_is_sealed_when_it_is_opened_with_a_passphrase(path: Path) -> None:
    key_ids = KeyringFile(path).open_or_create().key_ids
    assert KeyringFile(path, Sensitive(b"p")).load().key_ids == key_ids
    assert passphrase.is_sealed(json.loads(path.read_text()))


@pytest.mark.parametrize(
    "change",
    [{"n": 2**30}, {"n": 17}, {"r": 99}, {"kdf": "md5"}, {"salt": "?"}, {"ciphertext": "AAAA"}, {"nonce": 1}],
)
def test_a_sealed_keyring_that_was_changed_does_not_open(path: Path, change: dict[str, object]) -> None:
    file = KeyringFile(path, Sensitive(b"p"))
    file.open_or_create()
    document = json.loads(path.read_text())
    document["sealed"] |= change
    path.write_text(json.dumps(document))
    with pytest.raises(KeyringError):
        file.load()


def test_a_keyring_that_is_handed_over_is_read_and_left_alone(path: Path) -> None:
    KeyringFile(path).open_or_create()
    path.chmod(0o440)
    file = KeyringFile(path, read_only=True)
    content = path.read_bytes()
    held = file.load()
    with pytest.raises(KeyringError, match="handed to the service"):
        file.add_key(held)
    assert path.read_bytes() == content
    with pytest.raises(keyring.MissingKeyring):
        KeyringFile(path.with_name("absent"), read_only=True).open_or_create()
