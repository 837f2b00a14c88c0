"""A handler that runs a command of the system for each call, in a process group of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from wampapp.errors import CallTimeout, HandlerFailed
from wampapp.protocol.serializer import too_deep
from wampapp.registry.context import Invocation  # noqa: TC001 - the annotation is read at run time

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

#: No message is larger, so no output may be.
_MAX_OUTPUT: Final = 2**24
_MAX_LINE: Final = 2**16
#: The most bytes of a command's standard error that callers get with ``--debug``.
_MAX_STDERR: Final = 4096
_DYING_SECONDS: Final = 1.0


class CommandHandler:
    """The handler of a procedure that runs a command for each call.

    Args:
        words: the command and its arguments.
        logger: gets the lines that it writes to standard error.
        timeout: seconds after which it is killed; None for no limit.
        debug: whether the caller of a command that failed gets its standard error.
    """

    def __init__(
        self,
        words: Sequence[str],
        logger: logging.Logger,
        *,
        timeout: float | None = None,
        debug: bool = False,
    ) -> None:
        self.__doc__ = shlex.join(words)  # which the banner shows
        self._words = words
        self._logger = logger
        self._timeout = timeout
        self._debug = debug
        self._groups: set[int] = set()

    # *args and **kwargs have no annotations, because the banner would show them.
    async def __call__(self, invocation: Invocation, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        """Run the command.

        Args:
            invocation: the call.
            args: become ``args`` of the JSON object that the command reads.
            kwargs: become its ``kwargs``.

        Returns:
            What it printed: JSON, else text; None if it printed nothing.

        Raises:
            HandlerFailed: it cannot be run, failed, or printed what cannot be sent.
            CallTimeout: it took too long, and was killed.
        """
        process = _Process(self._logger)
        transport = await self._start(process, invocation)
        group = transport.get_pid()
        self._groups.add(group)
        try:
            stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
            if not stdin.is_closing():  # a command need not read
                stdin.write(msgspec.json.encode({"args": args, "kwargs": kwargs}) + b"\n")
                stdin.close()
            async with asyncio.timeout(self._timeout):
                await process.over
        except TimeoutError:
            self._logger.warning("The command took longer than %g s and was killed", self._timeout)
            raise CallTimeout(
                f"The command of {invocation.procedure} took longer than its {self._timeout:g} s."
            ) from None
        finally:
            _kill(group)  # also what the command has left behind
            self._groups.discard(group)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DYING_SECONDS):
                    await process.exited
            transport.close()
        if code := transport.get_returncode():
            raise self._failure(code, process)
        return _result(bytes(process.output))

    async def _start(
        self, process: _Process, invocation: Invocation
    ) -> asyncio.SubprocessTransport:
        env = {**os.environ, "WAMP_PROCEDURE": invocation.procedure}
        if invocation.caller is not None:
            env["WAMP_CALLER"] = str(invocation.caller)
        starting = asyncio.ensure_future(
            asyncio.get_running_loop().subprocess_exec(
                # In its own session, so that the terminal sends Ctrl-C only to us.
                lambda: process,
                *self._words,
                env=env,
                start_new_session=True,
            )
        )
        try:
            transport, _ = await asyncio.shield(starting)
        except asyncio.CancelledError:
            transport, _ = await starting
            _kill(transport.get_pid())
            transport.close()
            raise
        except (OSError, ValueError) as error:
            self._logger.error("The command cannot be run: %s", error)  # noqa: TRY400
            raise HandlerFailed(
                "The procedure's command cannot be run; the service's log says why."
            ) from None
        return transport

    def _failure(self, code: int, process: _Process) -> HandlerFailed:
        how = f"with exit code {code}" if code > 0 else f"by {_signal(-code)}"
        self._logger.warning("The command ended %s", how)
        details: dict[str, Any] = {"exit_code": code}
        if self._debug:
            details["stderr"] = process.stderr.decode(errors="replace")
        return HandlerFailed(f"The procedure's command ended {how}.", **details)

    def kill(self) -> None:
        """Kill all commands that run, with all that they have started."""
        for group in tuple(self._groups):
            _kill(group)


class _Process(asyncio.SubprocessProtocol):
    """What a command writes to its outputs, and when it is over.

    Attributes:
        output: what it wrote to standard output.
        stderr: the end of what it wrote to standard error.
        exited: a future: done when it has exited.
        over: a future: done when it has exited and its outputs are closed.
    """

    def __init__(self, logger: logging.Logger) -> None:
        loop = asyncio.get_running_loop()
        self._logger = logger
        self._line = b""
        self._open = {1, 2}
        self.output = bytearray()
        self.stderr = b""
        self.exited: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Collect standard output, and log the lines of standard error."""
        if fd == 1:
            if not self.over.done():
                self.output += data
            if len(self.output) > _MAX_OUTPUT and not self.over.done():
                self.over.set_exception(
                    HandlerFailed("The procedure's command printed more than 16 MiB.")
                )
            return
        self.stderr = (self.stderr + data)[-_MAX_STDERR:]
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > _MAX_LINE:
            lines.append(self._line)
            self._line = b""
        self._log(lines)

    def _log(self, lines: list[bytes]) -> None:
        for line in lines:
            self._logger.info("%s", line.decode(errors="backslashreplace").rstrip("\r"))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """Called when a pipe is closed."""
        if fd == 2 and self._line:
            self._log([self._line])
        self._open.discard(fd)
        self._check()

    def process_exited(self) -> None:
        """Called when the process has exited."""
        if not self.exited.done():
            self.exited.set_result(None)
        self._check()

    def _check(self) -> None:
        if self.exited.done() and not self._open and not self.over.done():
            self.over.set_result(None)


def _result(output: bytes) -> Any:
    try:
        text = output.decode("utf-8-sig")  # some programs begin with a byte order mark
    except UnicodeDecodeError:
        raise HandlerFailed("The procedure's command printed bytes that are not UTF-8.") from None
    if not text.strip():
        return None
    try:
        value = msgspec.json.decode(text)
        deep = too_deep([[value]])  # the router would end the session
    except RecursionError:
        deep = True
    except msgspec.DecodeError:
        if _has_nan(text):
            raise HandlerFailed(
                "The procedure's command printed NaN or Infinity, which JSON does not have."
            ) from None
        return text.rstrip("\n")
    if deep:
        raise HandlerFailed("The procedure's command printed JSON that is nested too deeply.")
    return value


def _has_nan(text: str) -> bool:
    """Return whether a text is JSON except for NaN and Infinity, which Python's ``json`` writes."""
    found: list[str] = []
    try:
        json.loads(text, parse_constant=found.append)
    except (ValueError, RecursionError):
        return False
    return bool(found)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
