"""The keyring file: made once, private, and refused with one clear sentence when it is not right."""

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from strongroom.encryption import keyring
from strongroom.encryption.envelope import Wrapped
from strongroom.encryption.keyring import Keyring, KeyringError
from strongroom.encryption.keyring_file import KeyringFile
from strongroom.encryption.transformer import TransformError


def write(path: Path, content: object, mode: int = 0o600) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def key(fill: int, size: int = 32) -> str:
    return base64.b64encode(bytes([fill]) * size).decode()


def refusal(path: Path) -> str:
    with pytest.raises(KeyringError) as refused:
        KeyringFile(path).load()
    text = str(refused.value)
    assert "\n" not in text
    return text


def test_first_open_makes_a_private_file_with_one_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "keyring.json"
    made = KeyringFile(path).open_or_create()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["keyring.json"]
    document = json.loads(path.read_text())
    assert [item["id"] for item in document["keys"]] == [made.current_key_id]
    assert len(base64.b64decode(document["keys"][0]["key"])) == 32


def test_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        KeyringFile(tmp_path / "keyring.json").open_or_create()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "keyring.json").stat().st_mode) == 0o600


def test_second_open_gives_the_same_keys(tmp_path: Path) -> None:
    first = KeyringFile(tmp_path / "keyring.json").open_or_create()
    second = KeyringFile(tmp_path / "keyring.json").open_or_create()
    assert second.current_key_id == first.current_key_id
    assert second.unwrap(first.wrap(b"seed")) == b"seed"


def test_two_files_have_different_keys(tmp_path: Path) -> None:
    one = KeyringFile(tmp_path / "one").open_or_create()
    two = KeyringFile(tmp_path / "two").open_or_create()
    assert one.current_key_id != two.current_key_id


def test_first_key_writes_and_all_read(tmp_path: Path) -> None:
    keys = [{"id": "b", "key": key(2)}, {"id": "a", "key": key(1)}]
    both = KeyringFile(write(tmp_path / "k", {"keys": keys})).load()
    assert both.wrap(b"seed").key_id == "b"
    assert both.unwrap(Keyring({"a": b"\1" * 32}).wrap(b"seed")) == b"seed"


def test_load_does_not_make_a_file(tmp_path: Path) -> None:
    with pytest.raises(keyring.MissingKeyring, match="restore"):
        KeyringFile(tmp_path / "absent").load()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "k", {"keys": [{"id": "a", "key": key(1)}]}, mode)
    assert refusal(path) == f"{path}: mode {mode:04o} lets others at the keys: chmod 600 {path}"


def test_credential_that_only_its_owner_may_read_is_accepted(tmp_path: Path) -> None:
    path = write(tmp_path / "k", {"keys": [{"id": "a", "key": key(1)}]}, 0o400)
    assert KeyringFile(path).load().current_key_id == "a"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert str(tmp_path) in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "not a regular file" in refusal(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not a keyring: no JSON"),
        ("canary", "not a keyring: no JSON"),
        ([], 'not a keyring: no list "keys"'),
        ({"keys": "canary"}, 'not a keyring: no list "keys"'),
        ({"keys": []}, "the keyring holds no key"),
        ({"keys": ["canary"]}, "keys[0]: an id is missing or wrong"),
        ({"keys": [{"key": "canary"}]}, "keys[0]: an id is missing or wrong"),
        ({"keys": [{"id": "can:ary", "key": key(1)}]}, "keys[0]: an id is missing or wrong"),
        ({"keys": [{"id": "k1", "key": "canary!"}]}, 'key "k1": not base64'),
        ({"keys": [{"id": "k1"}]}, 'key "k1": not base64'),
        ({"keys": [{"id": "k1", "key": key(1, 16)}]}, 'key "k1": 32 bytes are needed'),
        ({"keys": [{"id": "k1", "key": key(1)}] * 2}, 'key "k1" occurs twice'),
        ("[" * 30_000, "not a keyring: no JSON"),
        (" " * 70_000, "not a keyring: larger than 65536 bytes"),
    ],
)
def test_garbage_is_refused_naming_file_or_key(tmp_path: Path, content: object, reason: str) -> None:
    path = write(tmp_path / "k", content)
    assert refusal(path) == f"{path}: {reason}"


def test_file_with_wrong_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)
    assert refusal(path) == f"{path}: not a keyring: no JSON"


def test_directory_that_can_not_be_made_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "file", "")
    with pytest.raises(KeyringError, match="keyring can't be"):
        KeyringFile(tmp_path / "file" / "keyring.json").open_or_create()


def test_loser_of_a_race_to_create_uses_the_winners_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "k"
    winner = KeyringFile(path).open_or_create()
    real, calls = KeyringFile.load, []

    def load(file: KeyringFile) -> Keyring:
        calls.append(file)
        if len(calls) == 1:
            raise keyring.MissingKeyring(str(file.path))
        return real(file)

    monkeypatch.setattr(KeyringFile, "load", load)
    assert KeyringFile(path).open_or_create().current_key_id == winner.current_key_id
    assert [entry.name for entry in tmp_path.iterdir()] == ["k"]


def test_wrapped_seed_of_another_key_id_does_not_open() -> None:
    both = Keyring({"a": bytes(32), "b": bytes(32)})
    wrapped = both.wrap(b"seed")
    with pytest.raises(TransformError):
        both.unwrap(Wrapped("b", wrapped.ciphertext))
    for ciphertext in (b"", wrapped.ciphertext[:11], wrapped.ciphertext[:-1]):
        with pytest.raises(TransformError):
            both.unwrap(Wrapped("a", ciphertext))


def test_wrong_keys_are_refused_by_id() -> None:
    with pytest.raises(KeyringError, match='"short": 32 bytes'):
        Keyring({"short": bytes(31)})
    with pytest.raises(KeyringError, match="'a b'"):
        Keyring({"a b": bytes(32)})
    with pytest.raises(KeyringError, match="no key"):
        Keyring({})
