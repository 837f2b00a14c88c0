"""An app of which everything is described."""

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec

from wampapp import App, Event, Invocation

app = App(prefix="com.shop", title="The shop", version="1.4")


class OutOfStock(Exception):
    """There is none left."""


app.define_error(OutOfStock, "com.shop.out_of_stock")


@dataclasses.dataclass
class Order:
    """What somebody has ordered."""

    id: int
    sku: str
    when: dt.datetime | None = None


@app.publishes(".ordered", example={"ordered": {"sku": "apple"}})
class Ordered(msgspec.Struct):
    """An order has come in."""

    sku: str
    quantity: int = 1


@app.publishes(".<sku>.sold_out", deprecated="Use .ordered.")
def sold_out(sku: str, left: int) -> None:
    """There are few left."""


@app.register(example={"sku": "apple", "quantity": 2}, errors=[OutOfStock, "com.shop.closed"])
async def order(sku: str, quantity: int = 1, *, rush: bool = False) -> Order:
    """Order something.

    It is sent on the same day.

    Args:
        sku: what to send
        quantity: how many

    Returns:
        the order, with its number

    Raises:
        InvalidArgument: there is no such thing
    """
    return Order(1, sku)


@app.register(".<sku>.price", example=[{"sku": "apple"}, {"sku": "pear", "quantity": 3}])
def price(sku: str, quantity: int = 1) -> float:
    """Return what something costs."""
    return 1.5 * quantity


@app.register(concurrency=2, timeout=5, invoke="roundrobin", deprecated=True)
def pack(call: Invocation, first: Order, /, *more: Order, **notes: str) -> Iterator[int]:
    """Pack orders."""
    yield 1


@app.register
async def follow() -> AsyncIterator[Order]:
    """Follow the orders."""
    yield Order(1, "apple")


@app.register(match="prefix")
def log(*lines: Any) -> None: ...


@app.register(hidden=True)
def secret() -> None: ...


@app.subscribe("com.stock.<path:rest>")
async def stock(rest: str, left: int, event: Event) -> None:
    """Note what is left in the stock."""


@app.subscribe("com.secret", hidden=True)
async def ignored() -> None: ...
