"""From the raw bytes of a CRI log file to what a reader of logs is shown."""

from strongroom.node.streaming import log_line
from strongroom.node.streaming.log_options import LogOptions


class LogFilter:
    """Fed with a log file's bytes in pieces of any size, gives the text that the options ask for."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._rest = b""
        self._remaining = options.limit_bytes
        self._within_line = {b"stdout": False, b"stderr": False}

    @property
    def full(self) -> bool:
        """Whether the limit of bytes is reached, so that nothing more will come."""
        return self._remaining == 0

    def feed(self, data: bytes) -> bytes:
        """The text of all lines that are complete by now. What is not in the log's format is left out."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        shown = b"".join(filter(None, (self._show(line + b"\n") for line in lines)))
        if self._remaining is not None:
            shown = shown[: self._remaining]
            self._remaining -= len(shown)
        return shown

    def _show(self, raw: bytes) -> bytes:
        options, line = self._options, log_line.parse(raw)
        if line is None or (options.stream is not None and line.stream != options.stream):
            return b""
        if options.since is not None and self._is_before(line, options.since):
            return b""
        continues = self._within_line[line.stream]
        self._within_line[line.stream] = line.partial
        if options.timestamps and not continues:
            return line.time + b" " + line.text
        return line.text

    def _is_before(self, line: log_line.Line, since: int) -> bool:
        try:
            return log_line.nanoseconds(line.time.decode("ascii", "replace")) < since
        except ValueError:
            return True
