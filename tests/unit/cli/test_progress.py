"""The progress of a long command, drawn on a terminal of the test's."""

import io
import os
import pty
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest

from tests.support.process import DEADLINE
from wampapp.cli.verbs.progress import Progress


class Screen:
    """A terminal, and what was written on it."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.stream = os.fdopen(slave, "w")
        self.text = ""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 4096)
            except OSError:
                return
            with self._changed:
                self.text += data.decode()
                self._changed.notify_all()

    def until(self, pattern: str) -> None:
        """Wait until the text matches."""
        with self._changed:
            assert self._changed.wait_for(lambda: re.search(pattern, self.text), DEADLINE)


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.stream.close()


def test_a_bar_with_a_known_end(screen: Screen) -> None:
    with redirect_stderr(screen.stream), Progress(lambda: 1234, "events", lambda: 0.25):
        screen.until(r"\r\[#{6}-{18}\]  25%  1,234 events  [\d,]+/s")


def test_only_the_count_where_the_end_is_not_known(screen: Screen) -> None:
    with redirect_stderr(screen.stream), Progress(lambda: 7, "calls"):
        screen.until(r"\r7 calls  [\d,]+/s")
    assert "[" not in screen.text


def test_it_follows_what_is_done(screen: Screen) -> None:
    done = 1
    with redirect_stderr(screen.stream), Progress(lambda: done, "calls", lambda: done / 2):
        screen.until(r" 50%  1 calls")
        done = 2
        screen.until(r"100%  2 calls")


def test_it_disappears(screen: Screen) -> None:
    with redirect_stderr(screen.stream), Progress(lambda: 7, "calls", lambda: 0.5):
        screen.until("7 calls")
    screen.stream.write("done")
    screen.stream.flush()
    screen.until(r"\r +\rdone$")


def test_what_ends_at_once_is_not_drawn(screen: Screen) -> None:
    with redirect_stderr(screen.stream), Progress(lambda: 7, "calls"):
        pass
    screen.stream.write("done")
    screen.stream.flush()
    screen.until("done")
    assert screen.text == "done"


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    drawn = threading.Event()

    def count() -> int:
        drawn.set()
        return 7

    stream = io.StringIO()
    with redirect_stderr(stream), Progress(count, "calls"):
        assert not drawn.is_set()
    assert (stream.getvalue(), drawn.is_set()) == ("", False)


def test_nothing_is_drawn_where_it_may_not_be(screen: Screen) -> None:
    with redirect_stderr(screen.stream), Progress(lambda: 7, "events", shown=False):
        pass
    screen.stream.write("done")
    screen.stream.flush()
    screen.until("done")
    assert screen.text == "done"


def test_only_a_bar_that_is_drawn_imports_tqdm() -> None:
    import subprocess

    code = "import sys, wampapp.cli.verbs.call as _; print('tqdm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
