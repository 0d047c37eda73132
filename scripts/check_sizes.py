"""Files stay small enough to be read in one sitting: none over 600 lines, a median between 80 and 180."""

import statistics
import sys
from pathlib import Path

LIMIT = 600
MEDIAN = 180


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    sizes = {
        path.relative_to(root): sum(1 for _ in path.open())
        for folder in ("src", "tests", "bench", "scripts")
        for path in (root / folder).rglob("*.py")
        if "_generated_" not in path.name
    }
    code = [size for path, size in sizes.items() if path.parts[0] == "src" and size > 3]
    over = {path: size for path, size in sizes.items() if size > LIMIT}
    for path, size in sorted(over.items()):
        print(f"check: {path} has {size} lines, over {LIMIT}: it wants to be two files", file=sys.stderr)
    median = statistics.median(code)
    if median > MEDIAN:
        print(f"check: the median file has {median:.0f} lines, over {MEDIAN}", file=sys.stderr)
    return 1 if over or median > MEDIAN else 0


if __name__ == "__main__":
    sys.exit(main())
