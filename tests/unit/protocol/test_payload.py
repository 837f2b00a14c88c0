"""Plain values: what becomes of an argument before a serializer gets it."""

import asyncio
import datetime as dt
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, TypedDict
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from markupsafe import Markup
from twisted.internet.defer import Deferred

from tests.support.names import shown
from tests.support.payloads import JSON_TEXT, TEXT, exactly, payloads, returned
from wampapp.errors import PayloadNotEncodable
from wampapp.protocol.codec import CODECS
from wampapp.protocol.payload import MAX_DEPTH, append_payload, to_plain


@dataclass
class Point:
    x: int
    y: list[bytes]


@dataclass
class Holder:
    held: Any


class Struct(msgspec.Struct):
    when: dt.datetime
    inner: Point | None = None


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Typed(TypedDict):
    a: int


Named = namedtuple("Named", ["a", "b"])  # noqa: PYI024 - users have such ones
WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ([1, "a", b"b", None, True, 1.5], [1, "a", b"b", None, True, 1.5]),
        (Point(1, [b"x"]), {"x": 1, "y": [b"x"]}),
        ([Point(1, [])], [{"x": 1, "y": []}]),
        (
            Struct(WHEN, Point(1, [])),
            {"when": "2026-01-02T03:04:05.000600Z", "inner": {"x": 1, "y": []}},
        ),
        (Typed(a=1), {"a": 1}),
        (WHEN, "2026-01-02T03:04:05.000600Z"),
        (dt.datetime(2026, 1, 2, 3), "2026-01-02T03:00:00"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(3, 4), "03:04:00"),
        (dt.timedelta(days=1, seconds=2), "P1DT2S"),
        (
            UUID("5e6f4b5e-9f7c-4a43-8d0c-0c7f6f3c9c11"),
            "5e6f4b5e-9f7c-4a43-8d0c-0c7f6f3c9c11",
        ),
        (Decimal("1.50"), "1.50"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        ({"k": Colour.RED}, {"k": "red"}),
        ((1, (2, b"3")), [1, [2, b"3"]]),
        (Named(1, 2), [1, 2]),
        ({7}, [7]),
        (frozenset({b"7"}), [b"7"]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        ([bytearray(b"ab"), {"k": memoryview(b"cd")}], [b"ab", {"k": b"cd"}]),
    ],
    ids=lambda value: shown(value)[:40],
)
def test_a_value_is_made_plain(value: Any, expected: Any) -> None:
    assert exactly(to_plain(value)) == exactly(expected)


class Shouting(str):
    """A string that says it looks different, as those of templates and of documents do."""

    def __str__(self) -> str:
        return "NOT THIS"

    def __format__(self, spec: str) -> str:
        return "NOT THIS"


class Cents(int):
    def __int__(self) -> int:
        return -1


class Degrees(float):
    def __float__(self) -> float:
        return -1.0


class Blob(bytes):
    pass


class Buffer(bytearray):
    pass


class Moment(dt.datetime):
    pass


class Day(dt.date):
    pass


class Hour(dt.time):
    pass


class Span(dt.timedelta):
    pass


class Price(Decimal):
    pass


class Number(UUID):
    pass


class Row(dict[str, Any]):
    pass


class Rows(list[Any]):
    pass


class Tags(set[str]):
    pass


OF_SUBCLASSES = pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Shouting("ab"), "ab"),
        (Markup("<b>"), "<b>"),
        (Cents(7), 7),
        (Degrees(1.5), 1.5),
        (Blob(b"ab"), b"ab"),
        (Buffer(b"ab"), b"ab"),
        (Moment(2026, 1, 2, 3, 4, 5, 600, tzinfo=dt.UTC), "2026-01-02T03:04:05.000600Z"),
        (Day(2026, 1, 2), "2026-01-02"),
        (Hour(3, 4, 5, 600), "03:04:05.000600"),
        (Span(days=1, seconds=2), "P1DT2S"),
        (Price("1.50"), "1.50"),
        (
            Number("5e6f4b5e-9f7c-4a43-8d0c-0c7f6f3c9c11"),
            "5e6f4b5e-9f7c-4a43-8d0c-0c7f6f3c9c11",
        ),
        (Row(a=Cents(1)), {"a": 1}),
        (Rows([Shouting("a")]), ["a"]),
        (Tags({"a"}), ["a"]),
    ],
    ids=lambda value: type(value).__name__,
)


@OF_SUBCLASSES
def test_a_value_of_a_subclass_is_made_plain_as_its_base_is(value: Any, expected: Any) -> None:
    assert exactly(to_plain(value)) == exactly(expected)
    assert exactly(to_plain([value, {"k": value}])) == exactly([expected, {"k": expected}])
    assert exactly(to_plain(Holder(value))) == exactly({"held": expected})


@pytest.mark.parametrize(
    ("key", "expected"), [(Markup("a"), "a"), (Cents(7), "7"), (Day(2026, 1, 2), "2026-01-02")]
)
def test_a_key_of_a_subclass_is_made_plain_as_its_base_is(key: Any, expected: str) -> None:
    assert exactly(to_plain({key: 1})) == exactly({expected: 1})


class Foreign:
    """As numpy's scalars are: `numpy.bool` is not `bool`, and has a plain value."""

    def tolist(self) -> bool:
        return True


Foreign.__module__, Foreign.__qualname__ = "numpy", "bool"


