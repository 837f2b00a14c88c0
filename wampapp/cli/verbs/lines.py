"""Events from a file: one a line, in JSON."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import msgspec

from wampapp.errors import UsageError
from wampapp.protocol.codec import too_deep

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
    """The events of a file, as they come. A context manager that closes it at its end.

    Args:
        path: the file; ``-`` for standard input.

    Attributes:
        read: how many bytes were read.
        size: how many there are; None where nobody knows.
        is_terminal: whether somebody types them.

    Raises:
        UsageError: the file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._name = "standard input" if path == "-" else path
        self._number = 0
        self._standard = path == "-"
        if self._standard and sys.stdin is None:
            raise UsageError("There is no standard input to read.")
        try:
            self._file: Any = sys.stdin.buffer if self._standard else Path(path).open("rb")  # noqa: SIM115 - closed by us
        except OSError as error:
            raise UsageError(f"{self._name} cannot be read: {error.strerror}.") from None
        self.read = 0
        about = os.fstat(self._file.fileno())
        self.size = about.st_size or None if stat.S_ISREG(about.st_mode) else None
        self.is_terminal: bool = self._file.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if not self._standard:
            self._file.close()

    def batches(self) -> Iterator[list[Event]]:
        """Read the events, as many at a time as there are.

        Raises:
            UsageError: a line is no JSON, or the file cannot be read. All events before it
                were yielded.
        """
        rest: list[bytes] = []  # the pieces of a line that is not over
        while chunk := self._chunk():
            self.read += len(chunk)
            first, *others = chunk.split(b"\n")
            rest.append(first)
            if others:
                yield from self._parsed([b"".join(rest), *others[:-1]])
                rest = [others[-1]]
            if sum(map(len, rest)) > _LONGEST:
                self._number += 1
                raise UsageError(f"{self._place()} is larger than 16 MiB.")
        yield from self._parsed([b"".join(rest)])

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
        if len(line) > _LONGEST:
            raise UsageError(f"{self._place()} is larger than 16 MiB.")
        try:
            value = msgspec.json.decode(line)
            deep = too_deep([value])
        except RecursionError:
            deep = True
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            why = str(error).removeprefix("JSON is malformed: ")
            raise UsageError(f"{self._place()} is no JSON: {why}.") from None
        if deep:
            raise UsageError(f"{self._place()} nests too deep.")
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
