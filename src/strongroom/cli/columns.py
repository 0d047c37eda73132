"""Rows as aligned columns, as kubectl prints them."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Each column as wide as its widest cell, three blanks between them, none at the end of a line."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = (
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)