def test_a_type_that_is_refused_is_named_in_full() -> None:
    with pytest.raises(PayloadNotEncodable, match=r"type numpy\.bool; send its \.tolist\(\)\.$"):
        to_plain({"k": Foreign()})
    with pytest.raises(PayloadNotEncodable, match=r"of type fractions\.Fraction\.$"):
        to_plain(Fraction(1, 2))
    with pytest.raises(PayloadNotEncodable, match=r"of type complex\.$"):
        to_plain(1j)


AWAIT = "sent: it has yet to be awaited; write 'await' before the call that returned it."


async def coroutine_function() -> None: ...


async def stream() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (
            coroutine_function,
            "it has yet to be awaited; write 'await' before the call that returned it.",
        ),
        (Deferred, ": it has yet to be awaited; write 'await' before the call that returned it."),
        (stream, "of type async_generator; make a list of it: [item async for item in ...]."),
        (lambda: (n for n in [1]), "of type generator; make a list of it: list(...)."),
        (lambda: map(int, []), "of type map; make a list of it: list(...)."),
        (lambda: stream, "of type function; write () behind its name to call it."),
        (lambda: [].append, "method; write () behind its name to call it."),
        (lambda: ValueError("x"), "of type ValueError; raise it instead."),
    ],
    ids=["coroutine", "Deferred", "stream", "generator", "map", "function", "method", "exception"],
)
def test_what_is_sent_by_mistake_is_refused_with_what_to_write(
    make: Callable[[], Any], remedy: str
) -> None:
    value = make()
    for payload in (value, [value], {"k": [value]}):
        with pytest.raises(PayloadNotEncodable) as caught:
            to_plain(payload)
        assert caught.value.message.endswith(remedy)
    if hasattr(value, "close"):
        value.close()


def test_a_future_is_refused_with_what_to_write() -> None:
    async def main() -> None:
        with pytest.raises(PayloadNotEncodable, match="it has yet to be awaited; write 'await'"):
            to_plain([asyncio.get_running_loop().create_future()])

    asyncio.run(main())


@given(payloads(TEXT))
def test_a_plain_value_stays_as_it_is(value: Any) -> None:
    assert exactly(to_plain(value)) == exactly(value)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        [1, object()],
        {"k": [object()]},
        1j,
        range(3),
        (number for number in [1]),
        Path("x"),
        ValueError("x"),
        test_a_plain_value_stays_as_it_is,
        ...,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_of_another_type_cannot_be_sent(value: Any) -> None:
    with pytest.raises(PayloadNotEncodable) as caught:
        to_plain(value)
    assert caught.value.message.startswith("A value cannot be sent: there is no plain form ")
    assert caught.value.uri == "wampapp.error.payload_not_encodable"


def test_a_very_deep_value_cannot_be_sent() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(PayloadNotEncodable, match="nests more than 200"):
        to_plain(value)


@pytest.mark.parametrize(
    "wrap",
    [lambda v: [v], lambda v: {"k": v}, lambda v: (v,), lambda v: [1, {"k": v}]],
    ids=["list", "dictionary", "tuple", "both"],
)
@pytest.mark.parametrize("inner", [[], {}, [1], {"k": 1}, (), {1, 2}], ids=repr)
def test_what_a_peer_of_ours_would_not_read_is_not_sent(
    wrap: Callable[[Any], Any], inner: Any
) -> None:
    """The bound for what is sent is the bound for what is read, in every serializer."""
    value = inner
    while deep(value) < MAX_DEPTH - 2:
        value = wrap(value)
    while deep(value) < MAX_DEPTH - 1:
        value = [value]
    for codec in CODECS:  # the list of arguments is one more
        sent = codec.encode(append_payload([50, 1, {}], [value], {"k": value}))
        assert codec.decode(sent)[:2] == [50, 1]
    for args, kwargs in (([[value]], {}), ([], {"k": [value]})):
        with pytest.raises(PayloadNotEncodable, match="nests more than 200"):
            append_payload([50, 1, {}], args, kwargs)


def deep(value: Any) -> int:
    """Return how many containers stand in one another."""
    items = value.values() if isinstance(value, dict) else value
    return 1 + max((deep(i) for i in items if not isinstance(i, int | str)), default=0)


def test_a_value_that_contains_itself_cannot_be_sent() -> None:
    value: list[Any] = []
    value.append({"k": value})
    with pytest.raises(PayloadNotEncodable, match="contains itself"):
        to_plain(value)


def test_a_dictionary_looks_alike_in_every_serializer() -> None:
    value = to_plain([{1: "one", UUID(int=2): "two", Level.HIGH: "three"}])
    seen = [returned(codec, value)[0][0] for codec in CODECS]
    assert seen == [seen[0]] * len(CODECS)


@given(payload=payloads(JSON_TEXT))
def test_what_was_made_plain_looks_alike_in_every_serializer(payload: Any) -> None:
    value = to_plain((payload, {"when": WHEN, "set": {payload} if payload is None else ()}))
    seen = [exactly(returned(codec, value)) for codec in CODECS]
    assert seen == [seen[0]] * len(CODECS)


@pytest.mark.parametrize(
    ("args", "kwargs", "tail"),
    [
        ((), {}, []),
        ((1, (2,)), {}, [[1, [2]]]),
        ((), {"k": Colour.RED}, [[], {"k": "red"}]),
        ([1], {"k": 2}, [[1], {"k": 2}]),
    ],
)
def test_a_payload_is_appended_as_far_as_there_is_one(
    args: Any, kwargs: dict[str, Any], tail: list[Any]
) -> None:
    head: list[Any] = [50, 1, {}]
    assert append_payload(head, args, kwargs) is head
    assert exactly(head) == exactly([50, 1, {}, *tail])
