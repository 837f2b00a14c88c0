"""The log of a running service: the standard library's logging, one tidy line a record."""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Final, TextIO

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class LineFormatter(logging.Formatter):
    """``14:03:22  hello  Ada says hello``; from WARNING up, the level comes before the text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, followed by its traceback if it has one."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = f"{record.levelname}: " if record.levelno >= logging.WARNING else ""
        # What callers send may be in it: no line that it begins looks like one of ours, and no
        # control sequence reaches the terminal.
        text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", record.getMessage())
        text = text.replace("\n", "\n    ")
        line = f"{clock}  {record.name}  {level}{text}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        if record.stack_info:
            line = f"{line}\n{self.formatStack(record.stack_info)}"
        return line


def configure(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Show the log on the terminal, unless the program has set up logging by itself.

    Args:
        level: the lowest level that is shown.
        stream: where it goes; standard error by default.
    """
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    root.addHandler(handler)
    root.setLevel(level)
    # Twisted and Autobahn tell of every port and factory at INFO.
    logging.getLogger("twisted").setLevel(logging.WARNING)
