"""An app with every kind of type, and with names and texts that generated code stumbles over."""

import dataclasses
import datetime as dt
import enum
from collections.abc import AsyncIterator, Generator, Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec

from wampapp import App, WampError

app = App(prefix="com.odd", title="odd", version="2")


class Colour(enum.Enum):
    """What light does."""

    RED = "red"
    BLUE = "blue"


class Point(NamedTuple):
    """Where something is."""

    x: float
    y: float


@dataclasses.dataclass
class Tree:
    """A tree."""

    name: str
    children: "list[Tree]" = dataclasses.field(default_factory=list)
    parent: "Tree | None" = None


class Cat(msgspec.Struct, tag_field="kind", tag="cat"):
    """It purrs."""

    lives: int = 9


class Dog(msgspec.Struct, tag_field="kind", tag="dog"):
    """It barks."""

    name: str


class Odd(msgspec.Struct, kw_only=True):
    """Every kind of type.

    Attributes:
        data: octets; not text
    """

    data: bytes
    when: dt.datetime
    day: dt.date
    at: dt.time
    long: dt.timedelta
    price: Decimal
    uuid: UUID
    colour: Colour = Colour.RED
    mode: Literal["a", "b", 3] = "a"
    numbers: dict[int, float] = {}
    pets: list[Cat | Dog] = []
    place: Point | None = None
    tree: Tree | None = None
    list: "tuple[int, str] | None" = None
    days: set[dt.date] = msgspec.field(default_factory=lambda: {dt.date(2024, 2, 29)})
    class_: Annotated[int, msgspec.Meta(ge=1)] = msgspec.field(name="class", default=1)
    mixed: int | str | None = None


class Options(TypedDict, total=False):
    """What may be said."""

    loud: bool


@app.register
def same(odd: Odd) -> Odd:
    """Return what it is given."""
    return odd


@app.register(".list")
def list_all(*, list: bool = False, options: Options | None = None) -> list[Odd]:  # noqa: A002
    """List nothing.

    \"\"\" */ \\ \\N{BULLET} `${x}` \u202e\x00 "
    """
    return []


@app.register(".colours.add")
def add_colour(colour: Colour, days: set[dt.date] = frozenset(), /) -> int:  # type: ignore[assignment]
    return len(days)


@app.register(".places.add")
def add_place(point: Point, *more: Point, self: str = "", result: int = 0) -> int:
    return 1 + len(more) + result


@app.register(".<number>.<name>.square")
def square(number: int, name: str, times: int = 2) -> int:
    return number**times


@app.register(".files.<path:rest>")
def file(rest: str) -> bytes:
    return rest.encode()


@app.register
def count(n: int, until: dt.date | None = None) -> Iterator[int]:
    yield from range(n)


@app.register
def ended(n: int) -> Generator[Point, None, str]:
    for at in range(n):
        yield Point(at, at)
    return "the end"


@app.register(errors=["com.odd.too_much"])
async def failing(n: int) -> AsyncIterator[Odd]:
    """Fail.

    Raises:
        WampError: always
    """
    raise WampError("com.odd.too_much", n, left=3)
    yield


@app.register(errors=["com.odd.too_much"])
def fail() -> None:
    raise WampError("com.odd.too_much", 1, left=3)


@app.register
def moment(when: dt.datetime = dt.datetime(2024, 1, 1)) -> dt.datetime:
    return when


@app.register
def anything(value: Any = None, **others: Any) -> Any:
    return [value, others]


@app.register
def tell(sku: str, **more: int) -> None:
    """Publish what there is to hear."""
    app.sync.publish(".told", sku, dt.datetime(2024, 1, 1, tzinfo=dt.UTC), **more)
    app.sync.publish(".12.left", items=[Point(1, 2)])


@app.publishes(".told")
def told(sku: str, when: dt.datetime, /, handler: int = 1) -> None:
    """Something was told."""


@app.publishes(".<number>.left")
def left(number: int, items: list[Point]) -> None:
    """Something is left."""


heard: list[Any] = []


@app.subscribe
def hear(odd: Odd, *, loud: bool = False) -> None:
    """Hear."""
    heard.append((odd, loud))


@app.subscribe(".rooms.<room>")
def enter(room: str, who: str) -> None:
    heard.append((room, who))
