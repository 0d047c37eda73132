"""The directories of pods' logs on this node."""

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path


def directories(logs_dir: Path) -> dict[str, Path]:
    """All of them by the uid of the pod, with which their names end (`labels.log_directory`)."""
    with contextlib.suppress(FileNotFoundError):
        return {
            entry.name.rpartition("_")[2]: entry for entry in logs_dir.iterdir() if entry.name.count("_") == 2
        }
    return {}


def remove(found: Iterable[Path]) -> None:
    """Remove them with what is in them; one that can't be removed stays, for the next start to find."""
    for directory in found:
        shutil.rmtree(directory, ignore_errors=True)
