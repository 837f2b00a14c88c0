"""A command of ours on a terminal: what a user sees there, types and presses."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Final, Self

from tests.support.process import DEADLINE, ROOT, environment

KEYS: Final = {
    "enter": "\r",
    "tab": "\t",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "escape": "\x1b",
    "backspace": "\x7f",
    "ctrl-c": "\x03",
    "ctrl-d": "\x04",
    "ctrl-u": "\x15",
    "ctrl-z": "\x1a",
}

#: What colours text, moves the cursor or sets a title.
_CONTROL: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-Z]|\x1b[=>78]"
)
#: Makes the terminal the one whose Ctrl-C reaches the command, and becomes the command.
_BEGIN: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A command on a pseudo-terminal of its own, the leader of its session.

    Args:
        words: the command.
        cwd: the folder it runs in.
        env: its variables; by default :func:`environment`.
        size: the rows and columns of the terminal.
    """

    def __init__(
        self,
        *words: str | Path,
        cwd: Path = ROOT,
        env: dict[str, str] | None = None,
        size: tuple[int, int] = (24, 80),
    ) -> None:
        self.words = [str(word) for word in words]
        self._end, other = pty.openpty()
        self.resize(*size)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-ISc", _BEGIN, *self.words],
                cwd=cwd,
                env={"TERM": "xterm", **(env or environment())},
                stdin=other,
                stdout=other,
                stderr=other,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._end)
            raise
        finally:
            os.close(other)
        self._news = threading.Condition()
        self._raw = b""
        self._seen = 0
        self._over = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._end, 65536)
            except OSError:  # Linux: nobody has the other end any more
                data = b""
            with self._news:
                self._raw += data
                self._over = not data
                self._news.notify_all()
            if not data:
                return

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def raw(self) -> str:
        """All that came, colours and other control sequences included."""
        return self._raw.decode(errors="replace")

    @property
    def text(self) -> str:
        """All that came, without control sequences, lines ending in a newline only."""
        return _CONTROL.sub("", self.raw).replace("\r\n", "\n")

    def resize(self, rows: int, columns: int) -> None:
        """Make the terminal another size; the command gets SIGWINCH."""
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str, *, enter: bool = True) -> None:
        """Type a text, and press Enter after it unless told not to."""
        os.write(self._end, text.encode() + (KEYS["enter"].encode() if enter else b""))

    def press(self, key: str) -> None:
        """Press a key: one of :data:`KEYS`, or a single character."""
        os.write(self._end, KEYS.get(key, key).encode())

    def until(self, pattern: str, deadline: float = DEADLINE) -> re.Match[str]:
        """Wait until what came since the last :meth:`until` has the pattern; return the match.

        What is typed comes back as the terminal's echo, so a pattern must not be in there.
        """

        def find() -> re.Match[str] | None:
            return re.compile(pattern, re.MULTILINE).search(self.text, self._seen)

        with self._news:
            self._news.wait_for(lambda: find() or self._over, deadline)
            found = find()
        assert found, f"{self.words} never showed {pattern!r}; it showed:\n{self.text}"
        self._seen = found.end()
        return found

    def until_it_waits(self) -> None:
        """Wait until the command's main thread sleeps, as it does when it waits for a key.

        Python's readline may lose a Ctrl-C that comes between the echo of a key and that.
        """
        end = time.monotonic() + DEADLINE
        status = Path(f"/proc/{self.pid}/stat")
        while status.read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < end, f"{self.words} never waits; it showed:\n{self.text}"
            time.sleep(0.001)

    def send(self, number: int) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def wait(self, deadline: float = DEADLINE) -> int:
        """Wait for the end; return the exit code."""
        try:
            code = self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.words} goes on; it showed:\n{self.text}") from None
        self._reader.join(deadline)
        if self._end >= 0:
            os.close(self._end)
            self._end = -1
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process.poll() is None:
            # The whole session: the command may have started others on this terminal.
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


class WampappTerminal(Terminal):
    """`wampapp …` on a terminal."""

    def __init__(self, *words: str | Path, **options: object) -> None:
        super().__init__(sys.executable, "-m", "wampapp", *words, **options)  # type: ignore[arg-type]
