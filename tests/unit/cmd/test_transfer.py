"""The file of an export: private, whole or not there at all."""

import os
from pathlib import Path
from typing import IO, Any
from unittest.mock import AsyncMock

import pytest

from strongroom.api import resources
from strongroom.cmd import main, transfer
from strongroom.machinery import status


def _writes(monkeypatch: pytest.MonkeyPatch, error: OSError | None) -> None:
    async def export(access: Any, chosen: Any, namespace: str, values: bool, output: IO[bytes]) -> int:
        output.write(b"---\n")
        if error is not None:
            raise error
        return 0

    monkeypatch.setattr(transfer, "_access", lambda *_: None)
    monkeypatch.setattr(transfer, "_export", export)


def test_an_export_is_readable_for_its_owner_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _writes(monkeypatch, None)
    before = os.umask(0)
    try:
        assert main.main(["export", "--values", "-f", str(tmp_path / "all")]) == 0
    finally:
        os.umask(before)
    assert (tmp_path / "all").stat().st_mode & 0o777 == 0o600


def test_half_an_export_is_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _writes(monkeypatch, OSError(28, "No space left on device"))
    assert main.main(["export", "-f", str(tmp_path / "all")]) == 1
    assert capsys.readouterr().err == f"strongroom: error: {tmp_path / 'all'}: No space left on device\n"
    assert not list(tmp_path.iterdir())


def test_an_export_follows_no_link_and_overwrites_nothing(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "link").symlink_to(target)
    assert main.main(["export", "-f", str(tmp_path / "link")]) == 2
    assert not target.exists()


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (None, False),
        (status.not_found(resources.NAMESPACES, "n"), True),
        (status.forbidden(resources.NAMESPACES, "n", "no"), False),
    ],
)
async def test_the_namespace_must_be_there_as_far_as_one_may_know(
    error: status.StatusError | None, refused: bool
) -> None:
    client = AsyncMock()
    client.get.side_effect = error
    if refused:
        with pytest.raises(status.StatusError, match="not found"):
            await transfer._check_namespace(client, "n")
    else:
        await transfer._check_namespace(client, "n")
