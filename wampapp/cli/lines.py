"""Events from a file: one a line, in JSON."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK: Final = 2**16
#: No message is larger, so no line is.
_LONGEST: Final = 2**24
_BOTH: Final = {"args", "kwargs"}


class Event(NamedTuple):
    """What is published.

    Attributes:
        args: the positional arguments.
        kwargs: the keyword arguments.
        place: where it was read, for messages; empty where that was no file.
    """

    args: list[Any]
    kwargs: dict[str, Any]
    place: str = ""


class Lines:
    """The events of a file, as they come.

    Args:
        file: the file; a pipe may be slow.

    Attributes:
        read: how many bytes were read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file: Any = file
        self._number = 0
        name = getattr(file, "name", "")
        self._name = name if isinstance(name, str) and name != "<stdin>" else "standard input"
        self.read = 0

    def batches(self) -> Iterator[list[Event]]:
        """Read the events, as many at a time as there are.

        Raises:
            UsageError: a line is no JSON, or the file cannot be read. All events before it
                were yielded.
        """
        rest = b""
        while chunk := self._chunk():
            self.read += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from self._parsed(lines)
            if len(rest) > _LONGEST:
                self._number += 1
                raise UsageError(f"{self._place()}: the line is larger than 16 MiB.")
        yield from self._parsed([rest])

    def _chunk(self) -> bytes:
        try:
            chunk: bytes = self._file.read1(_CHUNK)
        except OSError as error:
            raise UsageError(f"{self._name} cannot be read: {error.strerror}.") from None
        return chunk

    def _parsed(self, lines: list[bytes]) -> Iterator[list[Event]]:
        events = []
        try:
            for line in lines:
                self._number += 1
                if line.strip():
                    events.append(self._event(line))
        except UsageError:
            yield events
            raise
        yield events

    def _event(self, line: bytes) -> Event:
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError(f"{self._place()}: this is no JSON: {error}.") from None
        if isinstance(value, dict):
            if value.keys() != _BOTH:
                return Event([], value, self._place())
            args, kwargs = value["args"], value["kwargs"]
            if not isinstance(args, list) or not isinstance(kwargs, dict):
                raise UsageError(
                    f'{self._place()}: "args" has to be an array, and "kwargs" an object.'
                )
            return Event(args, kwargs, self._place())
        return Event(value if isinstance(value, list) else [value], {}, self._place())

    def _place(self) -> str:
        return f"{self._name}, line {self._number}"
