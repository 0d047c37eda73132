"""An audit log in memory."""

from typing import Any

import orjson


class Sink:
    """Keeps events; `failing`: a full disk."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.failing = False

    async def write(self, event: bytes) -> None:
        if self.failing:
            raise OSError(28, "No space left on device")
        self.lines.append(event)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.lines]
