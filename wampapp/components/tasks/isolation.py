"""Runs the functions of tasks in processes of their own, which can be ended.

A template process imports the function's module once and is forked for each attempt, which takes
milliseconds. It has one thread and no loop, so that forking it is safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from wampapp.components.tasks import tables
from wampapp.errors import WampappError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Each message between the worker and the process is so long, and MessagePack.
LENGTH: Final = struct.Struct("!I")
_MODULE: Final = "wampapp.components.tasks.isolated"


class ProcessDied(WampappError):
    """The process of an isolated task has ended without a result."""


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a function is.

    Attributes:
        module: the name of its module.
        file: the module's file, where it is not found by that name.
        name: its name in there.
    """

    module: str
    file: str
    name: str


class Job(msgspec.Struct, array_like=True):
    """What a process is to do.

    Attributes:
        place: where the function is.
        payload: its arguments, in MessagePack.
        context: id, name, attempt, failures and key of the task.
        memory: the most bytes of memory that it may have; None for no limit.
        trace: its place in a trace: a ``traceparent``.
    """

    place: Place
    payload: bytes
    context: tuple[int, str, int, int, str | None]
    memory: int | None
    trace: str | None = None


class Template:
    """The process that is forked for each attempt at the tasks of a module.

    Args:
        place: where a function of the module is.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def _started(self) -> socket.socket:
        if self._socket is not None and self._process is not None:
            if self._process.poll() is None:
                return self._socket
            self._socket.close()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - it is this very Python
                [sys.executable, "-m", _MODULE, str(theirs.fileno()), *self._arguments()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # A terminal's Ctrl-C is for the worker, which lets its tasks finish.
                start_new_session=True,
            )
        self._socket = ours
        return ours

    def _arguments(self) -> list[str]:
        return [self._place.module, self._place.file]

    async def run(self, job: Job, report: Callable[[float, str], None]) -> msgspec.Raw:
        """Run a function in a process of its own.

        If this is cancelled, the process is killed.

        Args:
            job: what it is to do.
            report: gets how far it is.

        Returns:
            What the function returns, in MessagePack.

        Raises:
            ProcessDied: the process ended without a result.
            BaseException: what the function raises.
        """
        template = self._started()
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(template, [b"f"], [theirs.fileno()])
        reader, writer = await asyncio.open_connection(sock=ours)
        pid: int | None = None
        try:
            writer.write(framed(msgspec.msgpack.encode(job)))
            while True:
                kind, *rest = tables.decode(await _read(reader))
                if kind == "pid":
                    pid = rest[0]
                elif kind == "progress":
                    report(*rest)
                elif kind == "result":
                    return msgspec.Raw(rest[0])
                else:
                    raise _unpickled(rest[0], rest[1])
        except (EOFError, ConnectionError):
            raise ProcessDied(
                "Its process ended without a result; it was killed, or ran out of memory."
            ) from None
        finally:
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            writer.close()

    def close(self) -> None:
        """End the template."""
        if self._socket is not None:
            self._socket.close()  # which ends it
            self._socket = None
        if self._process is not None:
            self._process.wait()
            self._process = None


def framed(data: bytes) -> bytes:
    """Return a message with its length before it."""
    return LENGTH.pack(len(data)) + data


async def _read(reader: asyncio.StreamReader) -> bytes:
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return await reader.readexactly(length)


def _unpickled(data: bytes, text: str) -> BaseException:
    import pickle

    try:
        # From a process of ours, which runs the user's own code.
        error = pickle.loads(data)  # noqa: S301
    except Exception:  # noqa: BLE001 - an exception may refuse to be taken apart or put together
        return RuntimeError(text)
    return error if isinstance(error, BaseException) else RuntimeError(text)
