"""The proof of what a database is encrypted with: each thing that may be left is found, and says so."""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.cmd import encryption, key_verification
from strongroom.cmd.data_dir import DataDir
from strongroom.cmd.encryption import Encryption
from strongroom.cmd.key_survey import Values
from strongroom.cmd.key_verification import Proof
from strongroom.encryption.envelope import SEED_SIZE, EnvelopeTransformer, Wrapped
from strongroom.encryption.keyring_file import KeyringFile
from strongroom.store.engines.sqlite import backup, residue, schema
from strongroom.store.errors import Corrupt, Unavailable

SECRETS = "/registry/secrets/"


class Store:
    """A database and its keyring, without a server."""

    def __init__(self, root: Path) -> None:
        self.place = DataDir(root)
        self.used = encryption.of_keyring(KeyringFile(self.place.keyring), create=True)
        self.folder = self.place.database.parent
        self.folder.mkdir()
        self.connection = schema.open_database(self.place.database)
        self._revision = 1

    def write(self, key: str, value: bytes, version: int = 1) -> None:
        self._revision += 1
        row = (self._revision, key, self._revision, version, value)
        self.connection.execute("INSERT INTO revisions VALUES (?, ?, ?, ?, ?)", row)

    def seal(self, key: str, value: bytes = b"x") -> None:
        stored = self.used.stored[SECRETS].to_storage(value, key.encode())
        self.write(key, stored)

    def new_key(self) -> tuple[str, str]:
        """The ids: the old one's, and that of the one that writes from now on."""
        assert self.used.file is not None and self.used.keyring is not None
        old = self.used.keyring.current_key_id
        return old, self.used.file.add_key(self.used.keyring)

    def verify(self, used: Encryption | None = None) -> Proof:
        return key_verification.verify(self.place, used or self.used, lambda *_: None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.connection.close()


def test_a_database_under_one_key_is_proven_and_only_encrypted_kinds_count(store: Store) -> None:
    for name in "abc":
        store.seal(f"{SECRETS}default/{name}")
    store.write("/registry/configmaps/default/plain", b"{}")
    store.write(f"{SECRETS}default/c", b"", version=0)
    told: list[tuple[int, int]] = []
    proof = key_verification.verify(store.place, store.used, lambda *at: told.append(at))
    assert proof.proven, proof.document()
    assert (proof.values.rows, proof.values.values) == (4, 3)
    assert proof.values.keys == {proof.current_key: 3}
    assert proof.pages is not None and proof.pages.pages > 3
    assert told == [(4, 4)]
    assert not list(store.folder.glob(".verify-*"))


def test_what_is_read_is_told_by_thousands(store: Store) -> None:
    for number in range(2001):
        store.write(f"/registry/configmaps/{number}", b"{}")
    told: list[tuple[int, int]] = []
    key_verification.verify(store.place, store.used, lambda *at: told.append(at))
    assert told == [(1000, 2001), (2000, 2001), (2001, 2001)]


def test_what_was_written_under_an_older_key_is_not_proven_and_its_bytes_are_traces(store: Store) -> None:
    store.seal(f"{SECRETS}default/a")
    old, new = store.new_key()
    store.seal(f"{SECRETS}default/b")
    proof = store.verify()
    assert not proof.proven
    assert proof.old_keys == [f"kms/strongroom/{old}"]
    assert proof.values.stale == {f"kms/strongroom/{old}": 1}
    assert f'strongroom.db-wal: bytes of a value under key "{old}"' in proof.traces
    assert not any(new in trace for trace in proof.traces)
    document = proof.document()
    assert (document["currentKey"], document["stale"], document["proven"]) == (new, 1, False)


def test_bytes_of_an_older_key_are_found_when_no_row_is_under_it(store: Store) -> None:
    store.seal(f"{SECRETS}default/a")
    old, _ = store.new_key()
    store.connection.execute("DELETE FROM revisions")
    proof = store.verify()
    assert not proof.values.stale and not proof.proven
    assert proof.traces and all(old in trace for trace in proof.traces)


def test_a_plain_secret_is_not_proven(store: Store) -> None:
    store.write(f"{SECRETS}default/a", b'{"kind":"Secret","apiVersion":"v1","data":{}}')
    proof = store.verify()
    assert (proof.plain, proof.values.unreadable, proof.proven) == (1, 1, False)
    assert proof.values.named == [f"{SECRETS}default/a"]
    assert "strongroom.db-wal: bytes of a plain Secret" in proof.traces
    assert proof.document()["plain"] == 1 and proof.document()["unreadableKeys"] == proof.values.named


def test_a_flipped_bit_is_not_proven_and_only_the_name_is_told(store: Store) -> None:
    store.seal(f"{SECRETS}default/a", b"s3cr3t")
    value = bytearray(store.connection.execute("SELECT value FROM revisions").fetchone()[0])
    value[-1] ^= 1
    store.connection.execute("UPDATE revisions SET value = ?", (bytes(value),))
    proof = store.verify()
    assert (proof.values.unreadable, proof.values.named, proof.proven) == (1, [f"{SECRETS}default/a"], False)
    assert "s3cr3t" not in str(proof.document())


@pytest.mark.parametrize(
    ("values", "pages", "traces"),
    [
        (Values(unreadable=1), None, []),
        (Values(stale=Counter({"aesgcm/old": 1})), None, []),
        (Values(keys=Counter({"plain": 1})), None, []),
        (Values(), residue.Residue(5, 1, 20), []),
        (Values(), residue.Residue(5), ["file: bytes"]),
    ],
)
def test_each_thing_that_is_left_alone_keeps_it_from_being_proven(
    values: Values, pages: residue.Residue | None, traces: list[str]
) -> None:
    assert not Proof("kms/strongroom/k", values, pages, traces).proven


@pytest.mark.parametrize("pages", [None, residue.Residue(5)])
def test_nothing_left_is_proven(pages: residue.Residue | None) -> None:
    proof = Proof("kms/strongroom/k", Values(3, 2), pages)
    assert proof.proven
    document = proof.document()
    assert (document["pages"] is None) == (pages is None)
    assert (document["revisions"], document["values"], document["unreadable"]) == (3, 2, 0)


def test_counting_opens_nothing(store: Store) -> None:
    store.seal(f"{SECRETS}default/a")
    old, new = store.new_key()
    store.seal(f"{SECRETS}default/b")
    store.write(f"{SECRETS}default/c", b"k8s:enc:kms:v2:strongroom:no message")
    found = key_verification.count(store.place.database, store.used)
    assert found.keys == {f"kms/strongroom/{old}": 1, f"kms/strongroom/{new}": 1, "unknown": 1}
    assert (found.unreadable, found.stale) == (0, {})


class Plugin:
    """The keys of a KMS plugin, which has a new one when it says so."""

    def __init__(self, key_id: str) -> None:
        self.current_key_id = key_id

    def new_seed(self) -> tuple[bytes, Wrapped]:
        return bytes(SEED_SIZE), Wrapped(self.current_key_id, b"wrapped")

    def unwrap(self, wrapped: Wrapped) -> bytes:
        return bytes(SEED_SIZE)


# Ids have up to 1,024 bytes; 128 and more take a second byte for their length.
@pytest.mark.parametrize(
    "old", ["arn:aws:kms:eu-1:42:key/8f2e", "k" * 127, "k" * 128, "projects/a/" + "k" * 1013]
)
def test_bytes_under_a_plugins_older_key_are_found_whatever_its_id_is(store: Store, old: str) -> None:
    plugin = Plugin(old)
    sealing = EnvelopeTransformer(plugin, "vault")
    key = f"{SECRETS}default/a"
    store.write(key, sealing.to_storage(b"x", key.encode()))
    plugin.current_key_id = "next"
    proof = store.verify(Encryption({SECRETS: sealing}))
    assert proof.values.stale == {f"kms/vault/{old}": 1}
    assert proof.traces == [f'strongroom.db-wal: bytes of a value under key "{old}"']


@pytest.mark.parametrize("before", [0, key_verification._BLOCK - 20, 2 * key_verification._BLOCK - 1])
def test_bytes_are_found_wherever_they_lie_in_a_file(store: Store, before: int) -> None:
    (store.folder / "dump").write_bytes(bytes(before) + b'{"kind":"Secret","apiVersion":"v1",' + bytes(9))
    assert store.verify().traces == ["dump: bytes of a plain Secret"]


def test_empty_files_and_folders_beside_the_database_are_no_traces(store: Store) -> None:
    (store.folder / "empty").touch()
    (store.folder / "folder").mkdir()
    assert store.verify().proven


def test_a_file_that_the_server_removes_meanwhile_is_passed_over(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = store.folder / "a-temporary"
    going.write_bytes(b"x")
    opened = Path.open

    def gone(self: Path, *args: object, **named: object) -> object:
        if self == going:
            going.unlink()
        return opened(self, *args, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", gone)
    assert store.verify().proven


def test_a_file_that_cannot_be_read_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = store.folder / "refused"
    refused.write_bytes(b"x")
    opened = Path.open

    def refuse(self: Path, *args: object, **named: object) -> object:
        if self == refused:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(Unavailable, match="refused can't be read: Permission denied"):
        store.verify()


def test_deleted_content_in_a_page_is_not_proven(store: Store) -> None:
    store.connection.execute("PRAGMA secure_delete = OFF")
    store.seal(f"{SECRETS}default/a", b"x" * 500)
    store.seal(f"{SECRETS}default/b", b"x" * 500)
    store.connection.execute("DELETE FROM revisions WHERE key LIKE '%/a'")
    proof = store.verify()
    assert not proof.proven and not proof.traces
    assert proof.pages is not None and proof.pages.dirty_bytes > 400
    assert proof.document()["pages"]["dirty_pages"] == proof.pages.dirty_pages > 0


def test_the_copy_of_one_that_was_killed_goes_and_none_is_left_of_a_failure(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = store.folder / ".verify-left"
    left.write_bytes(b'{"kind":"Secret","apiVersion":"v1"')
    assert store.verify().proven and not left.exists()
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    def full(source: sqlite3.Connection, target: Path) -> None:
        target.write_bytes(b"half of it")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(backup, "copy", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        store.verify()
    assert not list(store.folder.glob(".verify-*"))
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_what_is_no_database_is_an_error_that_names_it(store: Store) -> None:
    store.connection.close()
    for name in ("strongroom.db-wal", "strongroom.db-shm"):
        (store.folder / name).unlink(missing_ok=True)
    store.place.database.write_bytes(b"no database at all" * 300)
    for call in (store.verify, lambda: key_verification.count(store.place.database, store.used)):
        with pytest.raises(Corrupt, match=r"strongroom\.db is damaged"):
            call()


def test_the_database_is_opened_for_reading_alone(store: Store) -> None:
    with (
        pytest.raises(Unavailable, match="READONLY"),
        key_verification._reading(store.place.database) as connection,
    ):
        connection.execute("DELETE FROM revisions")
