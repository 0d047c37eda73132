"""What a container leaves behind when it ends."""

from pathlib import Path

from strongroom.node.runtime import termination_message
from strongroom.node.runtime.observed import Container, State

LOG = "2026-01-02T03:04:05.1Z stdout F {} line\n"


def ended(message: Path, log: Path, *, policy: str, code: int = 1) -> Container:
    return Container(
        "id",
        "c",
        state=State.EXITED,
        exit_code=code,
        termination_message=str(message),
        log_path=str(log),
        message_policy=policy,
    )


def test_the_file_is_cut(tmp_path: Path) -> None:
    message = tmp_path / "m"
    message.write_bytes(b"x" * 5000 + b"\xff")
    assert termination_message.read(ended(message, tmp_path, policy="File")) == "x" * 4096


def test_the_log_stands_in_after_a_failure(tmp_path: Path) -> None:
    message, log = tmp_path / "m", tmp_path / "l"
    message.touch()
    log.write_text("".join(LOG.format(number) for number in range(100)))
    text = termination_message.read(ended(message, log, policy="FallbackToLogsOnError"))
    assert text.splitlines()[0] == "20 line"
    assert text.endswith("99 line\n")
    assert termination_message.read(ended(message, log, policy="File")) == ""
    assert termination_message.read(ended(message, log, policy="FallbackToLogsOnError", code=0)) == ""


def test_the_end_of_a_log_is_cut_to_its_last_bytes() -> None:
    text = termination_message.last_lines("t stdout F " + "y" * 5000 + "\n")
    assert len(text) == 2048


def test_no_file(tmp_path: Path) -> None:
    assert termination_message.read(ended(tmp_path / "none", tmp_path / "none", policy="File")) == ""
