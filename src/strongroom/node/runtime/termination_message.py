"""What a container says when it ends (`terminationMessagePath`, `terminationMessagePolicy`)."""

from pathlib import Path

from strongroom.node.runtime.observed import Container

_MAX_FILE = 4096
_MAX_LOG = 2048
_MAX_LINES = 80


def read(container: Container) -> str:
    """The message of a container that ended; "" if it left none."""
    text = _head(container.termination_message)
    if text or container.message_policy != "FallbackToLogsOnError" or not container.exit_code:
        return text
    return last_lines(_tail(container.log_path))


def last_lines(log: str) -> str:
    """The texts of the last lines of a log in CRI's form (`time stream tag text`)."""
    texts = [line.split(" ", 3)[3] for line in log.splitlines() if line.count(" ") >= 3]
    joined = "\n".join(texts[-_MAX_LINES:]) + "\n" if texts else ""
    return joined[-_MAX_LOG:]


def _head(path: str) -> str:
    if not path:
        return ""
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_FILE).decode(errors="replace")
    except OSError:
        return ""


def _tail(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 64 * 1024))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
