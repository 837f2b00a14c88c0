"""What the console is tried with: each kind of argument, of result and of topic."""

import asyncio
import enum
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec

from wampapp import App, WampError

app = App(prefix="com.shop", title="Shop", version="1.4", description="All that a shop does.")

MARKUP = (
    "<img src=x onerror=\"document.title='broken in'\"><script>document.title='broken in'</script>"
)
#: It rings, deletes, hides what follows, and turns it round.
CONTROL = "\x07\x08\x1b[2J\u202egnp\u200b\u0085"


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Address(msgspec.Struct):
    """Where a parcel goes.

    Attributes:
        street: the street and the number.
    """

    street: str
    city: str = "Berlin"


class Card(msgspec.Struct, tag="card"):
    number: str


class Cash(msgspec.Struct, tag="cash"):
    pass


class Order(msgspec.Struct):
    """An order that was taken."""

    sku: str
    quantity: int
    given: dict[str, Any]


class SoldOut(WampError):
    def __init__(self, sku: str) -> None:
        super().__init__("com.shop.error.sold_out", f"There is no {sku} left.", sku=sku, left=0)


@app.register(
    example={"sku": "apple", "quantity": 2, "to": {"street": "Main Street 1"}, "tags": ["ripe"]},
    errors=["com.shop.error.sold_out"],
)
def order(
    sku: str,
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1,
    *,
    to: Address | None = None,
    size: Size = Size.SMALL,
    pay: Card | Cash | None = None,
    tags: list[str] = [],  # noqa: B006
    colour: Literal["red", "green"] = "red",
    gift: bool = False,
    labels: dict[str, int] = {},  # noqa: B006
) -> Order:
    """Order an article.

    It is delivered on the next working day, unless that is a holiday. What is ordered after six
    in the evening counts as ordered on the next day.

    Args:
        sku: the article.
        quantity: how many of it.
        to: where it goes; to the shop without an address.

    Returns:
        the order as it was taken.

    Raises:
        SoldOut: there is not enough left.
    """
    if sku == "pear":
        raise SoldOut(sku)
    given = {"to": to, "size": size, "pay": pay, "tags": tags, "gift": gift, "labels": labels}
    return Order(sku, quantity, {**given, "colour": colour})


@app.register("com.shop.<sku>.price")
def price(sku: str, *amounts: int) -> float:
    """Return what an article costs."""
    return len(sku) * sum(amounts or (1,))


@app.register
async def bake(steps: int, pause: float = 0.0) -> AsyncIterator[str]:
    """Bake a pie, and tell about each step."""
    for step in range(steps):
        yield f"step {step}"
        await asyncio.sleep(pause)


@app.register(deprecated="Use com.shop.order.")
def buy(sku: Any, count: int = 1, /, note: str = "") -> list[Any]:
    """Buy an article."""
    return [sku, count, note]


@app.register
async def announce(sku: str, count: int = 1) -> None:
    """Publish that something was sold."""
    for number in range(count):
        app.publish(".sold", sku, number=number)


@app.register
def markup(value: str = MARKUP) -> dict[str, Any]:
    return {MARKUP: CONTROL, "value": value}


markup.__doc__ = f"{MARKUP} {CONTROL}\n\n{MARKUP}"


@app.register
def fail(**more: str) -> None:
    """Fail in a hostile way."""
    raise WampError("com.shop.<b>error</b>", MARKUP, CONTROL, **{MARKUP: more})


@app.register
async def announce_markup() -> None:
    """Publish a hostile event."""
    app.publish(".sold", MARKUP, CONTROL, **{MARKUP: CONTROL})


@app.register
def echo(*args: Any, **kwargs: Any) -> list[Any]:
    """Return what was given."""
    return [args, kwargs]


@app.register("com.shop.hidden", hidden=True)
def hidden(a: int, b: int = 1) -> int:
    return a + b


@app.subscribe
def sold(sku: str, number: int = 0) -> None:
    """Note that something was sold."""


@app.publishes(".ordered")
class Ordered(msgspec.Struct):
    """Something was ordered."""

    sku: str
