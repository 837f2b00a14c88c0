"""What the log of a running service looks like."""

import io
import json
import logging
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wampapp.errors import UsageError
from wampapp.observe.colours import always, by_name
from wampapp.observe.logs import (
    JsonFormatter,
    LineFormatter,
    TraceFilter,
    access_enabled,
    configure,
    log_access,
)
from wampapp.observe.tracing import Origin, running_for

DEADLINE = 60.0  # seconds
ROOT = Path(__file__).resolve().parents[3]


def record(
    level: int = logging.INFO, text: str = "Ada says %s", *args: object
) -> logging.LogRecord:
    return logging.LogRecord("hello", level, __file__, 1, text, args or ("hello",), None)


def test_a_line_has_clock_name_and_text() -> None:
    entry = record()
    clock = time.strftime("%H:%M:%S", time.localtime(entry.created))
    assert LineFormatter().format(entry) == f"{clock}  hello  Ada says hello"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("hello", "\x1b[36mhello\x1b[0m"),
        ("hello.db", "\x1b[36mhello.db\x1b[0m"),
        ("com.tea", "\x1b[33mcom.tea\x1b[0m"),
        ("com", "com"),
        ("helloes", "helloes"),
    ],
)
def test_the_names_of_apps_and_what_is_below_them_have_colours(name: str, shown: str) -> None:
    entry = record()
    entry.name = name
    line = LineFormatter(colour_of=by_name(["hello", "com.tea"])).format(entry)
    assert line[10:] == f"{shown}  Ada says hello"


def test_of_several_processes_each_has_one_colour() -> None:
    line = LineFormatter(2, always(1)).format(record())
    assert line[10:] == "\x1b[33mhello[2]\x1b[0m  Ada says hello"


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        (logging.DEBUG, "DEBUG: "),
        (logging.INFO, ""),
        (logging.WARNING, "WARNING: "),
        (logging.ERROR, "ERROR: "),
        (logging.CRITICAL, "CRITICAL: "),
    ],
)
def test_but_for_info_the_level_comes_before_the_text(level: int, shown: str) -> None:
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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ttwo", "one\ttwo"),
        ("one\ntwo", "one\n    two"),
        ("one\r\x1b[2Jtwo\x9b", "one\\x0d\\x1b[2Jtwo\\x9b"),
        ("Zoë 😀 日本", "Zoë 😀 日本"),
        ("a\udc80b\ud83d", "a\\udc80b\\ud83d"),
        ("a\u2028b\u202ec", "a\\u2028b\\u202ec"),
    ],
)
def test_no_control_character_reaches_the_terminal(text: str, shown: str) -> None:
    line = LineFormatter().format(record(logging.INFO, "%s", text))
    assert line.partition("  hello  ")[2] == shown
    line.encode()


def test_a_traceback_forges_no_line() -> None:
    entry = record(logging.ERROR)
    try:
        raise ValueError("x\n12:00:00  wampapp  forged\x1b[2J\udc80")
    except ValueError:
        entry.exc_info = sys.exc_info()
    lines = LineFormatter().format(entry).splitlines()
    assert lines[-2:] == ["ValueError: x", "    12:00:00  wampapp  forged\\x1b[2J\\udc80"]


# One JSON object a line.


def as_json(entry: logging.LogRecord) -> dict[str, Any]:
    """Format a record, which must be one line for every reader, and read it again."""
    line = JsonFormatter().format(entry)
    assert len(line.splitlines()) == 1
    line.encode()
    found: dict[str, Any] = json.loads(line)
    return found


def with_extra(**extra: object) -> dict[str, Any]:
    entry = record()
    vars(entry).update(extra)
    found = as_json(entry)
    assert list(found)[:4] == ["time", "level", "logger", "message"]
    return dict(list(found.items())[4:])


def test_a_json_line_has_time_level_logger_and_message() -> None:
    entry = record(logging.WARNING)
    entry.created = datetime(2026, 3, 1, 14, 3, 22, 120_900, UTC).timestamp()
    assert JsonFormatter().format(entry) == (
        '{"time":"2026-03-01T14:03:22.120Z","level":"warning","logger":"hello",'
        '"message":"Ada says hello"}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "one\ttwo\nthree\r\nfour\x0b\x0c\x1b[2J\x00",
        "".join(map(chr, range(0x100))),
        "one\x1c\x1d\x1e\x85\u2028\u2029two",
        'quotes " and \\ backslashes \\u2028',
        "Zoë 😀 日本",
        "%d %s %",
        "",
    ],
)
def test_json_carries_every_text_on_one_line(text: str) -> None:
    assert as_json(record(logging.INFO, "%s", text))["message"] == text
    assert with_extra(note=text, nested=[{text: text}]) == {"note": text, "nested": [{text: text}]}


