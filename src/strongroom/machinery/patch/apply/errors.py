"""Why a document is not of its kind's type: upstream's texts (structured-merge-diff's ValidationErrors)."""

from collections.abc import Sequence


class TypedError(Exception):
    """A document that does not fit its kind. `problems`: pairs of path and text."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        lines = [f"{path}: {text}" if path else text for path, text in self.problems]
        super().__init__(lines[0] if len(lines) == 1 else "\n".join(["errors:", *(f"  {x}" for x in lines)]))
