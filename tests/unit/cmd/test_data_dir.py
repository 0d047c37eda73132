import os
from pathlib import Path

import pytest

from strongroom.cmd import credentials, data_dir, files


def test_second_owner_is_refused_with_the_first_ones_process_id(tmp_path: Path) -> None:
    place = data_dir.DataDir(tmp_path / "data")
    with place.lock(), pytest.raises(data_dir.InUse, match=rf"in use by process {os.getpid()}$"):
        place.lock()
    place.lock().close()


def test_data_directory_is_private(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    data_dir.DataDir(tmp_path / "data").lock().close()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_keys_lie_outside_the_folder_of_the_database(tmp_path: Path) -> None:
    place = data_dir.DataDir(tmp_path)
    assert not place.keyring.is_relative_to(place.database.parent)


def test_admin_token_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "credentials" / "admin.token"
    token = credentials.admin_token(path)
    assert credentials.admin_token(path) == token
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(token) >= 43


@pytest.mark.parametrize("content", ["", "short", "x" * 40 + " y", "é" * 40])
def test_a_damaged_admin_token_is_refused_and_not_printed(tmp_path: Path, content: str) -> None:
    path = tmp_path / "admin.token"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(credentials.CredentialError) as caught:
        credentials.admin_token(path)
    assert str(path) in str(caught.value)
    assert not content or content not in str(caught.value)


def test_an_admin_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    credentials.admin_token(path)
    path.chmod(0o644)
    with pytest.raises(credentials.CredentialError, match="chmod 600"):
        credentials.admin_token(path)


def test_private_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_private(path, b"one")
    files.write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]