def test_lone_surrogates_do_not_break_a_json_line() -> None:
    assert as_json(record(logging.INFO, "%s", "a\udc80b"))["message"] == "a\\udc80b"
    assert with_extra(note="a\udc80b", **{"k\ud83d": 1}) == {"note": "a\\udc80b", "k\\ud83d": 1}
    nested = with_extra(note=["a\udc80b"], fine=[1])
    assert nested == {"note": r"['a\udc80b']", "fine": [1]}


def test_json_has_the_traceback_as_a_text() -> None:
    entry = record(logging.ERROR)
    try:
        raise ValueError("so much\n\udc80")
    except ValueError:
        entry.exc_info = sys.exc_info()
    found = as_json(entry)
    assert found["exception"].startswith("Traceback (most recent call last):\n  File ")
    assert found["exception"].endswith("\nValueError: so much\n\\udc80")
    assert found["message"] == "Ada says hello"


def test_json_has_no_traceback_where_there_is_none() -> None:
    entry = record()
    entry.exc_info = (None, None, None)  # as of logger.exception outside of an except clause
    assert "exception" not in as_json(entry)


def test_json_has_a_stack_that_was_asked_for() -> None:
    entry = record()
    entry.stack_info = "Stack (most recent call last):\n  here"
    assert as_json(entry)["stack"] == "Stack (most recent call last):\n  here"


class Silent:
    def __str__(self) -> str:
        raise LookupError("no text")


@dataclass
class Item:
    sku: str
    left: int


def test_json_carries_what_extra_adds() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    found = with_extra(
        number=7,
        big=2**100,
        nothing=None,
        nested={"list": [1.5, True, "x"]},
        when=datetime(2026, 3, 1, tzinfo=UTC),
        item=Item("A1", 3),
        kind=int,
        silent=Silent(),
        cyclic=cyclic,
        nan=float("nan"),
    )
    assert found == {
        "number": 7,
        "big": 2**100,
        "nothing": None,
        "nested": {"list": [1.5, True, "x"]},
        "when": "2026-03-01T00:00:00Z",
        "item": {"sku": "A1", "left": 3},
        "kind": "<class 'int'>",
        "silent": "<Silent without a text>",
        "cyclic": "[[...]]",
        "nan": None,
    }


def test_an_extra_of_a_taken_name_gets_an_underscore() -> None:
    assert with_extra(time=1, level=2, level_=3) == {"time_": 1, "level_": 2, "level__": 3}


def test_arguments_that_do_not_fit_are_told_in_the_same_form() -> None:
    entry = record(logging.INFO, "sold %d", "three")
    message = as_json(entry)["message"]
    assert message.startswith("sold %d (its arguments do not fit: %d format")
    silent = as_json(record(logging.INFO, "sold %s", Silent()))["message"]
    assert silent == "sold %s (its arguments do not fit: no text)"


# Setting it up.


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


@pytest.mark.parametrize(
    ("level", "number"),
    [
        ("debug", logging.DEBUG),
        ("INFO", logging.INFO),
        ("Warning", logging.WARNING),
        ("error", logging.ERROR),
        ("critical", logging.CRITICAL),
        (logging.ERROR, logging.ERROR),
        (25, 25),
    ],
)
def test_a_level_has_a_name_or_a_number(level: int | str, number: int) -> None:
    with bare_root() as root:
        configure(level, io.StringIO())
        assert root.level == number


@pytest.mark.parametrize(
    ("level", "number"),
    [
        ("debug", logging.INFO),
        ("info", logging.WARNING),
        ("warning", logging.WARNING),
        ("error", logging.ERROR),
    ],
)
def test_twisted_is_heard_when_somebody_looks_for_a_defect(level: str, number: int) -> None:
    with bare_root():
        configure(level, io.StringIO())
        assert logging.getLogger("twisted").level == number


@pytest.mark.parametrize("level", ["loud", "", "warn", "10", None, True, 1.5])
def test_an_unknown_level_is_told(level: Any) -> None:
    with bare_root() as root:
        with pytest.raises(UsageError) as caught:
            configure(level)
        assert str(caught.value) == (
            f"There is no log level {level!r}; choose debug, info, warning, error or critical."
        )
        assert root.handlers == []


@pytest.mark.parametrize("form", ["xml", "JSON", None])
def test_an_unknown_form_is_told_whoever_set_up_the_log(form: Any) -> None:
    with bare_root() as root:
        root.addHandler(logging.NullHandler())
        with pytest.raises(UsageError) as caught:
            configure(form=form)
        assert str(caught.value) == f"There is no log form {form!r}; choose text or json."


