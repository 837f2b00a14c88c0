"""Programs in other languages that run beside a service: started, restarted and stopped with it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wampapp.errors import EXIT_REFUSED, EXIT_USAGE, UsageError
from wampapp.observe.colours import coloured, has_colours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: Seconds before a guest that has ended is started again.
_DELAY: Final = 1.0
#: The seconds that guests get to end before they are killed.
_PATIENCE: Final = 10.0
#: Exit codes after which another start would end in the same way.
_FINAL: Final = (0, EXIT_USAGE, EXIT_REFUSED)


class Guest:
    """A program that is kept running.

    Args:
        name: what its lines begin with.
        words: its command.
        colour: which colour they have, as in :func:`~wampapp.observe.colours.coloured`; None for
            none.
        environ: its environment.
    """

    def __init__(
        self, name: str, words: Sequence[str], colour: int | None, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self._words = words
        self._environ = environ
        self._mark = name if colour is None else coloured(name, colour)
        self._process: subprocess.Popen[str] | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name=f"guest-{name}", daemon=True)

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def ask_to_end(self) -> None:
        """Ask it to end, and start it no more."""
        with self._lock:
            self._stopping.set()
            self._signal(signal.SIGTERM)

    def end(self, deadline: float) -> None:
        """Wait until it has ended; kill it after a time."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            with self._lock:
                self._signal(signal.SIGKILL)
            self._thread.join()

    def _signal(self, number: int) -> None:
        # To its group: a shell does not pass a signal on to what it runs.
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _keep(self) -> None:
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                try:
                    process = self._process = subprocess.Popen(  # noqa: S603 - the user's command
                        self._words,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        text=True,
                        errors="replace",
                        env=self._environ,
                        process_group=0,
                    )
                except OSError as error:
                    self._say(f"cannot be started: {error.strerror}")
                    return
            with process:
                for line in process.stdout or ():
                    self._say(line.rstrip("\n"))
            code = process.returncode
            if self._stopping.is_set():
                return
            how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
            if code in _FINAL:
                self._say(f"has ended ({how})")
                return
            self._say(f"has ended ({how}); it is started again in {_DELAY:g} s")
            if self._stopping.wait(_DELAY):
                return

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # standard error is closed
            print(f"{self._mark}  {line}", file=sys.stderr, flush=True)


def guest_words(commands: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the name and the words of each command.

    Raises:
        UsageError: one cannot be read, or its executable is missing.
    """
    found: list[tuple[str, list[str]]] = []
    names: set[str] = set()
    for command in commands:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"The guest {command!r} cannot be read: {error}.") from None
        if not words:
            raise UsageError("A guest is a command, such as --guest 'node worker.js'.")
        if shutil.which(words[0]) is None:
            raise UsageError(
                f"The guest {command!r} needs {words[0]!r}, which is neither on the path nor a "
                "program; install it, or mend the command."
            )
        last = next((word for word in reversed(words) if not word.startswith("-")), words[0])
        name = base = Path(last).stem or "guest"
        number = 1
        while name in names:
            number += 1
            name = f"{base}-{number}"
        names.add(name)
        found.append((name, words))
    return found


@contextlib.contextmanager
def guests(
    commands: Sequence[str], url: str, *, first_colour: int = 0
) -> Iterator[Callable[[], None]]:
    """Run programs until it is closed; one that fails is started again.

    What they print goes to standard error, each line with its program's name. They find the
    router's URL in ``WAMPAPP_URL``.

    Args:
        commands: the commands.
        url: the router's URL.
        first_colour: the colour of the first, as in :func:`~wampapp.observe.colours.coloured`.

    Yields:
        What starts them.

    Raises:
        UsageError: one cannot be read, or its executable is missing.
    """
    named = guest_words(commands)
    in_colour = has_colours(sys.stderr)
    environ = {**os.environ, "WAMPAPP_URL": url}
    running = [
        Guest(name, words, colour if in_colour else None, environ)
        for colour, (name, words) in enumerate(named, first_colour)
    ]
    started: list[Guest] = []

    def start() -> None:
        for guest in running:
            guest.start()
            started.append(guest)

    try:
        yield start
    finally:
        for guest in started:
            guest.ask_to_end()
        deadline = time.monotonic() + _PATIENCE
        for guest in started:
            guest.end(deadline)
