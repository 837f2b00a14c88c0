"""What is logged waits within bounds, and nothing that is logged fails."""

import logging
import tracemalloc
from typing import Any

import msgspec
import pytest

from wampapp.components.telemetry.log_handler import (
    MAX_MESSAGE,
    MAX_WAITING,
    MAX_WAITING_BYTES,
    LogHandler,
)
from wampapp.components.telemetry.records import MAX_RECORDS, Line


def record(message: str = "x", name: str = "shop", **extra: Any) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"name": name, "msg": message, "levelno": 20, "levelname": "INFO", **extra}
    )


def everything(handler: LogHandler) -> list[Line]:
    found = []
    while handler.waiting:
        lines = handler.take()
        assert 0 < len(lines) <= MAX_RECORDS
        found += lines
    return found


def test_the_oldest_are_dropped_and_counted() -> None:
    handler = LogHandler()
    for number in range(MAX_WAITING + 25):
        handler.handle(record(str(number)))
    assert handler.waiting == MAX_WAITING
    assert handler.dropped == 25
    assert handler.by_level == {"info": MAX_WAITING + 25}
    assert [line.message for line in everything(handler)] == [
        str(number) for number in range(25, MAX_WAITING + 25)
    ]
    assert handler.dropped == 25


def test_memory_is_bounded() -> None:
    handler = LogHandler()
    tracemalloc.start()
    try:
        for number in range(20_000):
            handler.handle(record(f"{number:06}" * 200, extra_field="y" * 4000))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * MAX_WAITING_BYTES
    assert handler.dropped + handler.waiting == 20_000


def test_one_report_is_not_too_large() -> None:
    handler = LogHandler()
    for _ in range(600):
        handler.handle(record("x" * 10_000))
    lines = handler.take()
    assert len(lines[0].message) == MAX_MESSAGE
    assert sum(len(line.message) for line in lines) < 300_000


class Strange:
    def __str__(self) -> str:
        return "strange\0"


DEEP: list[Any] = []
DEEP.append(DEEP)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1, 1),
        (2**70, str(2**70)),
        (float("inf"), float("inf")),
        (b"\0", "b'\\x00'"),
        (Strange(), "strange\ufffd"),
        ({"a": (1, {"password": 2}), 3: None}, {"a": [1, {"password": "***"}], "3": None}),
        ("\ud800", "\ufffd"),
        ("z" * 20_000, "z" * MAX_MESSAGE),
    ],
)
def test_what_extra_adds(value: object, kept: object) -> None:
    handler = LogHandler()
    handler.handle(record(fact=value))
    (line,) = handler.take()
    assert line.data == {"fact": kept}
    msgspec.msgpack.encode(line)


def test_what_is_too_much_is_left_out() -> None:
    handler = LogHandler()
    handler.handle(record(a=["x" * 8000] * 5))
    handler.handle(record(loop=DEEP))
    large, deep = handler.take()
    assert large.data == {"left_out": "40022 bytes were too many"}
    assert deep.data is not None
    msgspec.msgpack.encode(deep)


def test_a_trace_is_kept() -> None:
    handler = LogHandler(lambda: "a" * 32)
    handler.handle(record())
    handler.handle(record(trace="b" * 32))
    assert [line.trace for line in handler.take()] == ["a" * 32, "b" * 32]


def test_its_own_log_does_not_travel() -> None:
    handler = LogHandler()
    handler.handle(record(name="wampapp.telemetry"))
    assert handler.take() == []


def test_a_record_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    handler = LogHandler()
    handler.handle(record("%d", args=("x",)))
    assert handler.take() == []
    assert "Logging error" in capsys.readouterr().err
