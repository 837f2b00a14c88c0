"""The log of a running service: the standard library's logging, as tidy lines or as JSON."""

from __future__ import annotations

import logging
import re
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec

from wampapp.errors import UsageError
from wampapp.observe.colours import coloured, has_colours
from wampapp.observe.tracing import current

if TYPE_CHECKING:
    from wampapp.observe.colours import ColourOf

#: The names of levels that :func:`configure` takes.
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}

#: The forms of a line that :func:`configure` takes.
FORMS: Final = ("text", "json")

_access: Final = logging.getLogger("wampapp.access")

# Control characters, the ones that end a line in some readers or turn its direction, and lone
# surrogates, which cannot be encoded. Tabs and newlines stay.
_UNSAFE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_OURS: Final = re.compile(r"^(?=\d\d:\d\d:\d\d  )", re.MULTILINE)

# What JSON allows in a string as it is, but terminals obey or some readers take for a line's end.
_BARE: Final = re.compile(r"[\x7f-\x9f\u2028\u2029]")

# What every record has; anything else was put there by `extra=`.
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


#: So many digits of a trace's id tell it from the others of a day.
_SHORT: Final = 8


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class TraceFilter(logging.Filter):
    """Gives each record of a call, an event, a request or a task the id of its trace.

    It is the record's attribute ``trace``: 32 hexadecimal digits. Add it to a handler, which sees
    a record where it was logged.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True, for every record is shown."""
        origin = current()
        if origin is not None and not hasattr(record, "trace"):
            record.trace = origin.trace_id
        return True


class LineFormatter(logging.Formatter):
    """``14:03:22  hello  Ada says hello``; but for INFO, the level comes before the text.

    Where others know of the trace, as after a call of another service, its first digits follow:
    ``trace=4bf92f35``.

    Args:
        worker: which of several processes this is: ``hello[2]``; None for the only one.
        colour_of: returns the number of a logger's colour by its name; None for no colours.
    """

    def __init__(self, worker: int | None = None, colour_of: ColourOf | None = None) -> None:
        super().__init__()
        self._mark = "" if worker is None else f"[{worker}]"
        self._colour_of = colour_of

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, followed by its traceback if it has one."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        usual = logging.INFO <= record.levelno < logging.WARNING
        level = "" if usual else f"{record.levelname}: "
        # What callers send may be in it: no line that it begins looks like one of ours, and no
        # control sequence reaches the terminal.
        text = _UNSAFE.sub(_escaped, record.getMessage()).replace("\n", "\n    ")
        line = f"{clock}  {self._who(record.name)}  {level}{text}{_shared_trace(record)}"
        if record.exc_info:
            line = f"{line}\n{_quoted(self.formatException(record.exc_info))}"
        if record.stack_info:
            line = f"{line}\n{_quoted(self.formatStack(record.stack_info))}"
        return line

    def _who(self, name: str) -> str:
        colour = None if self._colour_of is None else self._colour_of(name)
        return name + self._mark if colour is None else coloured(name + self._mark, colour)


def _shared_trace(record: logging.LogRecord) -> str:
    """Return the beginning of a trace's id, where one can look for more of it elsewhere."""
    origin = current()
    trace: str | None = getattr(record, "trace", None)
    if origin is None or not origin.is_shared or trace != origin.trace_id:
        return ""
    return f"  trace={trace[:_SHORT]}"


def _quoted(traceback: str) -> str:
    # An exception's text may come from a caller, too.
    return _OURS.sub("    ", _UNSAFE.sub(_escaped, traceback))


