"""What a backup, or what should be one, is refused with."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from strongroom.store import errors
from strongroom.store.engines.sqlite import backup, restore


def test_what_is_no_file_is_no_backup(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "not a file"), (tmp_path / "none", "there is no such file")):
        with pytest.raises(errors.Unavailable, match=f"^{path}: {why}$"), restore.verified(path):
            pass


def test_a_backup_into_a_folder_that_is_not_there_names_the_folder(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as source:
        with pytest.raises(errors.Unavailable) as refused:
            backup.write(source, tmp_path / "none" / "file")
        assert str(refused.value) == f"{tmp_path / 'none'}: No such file or directory"
        backup.write(source, tmp_path / "file")
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
        with pytest.raises(errors.Unavailable, match="is there already"):
            backup.write(source, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
