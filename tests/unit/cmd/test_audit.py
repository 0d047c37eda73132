"""`strongroom audit verify` from the command line."""

import asyncio
from pathlib import Path

import pytest

from strongroom.aio.clock import FakeClock
from strongroom.cmd import main
from strongroom.server.audit import log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of several parts."""
    clock, path = FakeClock(), tmp_path / "audit.log"

    async def write() -> None:
        sink = log.Log(path, clock, max_bytes=500)
        for number in range(12):
            await sink.write(b'{"n":%d}' % number)
            clock.advance(1)
        sink.close()

    asyncio.run(write())
    assert len(log.files(path)) > 2
    return path


def test_a_log_that_is_as_it_was_written(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["audit", "verify", str(path)]) == 0
    assert capsys.readouterr().out.startswith("12 lines as they were written; last hash ")


def test_the_first_changed_line_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    oldest = log.files(path)[0]
    oldest.write_bytes(oldest.read_bytes().replace(b'"n":2', b'"n":3'))
    assert main.main(["audit", "verify", str(path)]) == 1
    assert f"{oldest}:3: the line was changed" in capsys.readouterr().err


def test_a_part_that_is_gone_shows(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.files(path)[1].unlink()
    assert main.main(["audit", "verify", str(path)]) == 1
    assert "lines were removed" in capsys.readouterr().err


def test_no_log_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["audit", "verify", str(tmp_path / "none")]) == 2
    assert "there is no audit log at" in capsys.readouterr().err
