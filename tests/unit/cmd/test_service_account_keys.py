"""The folder of signing keys: who signs, who verifies, and until when; cut short anywhere."""

import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from strongroom.aio.clock import FakeClock
from strongroom.cmd import files
from strongroom.cmd.service_account_keys import NEXT, OLD, RECORD, SIGNS, KeyFileError, KeyFolder
from strongroom.server.service_accounts.keys import BadSignature, Keys, named_key

DAY = 24 * 3600


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def seconds(clock: FakeClock) -> int:
    return int(clock.now().timestamp())


def states(folder: KeyFolder) -> list[str]:
    return [row.state for row in folder.rows]


def verifies(keys: Keys, token: str) -> bool:
    try:
        keys.verify(token.encode())
    except BadSignature:
        return False
    return True


def test_the_first_start_makes_a_key_that_the_next_one_uses(tmp_path: Path, clock: FakeClock) -> None:
    token = KeyFolder(tmp_path / "k", clock).keys.sign({"exp": seconds(clock) + 60})
    again = KeyFolder(tmp_path / "k", clock)
    assert verifies(again.keys, token) and states(again) == [SIGNS]
    for path in (tmp_path / "k").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o700


def test_a_new_key_signs_and_the_old_one_verifies_and_both_are_published(
    tmp_path: Path, clock: FakeClock
) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    before = folder.keys.sign({"exp": seconds(clock) + 3600})
    made = folder.rotate()
    after = folder.keys.sign({"exp": seconds(clock) + 3600})
    assert made.state == SIGNS and states(folder) == [SIGNS, OLD]
    assert named_key(after.encode()) == made.key_id != named_key(before.encode())
    for keys in (folder.keys, KeyFolder(tmp_path / "k", clock).keys):
        assert verifies(keys, before) and verifies(keys, after)
        assert [key["kid"] for key in keys.jwks()["keys"]] == [made.key_id, named_key(before.encode())]
        assert keys.signer_id == made.key_id


def test_an_old_key_goes_after_its_last_token_and_not_before(tmp_path: Path, clock: FakeClock) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    folder.keys.sign({"exp": seconds(clock) + 3600})
    last = folder.keys.sign({"exp": seconds(clock) + 10 * DAY})
    folder.keys.sign({"exp": seconds(clock) + 600})
    folder.rotate()
    # A restart forgets nothing of that.
    folder = KeyFolder(tmp_path / "k", clock)
    clock.advance(10 * DAY)
    assert folder.drop_ended(lambda _: False) == [] and verifies(folder.keys, last)
    clock.advance(DAY)
    assert folder.drop_ended(lambda _: False) == [named_key(last.encode())]
    assert not verifies(folder.keys, last) and states(folder) == [SIGNS]
    assert states(KeyFolder(tmp_path / "k", clock)) == [SIGNS]
    assert len(list((tmp_path / "k").glob("*.key"))) == 1


def test_a_key_whose_tokens_are_in_secrets_stays_while_they_are(tmp_path: Path, clock: FakeClock) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    token = folder.keys.sign({"iss": "kubernetes/serviceaccount"})
    folder.rotate()
    clock.advance(1000 * DAY)
    assert folder.drop_ended(lambda key_id: key_id == named_key(token.encode())) == []
    assert verifies(KeyFolder(tmp_path / "k", clock).keys, token)
    assert folder.drop_ended(lambda _: False) == [named_key(token.encode())]


def test_the_signing_key_and_a_staged_one_are_never_dropped(tmp_path: Path, clock: FakeClock) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    folder.rotate(stage=True)
    clock.advance(1000 * DAY)
    assert folder.drop_ended(lambda _: False) == [] and states(folder) == [SIGNS, NEXT]


def test_a_staged_key_is_published_before_it_signs(tmp_path: Path, clock: FakeClock) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    first = folder.keys.signer_id
    staged = folder.rotate(stage=True)
    assert staged.state == NEXT and folder.keys.signer_id == first
    assert staged.key_id in {key["kid"] for key in folder.keys.jwks()["keys"]}
    with pytest.raises(KeyFileError, match="is staged already"):
        folder.rotate(stage=True)
    assert KeyFolder(tmp_path / "k", clock).keys.signer_id == first
    assert folder.rotate().key_id == staged.key_id == folder.keys.signer_id
    assert states(folder) == [SIGNS, OLD]


def test_many_rotations_within_a_second_lose_no_key(tmp_path: Path, clock: FakeClock) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    tokens = []
    for _ in range(4):
        tokens.append(folder.keys.sign({"exp": seconds(clock) + 60}))
        folder.rotate()
    assert all(verifies(folder.keys, token) for token in tokens)
    assert len({row.key_id for row in folder.rows}) == 5


