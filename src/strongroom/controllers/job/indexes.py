"""Sets of completion indexes, in the words of a Job's status: `1,3-5,7`. Pure."""

import re
from collections.abc import Iterable
from typing import Final

INDEXES_MAX: Final = 1_000_000
"""More than any Job here completes."""
_SPAN: Final = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


def parse(text: str) -> set[int]:
    """What is no index of a Job is passed over, so that no status, whoever wrote it, takes much memory."""
    found: set[int] = set()
    for part in text.split(","):
        if span := _SPAN.fullmatch(part):
            first, last = int(span[1]), int(span[2] or span[1])
            found.update(range(first, min(last, INDEXES_MAX - 1) + 1))
    return found


def render(indexes: Iterable[int]) -> str:
    """Three and more that follow one another are written as a span."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)
