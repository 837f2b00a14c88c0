"""Takes what a process logs, to be sent; it never waits, and never grows beyond a bound."""

from __future__ import annotations

import logging
import re
import traceback
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.telemetry.records import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: How many records wait at most, and how many bytes of text.
MAX_WAITING: Final = 10_000
MAX_WAITING_BYTES: Final = 4 * 1024 * 1024
#: How many characters of a message, and bytes of what else a record has, are kept.
MAX_MESSAGE: Final = 8_000
MAX_DATA: Final = 16_000
#: How many records one report has at most, and how many characters, about: to encode them holds
#: up the loop, so many are sent in several reports.
_PER_REPORT: Final = 200
_REPORT: Final = 64 * 1024

#: What is not told, whatever its value is; also as a part of a name.
REDACTED: Final = (
    "password",
    "passwd",
    "secret",
    "token",
    "ticket",
    "authorization",
    "cookie",
    "api_key",
    "private_key",
)
_STARS: Final = "***"

_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: How many attributes every record has.
_LEAST: Final = len(vars(logging.makeLogRecord({})))
_OTHER: Final = re.compile(r"[\x00\ud800-\udfff]")


class LogHandler(logging.Handler):
    """Keeps log records until they are taken; of too many, it drops the oldest and counts them.

    Args:
        trace: returns the id of the trace that the code at hand runs in; None for none.
        redact: names of ``extra=`` whose values are not told, besides :data:`REDACTED`.

    Attributes:
        dropped: how many records were dropped.
        by_level: how many records there were, by level.
    """

    def __init__(
        self, trace: Callable[[], str | None] = lambda: None, redact: Collection[str] = ()
    ) -> None:
        super().__init__()
        self._trace = trace
        names = "|".join(map(re.escape, (*REDACTED, *redact)))
        self._secret = re.compile(names, re.IGNORECASE)
        self._waiting: deque[tuple[Line, int]] = deque()
        self._bytes = 0
        self.dropped = 0
        self.by_level: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """How many records wait."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether more wait than one report holds."""
        return len(self._waiting) >= _PER_REPORT

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record. The standard library calls this with the handler's lock held."""
        if record.name.startswith("wampapp.telemetry"):
            return  # what it says of its own trouble would make more of it
        try:
            line, size = self._line(record)
        except Exception:  # noqa: BLE001 - as the standard library has it
            self.handleError(record)
            return
        self.by_level[record.levelname.lower()] += 1
        self._waiting.append((line, size))
        self._bytes += size
        while len(self._waiting) > MAX_WAITING or self._bytes > MAX_WAITING_BYTES:
            self._bytes -= self._waiting.popleft()[1]
            self.dropped += 1

    def take(self) -> list[Line]:
        """Return the oldest records, as many as fit in a report."""
        found: list[Line] = []
        self.acquire()
        try:
            size = 0
            while self._waiting and len(found) < _PER_REPORT and size < _REPORT:
                line, its = self._waiting.popleft()
                found.append(line)
                size += its
            self._bytes -= size
        finally:
            self.release()
        return found

    def _line(self, record: logging.LogRecord) -> tuple[Line, int]:
        message = _text(record.getMessage()[:MAX_MESSAGE])
        data: dict[str, Any] = {}
        fields = record.__dict__
        # Most records have nothing more than the usual, so that the two are equally many.
        if len(fields) > _LEAST:
            for name, value in fields.items():
                if name not in _USUAL:
                    data[_text(name)] = _STARS if self._secret.search(name) else self._value(value)
        trace = data.pop("trace", None)
        if record.exc_info and record.exc_info[0] is not None:
            lines = traceback.format_exception(*record.exc_info)
            data["exception"] = _text("".join(lines)[-MAX_MESSAGE:])
        if record.stack_info:
            data["stack"] = _text(record.stack_info[-MAX_MESSAGE:])
        size = 200 + len(message)
        if data:
            took = len(msgspec.json.encode(data))
            if took > MAX_DATA:
                data, took = {"left_out": f"{took} bytes were too many"}, 50
            size += took
        line = Line(
            record.created,
            record.levelno,
            _text(record.name[:200]),
            message,
            trace if isinstance(trace, str) else self._trace(),
            data or None,
        )
        return line, size

    def _value(self, value: Any, depth: int = 5) -> Any:
        """Return a value as JSON has it; a text of what JSON does not have."""
        if value is None or isinstance(value, (bool, float)):
            return value
        if isinstance(value, int):
            return value if -(2**53) < value < 2**53 else str(value)
        if isinstance(value, str):
            return _text(value[:MAX_MESSAGE])
        if depth and isinstance(value, dict):
            return {
                _text(str(name)): (
                    _STARS if self._secret.search(str(name)) else self._value(one, depth - 1)
                )
                for name, one in list(value.items())[:100]
            }
        if depth and isinstance(value, (list, tuple, set, frozenset)):
            return [self._value(one, depth - 1) for one in list(value)[:100]]
        return _text(str(value)[:MAX_MESSAGE])


def _text(text: str) -> str:
    """Return a text without what cannot be stored."""
    return _OTHER.sub("\ufffd", text) if not text.isascii() or "\0" in text else text
