"""Commands of ours as processes, as a user starts them in a terminal."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from wampapp.runner.signals import ECHO

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0  # seconds


def environment(**changes: str) -> dict[str, str]:
    """The environment without our own variables, and with `changes`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WAMPAPP_")}
    # What a command of ours leaves open, it says on standard error, where the tests find it.
    return {**kept, "PYTHONWARNINGS": "default::ResourceWarning", **changes}


def wampapp(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `wampapp …` to its end."""
    return run(sys.executable, "-m", "wampapp", *words, **options)


def run(
    *words: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=env or environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        **options,  # type: ignore[call-overload]
    )


FULL_DISK = "Error: The output cannot be written: No space left on device.\n"


def onto_a_full_disk(
    *words: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run `wampapp …` with its output on a full disk; return its exit code and standard error."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "wampapp", *map(str, words)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=env or environment(),
            timeout=DEADLINE,
        )
    return done.returncode, done.stderr


class Process:
    """A command that runs until it is told to stop. What it prints is kept, stream by stream.

    With `terminal`, a signal reaches the processes that it starts too, as a terminal's Ctrl-C does.
    With `stdin`, its standard input lasts until :meth:`end_stdin`, or our own end.
    """

    def __init__(
        self,
        *words: str | Path,
        cwd: Path = ROOT,
        env: dict[str, str] | None = None,
        terminal: bool = False,
        stdin: bool = False,
    ) -> None:
        self.words = [str(word) for word in words]
        self._terminal = terminal
        self._process = subprocess.Popen(
            self.words,
            cwd=cwd,
            env=env or environment(),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=terminal,
        )
        self._news = threading.Condition()
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=streams)
            for streams in (
                (self._process.stdout, self.stdout),
                (self._process.stderr, self.stderr),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            with self._news:
                lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def text(self) -> str:
        return "\n".join([*self.stdout, *self.stderr])

    def until(self, pattern: str, deadline: float = DEADLINE) -> re.Match[str]:
        """Wait until a line of either stream matches; return the match."""

        def find() -> re.Match[str] | None:
            for line in [*self.stdout, *self.stderr]:
                if found := re.search(pattern, line):
                    return found
            return None

        with self._news:
            self._news.wait_for(lambda: find() or not self._alive(), deadline)
            found = find()
        assert found, f"{self.words} never said {pattern!r}; it said:\n{self.text}"
        return found

    def _alive(self) -> bool:
        return any(reader.is_alive() for reader in self._readers) or self._process.poll() is None

    def end_stdin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def send(self, number: int) -> None:
        if self._terminal:
            os.killpg(self.pid, number)
        else:
            self._process.send_signal(number)

    def send_again(self, number: int = signal.SIGINT) -> None:
        """Send a second signal, after the span in which it would be an echo of the first.

        The process must have said that it got the first one: no clock of ours can tell.
        """
        time.sleep(ECHO)
        self.send(number)

    def wait(self, deadline: float = DEADLINE) -> int:
        """Wait for the end; return the exit code."""
        code = self._process.wait(deadline)
        for reader in self._readers:
            reader.join(deadline)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return code

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and wait for the end; return the exit code."""
        if self._process.poll() is None:
            self.send(number)
        return self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process.poll() is None:
            self.send(signal.SIGKILL)
        self.wait()


class Wampapp(Process):
    """`wampapp …` that runs until it is told to stop."""

    def __init__(self, *words: str | Path, **options: object) -> None:
        super().__init__(sys.executable, "-m", "wampapp", *words, **options)  # type: ignore[arg-type]


@contextlib.contextmanager
def serving(*words: str | Path, **options: object) -> Iterator[Wampapp]:
    """Run `wampapp run …` while a block is open; it must start, and end as it should."""
    with Wampapp("run", *words, **options) as process:
        process.until("Press Ctrl-C")
        yield process
        assert process.stop() == 0, process.text


class EmbeddedRouter(Wampapp):
    """Our own router in a process of its own, on a free port or the one given."""

    realm = "realm1"

    def __init__(
        self, port: int = 0, *options: str | Path, env: dict[str, str] | None = None
    ) -> None:
        super().__init__("router", "--port", str(port), *options, env=env)
        try:
            self.port = int(self.until(r"RawSocket +rs://\S+:(\d+)")[1])
            self.until("Press Ctrl-C")
        except BaseException:
            self.__exit__()
            raise

    @property
    def rs_url(self) -> str:
        return f"rs://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"
