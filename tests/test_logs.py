"""What the log of a running service looks like."""

import io
import logging
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wampapp.logs import LineFormatter, configure

DEADLINE = 60.0  # seconds
ROOT = Path(__file__).parent.parent


def record(
    level: int = logging.INFO, text: str = "Ada says %s", *args: object
) -> logging.LogRecord:
    return logging.LogRecord("hello", level, __file__, 1, text, args or ("hello",), None)


def test_a_line_has_clock_name_and_text() -> None:
    entry = record()
    clock = time.strftime("%H:%M:%S", time.localtime(entry.created))
    assert LineFormatter().format(entry) == f"{clock}  hello  Ada says hello"


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        (logging.DEBUG, ""),
        (logging.INFO, ""),
        (logging.WARNING, "WARNING: "),
        (logging.ERROR, "ERROR: "),
        (logging.CRITICAL, "CRITICAL: "),
    ],
)
def test_from_warning_up_the_level_comes_before_the_text(level: int, shown: str) -> None:
    line = LineFormatter().format(record(level))
    assert re.fullmatch(rf"\d\d:\d\d:\d\d  hello  {shown}Ada says hello", line)


def test_a_traceback_follows_its_line() -> None:
    entry = record(logging.ERROR)
    try:
        raise ZeroDivisionError("so much")
    except ZeroDivisionError:
        entry.exc_info = sys.exc_info()
    first, second, *_, last = LineFormatter().format(entry).splitlines()
    assert first.endswith("hello  ERROR: Ada says hello")
    assert second == "Traceback (most recent call last):"
    assert last == "ZeroDivisionError: so much"


def test_a_stack_that_was_asked_for_follows_its_line() -> None:
    entry = record()
    entry.stack_info = "Stack (most recent call last):\n  here"
    assert LineFormatter().format(entry).endswith("hello\nStack (most recent call last):\n  here")


@contextmanager
def bare_root() -> Iterator[logging.Logger]:
    """The root logger as a program finds it that has set up nothing."""
    root, twisted = logging.getLogger(), logging.getLogger("twisted")
    before = root.handlers, root.level, twisted.level
    root.handlers = []
    root.setLevel(logging.WARNING)
    twisted.setLevel(logging.NOTSET)
    try:
        yield root
    finally:
        root.handlers = before[0]
        root.setLevel(before[1])
        twisted.setLevel(before[2])


def test_the_log_goes_where_it_is_asked_to() -> None:
    with bare_root():
        stream = io.StringIO()
        configure(stream=stream)
        logging.getLogger("shop").info("sold %d", 3)
        logging.getLogger("shop").debug("nobody sees this")
        assert re.fullmatch(r"\d\d:\d\d:\d\d  shop  sold 3\n", stream.getvalue())


def test_the_level_can_be_chosen() -> None:
    with bare_root():
        stream = io.StringIO()
        configure(logging.DEBUG, stream)
        logging.getLogger("shop").debug("everybody sees this")
        assert "everybody sees this" in stream.getvalue()


def test_the_chatter_of_twisted_is_left_out() -> None:
    with bare_root():
        stream = io.StringIO()
        configure(stream=stream)
        logging.getLogger("twisted").info("Starting factory")
        logging.getLogger("twisted").warning("Something is wrong")
        assert "Starting factory" not in stream.getvalue()
        assert "twisted  WARNING: Something is wrong" in stream.getvalue()


def test_a_program_s_own_setup_is_left_alone() -> None:
    with bare_root() as root:
        own = logging.NullHandler()
        root.addHandler(own)
        root.level = logging.ERROR
        configure()
        assert root.handlers == [own]
        assert root.level == logging.ERROR
        assert logging.getLogger("twisted").level == logging.NOTSET


def test_configuring_twice_shows_each_line_once() -> None:
    with bare_root():
        stream = io.StringIO()
        configure(stream=stream)
        configure(stream=stream)
        logging.getLogger("shop").warning("once")
        assert stream.getvalue().count("once") == 1


def test_standard_error_is_the_default() -> None:
    code = """
    import logging
    from wampapp.logs import configure
    configure()
    logging.getLogger("shop").info("sold")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("  shop  sold\n")