class JsonFormatter(logging.Formatter):
    """``{"time":"2026-03-01T14:03:22.120Z","level":"info","logger":"hello","message":"..."}``.

    A traceback is in ``exception``, a stack that was asked for in ``stack``. What ``extra=`` adds
    follows under its own name, or with an underscore where the name is taken.

    Args:
        worker: which of several processes this is, for the field ``worker``; None for the only one.
    """

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._mark = {} if worker is None else {"worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one JSON object on exactly one line."""
        when = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
        fields: dict[str, Any] = {
            "time": f"{when.isoformat(timespec='milliseconds')}Z",
            "level": record.levelname.lower(),
            "logger": _encodable(record.name),
            **self._mark,
            "message": _encodable(_message(record)),
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = _encodable(self.formatException(record.exc_info))
        if record.stack_info:
            fields["stack"] = _encodable(record.stack_info)
        for key, value in vars(record).items():
            if key not in _USUAL:
                name = _encodable(str(key))
                while name in fields:
                    name += "_"
                fields[name] = value
        return escaped_json(_json(fields))


def escaped_json(line: str) -> str:
    """Return JSON with what a terminal would obey, or a reader take for a line's end, escaped."""
    return _BARE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - logging would report it in lines of another form
        return f"{_text(record.msg)} (its arguments do not fit: {_text(error)})"


def _text(value: object) -> str:
    """Return an object's text, whatever the object makes of being asked for it."""
    try:
        return _encodable(str(value))
    except Exception:  # noqa: BLE001
        return f"<{type(value).__name__} without a text>"


def _encodable(text: str) -> str:
    return _SURROGATE.sub(_escaped, text)


def _json(fields: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(fields, enc_hook=_text).decode()
    except Exception:  # noqa: BLE001 - one of them cannot be encoded: find out which
        return msgspec.json.encode({key: _plain(fields[key]) for key in fields}).decode()


def _plain(value: Any) -> Any:
    try:
        return msgspec.Raw(msgspec.json.encode(value, enc_hook=_text))
    except Exception:  # noqa: BLE001 - lone surrogates deep inside, cycles, strange classes
        return _text(value)


def configure(
    level: int | str = logging.INFO,
    stream: TextIO | None = None,
    form: str = "text",
    worker: int | None = None,
    colour_of: ColourOf | None = None,
) -> None:
    """Show the log on the terminal, unless the program has set up logging by itself.

    Args:
        level: the lowest level that is shown: a number of the standard library's, or "debug",
            "info", "warning", "error" or "critical".
        stream: where it goes; standard error by default.
        form: "text" for people, or "json" for one JSON object a line.
        worker: which of several processes this is; None for the only one.
        colour_of: returns the number of a logger's colour on a terminal; None for no colours.

    Raises:
        UsageError: there is no such level or form.
    """
    lowest = _level(level)
    if form not in FORMS:
        raise UsageError(f"There is no log form {form!r}; choose text or json.")
    root = logging.getLogger()
    if root.handlers:
        return
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    if form == "json":
        handler.setFormatter(JsonFormatter(worker))
    else:
        is_coloured = colour_of is not None and has_colours(stream)
        handler.setFormatter(LineFormatter(worker, colour_of if is_coloured else None))
    handler.addFilter(TraceFilter())
    root.addHandler(handler)
    root.setLevel(lowest)
    # Twisted and Autobahn log every port and factory at INFO.
    chatter = logging.INFO if lowest <= logging.DEBUG else max(lowest, logging.WARNING)
    logging.getLogger("twisted").setLevel(chatter)


def _level(level: int | str) -> int:
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    if isinstance(level, str) and level.lower() in LEVELS:
        return LEVELS[level.lower()]
    raise UsageError(
        f"There is no log level {level!r}; choose debug, info, warning, error or critical."
    )


def access_enabled() -> bool:
    """Whether :func:`log_access` would show anything; ask before measuring."""
    return _access.isEnabledFor(logging.DEBUG)


def log_access(procedure: str, caller: int | None, seconds: float, outcome: str) -> None:
    """Log a call that was answered: ``com.example.add  from 1234  1.42 ms  ok``.

    It is at level DEBUG, from the logger ``wampapp.access``. In JSON the arguments are fields.

    Args:
        procedure: the procedure's URI.
        caller: the caller's session id, where it is known.
        seconds: how long it took.
        outcome: "ok", or the error's URI.
    """
    whose = "" if caller is None else f"from {caller}  "
    _access.debug(
        "%s  %s%.2f ms  %s",
        procedure,
        whose,
        seconds * 1000,
        outcome,
        extra={
            "procedure": procedure,
            "caller": caller,
            "seconds": round(seconds, 6),
            "outcome": outcome,
        },
    )
