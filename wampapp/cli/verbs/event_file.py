"""The file of ``publish --from-file``: one event per line, in JSON."""

from __future__ import annotations

import codecs
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import msgspec

from wampapp.errors import UsageError
from wampapp.protocol.serializer import too_deep

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK: Final = 2**16
#: No message is larger, so no line may be.
_MAX_LINE: Final = 2**24
_BOTH: Final = {"args", "kwargs"}


class Payload(NamedTuple):
    """The payload of an event.

    Attributes:
        args: the positional arguments.
        kwargs: the keyword arguments.
        place: where it was read, for messages; empty if that was not a file.
    """

    args: list[Any]
    kwargs: dict[str, Any]
    place: str = ""


class EventFile:
    """The events of a file, as they come. A context manager that closes the file.

    Args:
        path: the file; ``-`` for standard input.

    Attributes:
        read: how many bytes were read.
        size: how many bytes there are; None if that is not known.
        is_terminal: whether somebody types the events.

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

    def batches(self) -> Iterator[list[Payload]]:
        """Read the events, as many at a time as there are.

        Raises:
            UsageError: a line is not JSON, or the file cannot be read. All events before it
                were yielded.
        """
        rest: list[bytes] = []  # the pieces of an unfinished line
        while chunk := self._chunk():
            self.read += len(chunk)
            first, *others = chunk.split(b"\n")
            rest.append(first)
            if others:
                yield from self._parsed([b"".join(rest), *others[:-1]])
                rest = [others[-1]]
            if sum(map(len, rest)) > _MAX_LINE:
                self._number += 1
                raise UsageError(f"{self._place()} is larger than 16 MiB.")
        yield from self._parsed([b"".join(rest)])

    def _chunk(self) -> bytes:
        try:
            chunk: bytes = self._file.read1(_CHUNK)
        except OSError as error:
            raise UsageError(f"{self._name} cannot be read: {error.strerror}.") from None
        return chunk

    def _parsed(self, lines: list[bytes]) -> Iterator[list[Payload]]:
        events = []
        try:
            if not self._number:
                lines[0] = self._without_mark(lines[0])
            for line in lines:
                self._number += 1
                if line.strip():
                    events.append(self._event(line))
        except UsageError:
            yield events
            raise
        yield events

    def _without_mark(self, line: bytes) -> bytes:
        """Return the first line without the byte order mark that some programs write."""
        if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise UsageError(f"{self._name} is UTF-16; save it as UTF-8.")
        return line.removeprefix(codecs.BOM_UTF8)

    def _event(self, line: bytes) -> Payload:
        if len(line) > _MAX_LINE:
            raise UsageError(f"{self._place()} is larger than 16 MiB.")
        try:
            value = msgspec.json.decode(line)
            deep = too_deep([value])
        except RecursionError:
            deep = True
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            why = str(error).removeprefix("JSON is malformed: ")
            raise UsageError(f"{self._place()} is not JSON: {why}.") from None
        if deep:
            raise UsageError(f"{self._place()} is nested too deeply.")
        if isinstance(value, dict):
            if value.keys() != _BOTH:
                return Payload([], value, self._place())
            args, kwargs = value["args"], value["kwargs"]
            if not isinstance(args, list) or not isinstance(kwargs, dict):
                raise UsageError(
                    f'{self._place()}: "args" has to be an array, and "kwargs" an object.'
                )
            return Payload(args, kwargs, self._place())
        return Payload(value if isinstance(value, list) else [value], {}, self._place())

    def _place(self) -> str:
        return f"{self._name}, line {self._number}"