def test_a_removed_key_verifies_no_more_and_the_signing_one_is_not_removed(
    tmp_path: Path, clock: FakeClock
) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    token = folder.keys.sign({"exp": seconds(clock) + 60})
    old = named_key(token.encode())
    with pytest.raises(KeyFileError, match="signs tokens: rotate first"):
        folder.remove([old])
    new = folder.rotate().key_id
    for wanted in ([old, "unknown"], [old, new]):
        with pytest.raises(KeyFileError):
            folder.remove(wanted)
        assert verifies(folder.keys, token), "all or nothing"
    assert folder.remove([old]) == [old]
    assert not verifies(folder.keys, token)
    assert not verifies(KeyFolder(tmp_path / "k", clock).keys, token)


class Cut(Exception):
    """The power went."""


@pytest.mark.parametrize("at", [1, 2])
def test_a_rotation_that_was_cut_short_signs_with_the_old_key_and_goes_on(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    first = folder.keys.signer_id
    written = files.write_private
    count = 0

    def cut(path: Path, data: bytes) -> None:
        nonlocal count
        count += 1
        if count == at:
            raise Cut
        written(path, data)

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(files, "write_private", cut)
        folder.rotate()
    again = KeyFolder(tmp_path / "k", clock)
    assert again.keys.signer_id == first
    made = again.rotate()
    assert states(again) == [SIGNS, OLD] and again.keys.signer_id == made.key_id


def test_a_removal_that_was_cut_short_brings_no_key_back(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    token = folder.keys.sign({"exp": seconds(clock) + 60})
    folder.rotate()

    def cut(path: Path, data: bytes) -> None:
        raise Cut

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(files, "write_private", cut)
        folder.remove([named_key(token.encode())])
    assert not verifies(folder.keys, token)
    assert not verifies(KeyFolder(tmp_path / "k", clock).keys, token)


def test_tokens_are_signed_though_the_record_can_not_be_written(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = KeyFolder(tmp_path / "k", clock)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_private", full)
        token = folder.keys.sign({"exp": seconds(clock) + 60})
    assert verifies(folder.keys, token) and "No space left" in caplog.text


def test_the_record_is_written_once_a_day(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = KeyFolder(tmp_path / "k", clock)
    writes: list[Any] = []
    monkeypatch.setattr(files, "write_private", lambda path, data: writes.append(path))
    for _ in range(100):
        clock.advance(60)
        folder.keys.sign({"exp": seconds(clock) + 600})
        folder.keys.sign({})
    assert len(writes) == 2, "the first with an end, and the first without"


def _pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


def test_keys_from_before_there_was_a_record_are_kept_as_long_as_any_token_of_theirs_may_live(
    tmp_path: Path, clock: FakeClock
) -> None:
    for name in ("20250101T000000Z", "20250601T000000Z", "custom"):
        files.write_private(tmp_path / f"{name}.key", _pem(ec.generate_private_key(ec.SECP256R1())))
    folder = KeyFolder(tmp_path, clock)
    assert states(folder) == [SIGNS, OLD, OLD] and folder.rows[0].created == ""
    assert all(row.endless and row.until == seconds(clock) + 365 * DAY for row in folder.rows)
    for _ in range(2):
        made = folder.rotate()
        assert folder.keys.signer_id == made.key_id == KeyFolder(tmp_path, clock).keys.signer_id
    assert states(folder) == [SIGNS, OLD, OLD, OLD, OLD]


@pytest.mark.parametrize(
    ("name", "content", "mode", "problem"),
    [
        ("20260101T000000Z.key", _pem(ec.generate_private_key(ec.SECP256R1())), 0o640, "chmod 600"),
        ("20260101T000000Z.key", b"nothing", 0o600, "not a private key in PEM"),
        ("20260101T000000Z.key", _pem(ec.generate_private_key(ec.SECP384R1())), 0o600, "not an EC key"),
        ("20260101T000000Z.key", _pem(rsa.generate_private_key(65537, 2048)), 0o600, "not an EC key"),
        (RECORD, b"{", 0o600, "can't be read"),
        (RECORD, b'{"signer": 1}', 0o600, "can't be read"),
        (RECORD, b'{"signer": "20200101T000000Z", "keys": {}}', 0o600, r"20200101T000000Z.key, is missing"),
    ],
)
def test_a_file_that_can_not_be_used_is_named_and_stays_as_it_is(
    tmp_path: Path, clock: FakeClock, name: str, content: bytes, mode: int, problem: str
) -> None:
    KeyFolder(tmp_path, clock)
    (tmp_path / name).write_bytes(content)
    (tmp_path / name).chmod(mode)
    with pytest.raises(KeyFileError, match=problem) as refused:
        KeyFolder(tmp_path, clock)
    assert str(tmp_path / name) in str(refused.value)
    assert (tmp_path / name).read_bytes() == content


def test_a_key_is_never_told(tmp_path: Path, clock: FakeClock) -> None:
    folder = KeyFolder(tmp_path, clock)
    told = f"{folder!r}{folder.rows}{(tmp_path / RECORD).read_text()}"
    assert "PRIVATE" not in told
    assert folder.rows[0].created == "2026-01-02T03:04:05Z"
