"""What a work measured, and how two clusters compare."""

import dataclasses
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Literal

Better = Literal["higher", "lower"]


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measured number. `failures` counts what did not go as it should (non-2xx answers, time-outs): a
    figure with failures is not to be trusted."""

    name: str
    value: float
    unit: str
    better: Better
    failures: int = 0
    note: str = ""


def quantile(values: Sequence[float], share: float) -> float:
    """The value that at least `share` of all values do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def latencies(name: str, seconds: Sequence[float], *, failures: int = 0) -> list[Figure]:
    """Median, 99th percentile and count of a series, in milliseconds."""
    values = [each * 1000 for each in seconds]
    if not values:
        return [Figure(f"{name}, median", math.nan, "ms", "lower", max(failures, 1), "no measurement")]
    note = f"{len(values)} measurements"
    return [
        Figure(f"{name}, median", statistics.median(values), "ms", "lower", failures, note),
        Figure(f"{name}, p99", quantile(values, 0.99), "ms", "lower", failures, note),
    ]


def ratio(ours: Figure, theirs: Figure) -> float:
    """How many times better ours is; below 1 it is worse."""
    pair = (ours.value, theirs.value) if ours.better == "higher" else (theirs.value, ours.value)
    return pair[0] / pair[1] if pair[1] else math.nan


def table(results: Mapping[str, Sequence[Figure]]) -> str:
    """Lines for a reader: one column per cluster, and the ratio of the first to the second if there are
    two."""
    names = list(results)
    by_name = [{figure.name: figure for figure in results[name]} for name in names]
    order = list(dict.fromkeys(figure.name for figures in results.values() for figure in figures))
    rows = [["work", *names, *(["times better"] if len(names) == 2 else []), ""]]
    for name in order:
        figures = [figures.get(name) for figures in by_name]
        row = [name, *(_shown(figure) for figure in figures)]
        if len(figures) == 2:
            row.append(f"{ratio(figures[0], figures[1]):.2f}" if figures[0] and figures[1] else "")
        row.append(next((figure.note for figure in figures if figure and figure.note), ""))
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def document(results: Mapping[str, Sequence[Figure]]) -> str:
    """The same as JSON: cluster to list of figures."""
    return json.dumps(
        {name: [dataclasses.asdict(f) for f in figures] for name, figures in results.items()}, indent=2
    )


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    digits = 0 if abs(figure.value) >= 100 else 1 if abs(figure.value) >= 10 else 2
    failed = f" ({figure.failures} FAILED)" if figure.failures else ""
    return f"{figure.value:,.{digits}f} {figure.unit}{failed}"