def test_json_goes_where_it_is_asked_to() -> None:
    with bare_root():
        stream = io.StringIO()
        configure("debug", stream, "json")
        shop = logging.getLogger("shop")
        shop.info("sold %d", 3, extra={"sku": "A1"})
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            shop.exception("failed")
        sold, failed = map(json.loads, stream.getvalue().splitlines())
        assert (sold["logger"], sold["message"], sold["sku"]) == ("shop", "sold 3", "A1")
        assert (failed["level"], failed["exception"][-17:]) == ("error", "ZeroDivisionError")
        age = datetime.now(UTC) - datetime.fromisoformat(sold["time"])
        assert abs(age.total_seconds()) < DEADLINE


@pytest.mark.parametrize("form", ["text", "json"])
def test_print_is_left_alone(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root():
        before = sys.stdout, sys.stderr, print
        configure("debug", form=form)
        print("printed")
        logging.getLogger("shop").info("logged")
        assert (sys.stdout, sys.stderr, print) == before
    out, err = capsys.readouterr()
    assert out == "printed\n"
    assert "logged" in err
    assert "printed" not in err


# The log of calls.


def test_calls_are_logged_where_debug_is_on() -> None:
    with bare_root():
        stream = io.StringIO()
        configure("info", stream)
        assert not access_enabled()
        log_access("com.example.add", 1234, 0.00142, "ok")
        assert stream.getvalue() == ""


def test_a_call_is_one_line() -> None:
    with bare_root():
        stream = io.StringIO()
        configure("debug", stream)
        assert access_enabled()
        log_access("com.example.add", 1234, 0.00142, "ok")
        log_access("com.example.add", None, 2, "wamp.error.canceled")
        lines = [line.partition("  ")[2] for line in stream.getvalue().splitlines()]
        assert lines == [
            "wampapp.access  DEBUG: com.example.add  from 1234  1.42 ms  ok",
            "wampapp.access  DEBUG: com.example.add  2000.00 ms  wamp.error.canceled",
        ]


def test_a_call_s_parts_are_fields_in_json() -> None:
    with bare_root():
        stream = io.StringIO()
        configure("debug", stream, "json")
        log_access("com.example.add", 1234, 0.0014200001, "ok")
        log_access("com.example.add", None, 2.0, "com.example.x\n")
        first, second = map(json.loads, stream.getvalue().splitlines())
        del first["time"]
        assert first == {
            "level": "debug",
            "logger": "wampapp.access",
            "message": "com.example.add  from 1234  1.42 ms  ok",
            "procedure": "com.example.add",
            "caller": 1234,
            "seconds": 0.00142,
            "outcome": "ok",
        }
        assert (second["caller"], second["outcome"]) == (None, "com.example.x\n")


def test_the_log_of_calls_can_be_turned_off_by_itself() -> None:
    access = logging.getLogger("wampapp.access")
    with bare_root():
        stream = io.StringIO()
        configure("debug", stream)
        access.setLevel(logging.INFO)
        try:
            assert not access_enabled()
        finally:
            access.setLevel(logging.NOTSET)


# What a program has set up, and what not.


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
    from wampapp.observe.logs import configure
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


# The trace that a line belongs to.

TRACE = "0af7651916cd43dd8448eb211c80319c"


def logged(form: str, origin: Origin | None, **extra: object) -> str:
    """Return what comes of a line that is logged on behalf of something."""
    with bare_root():
        stream = io.StringIO()
        configure(stream=stream, form=form)
        with running_for(origin):
            logging.getLogger("shop").info("sold", extra=extra)
        return stream.getvalue().rstrip("\n")


def test_json_has_the_trace_of_every_line() -> None:
    carried = Origin(f"00-{TRACE}-b7ad6b7169203331-01")
    assert json.loads(logged("json", carried))["trace"] == TRACE
    own = Origin()
    assert json.loads(logged("json", own))["trace"] == own.trace_id
    assert "trace" not in json.loads(logged("json", None))
    assert json.loads(logged("json", carried, trace="mine"))["trace"] == "mine"


def test_text_shows_a_trace_that_others_know_of() -> None:
    carried = Origin(f"00-{TRACE}-b7ad6b7169203331-01")
    assert logged("text", carried)[10:] == "shop  sold  trace=0af76519"
    own = Origin()
    assert logged("text", own)[10:] == "shop  sold"
    own.handed_on()
    assert logged("text", own)[10:] == f"shop  sold  trace={own.trace_id[:8]}"
    assert logged("text", None)[10:] == "shop  sold"
    assert logged("text", carried, trace="mine")[10:] == "shop  sold"


def test_a_trace_follows_the_text_and_not_the_traceback() -> None:
    entry = record(logging.ERROR, "%s", "two\nlines")
    try:
        raise ValueError("x")
    except ValueError:
        entry.exc_info = sys.exc_info()
    with running_for(Origin(f"00-{TRACE}-b7ad6b7169203331-01")):
        assert TraceFilter().filter(entry)
        lines = LineFormatter().format(entry).splitlines()
    assert lines[1] == "    lines  trace=0af76519"
    assert lines[-1] == "ValueError: x"
