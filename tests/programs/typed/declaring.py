"""Every decorator. A line that ends in "# wrong" must not pass a type checker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, assert_type

from wampapp import (
    App,
    Blueprint,
    Call,
    CallResult,
    Event,
    Invocation,
    Scram,
    Ticket,
    Tls,
    WampError,
)


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    app.log("open", app.name)
    yield


app = App(
    "rs://127.0.0.1:8080",
    realm="realm1",
    prefix="com.example",
    name="shop",
    threads=8,
    auth=Ticket("ada", "secret"),
    tls=Tls(ca="ca.pem"),
    keep_alive=5,
    give_up_after=None,
    lifespan=lifespan,
)
App(auth=Scram("ada", "secret"))
App(threads="many")  # wrong
App(colour="green")  # wrong
App(auth="secret")  # wrong
App(lifespan=print)  # wrong

# Procedures. A decorated function is what it was.


@app.register
def add(a: int, b: int = 0) -> int:
    return a + b


@app.register()
def noop() -> None: ...


@app.register(uri=".by_name", timeout=3)
def by_name() -> None: ...


@app.register(uri=5)  # wrong
def by_number() -> None: ...


@app.register(".sub", run="loop", concurrency=4, timeout=1.5, invoke="roundrobin", validate=False)
@app.register("com.other.sub", force_reregister=True)
def subtract(a: int, b: int) -> int:
    return a - b


@app.register("com.example.<sku>.price")
async def price(sku: str, *, invocation: Invocation) -> float:
    invocation.progress(1, done=True)
    assert_type(invocation.caller, int | None)
    assert_type(invocation.procedure, str)
    assert_type(invocation.cancelled, bool)
    return 1.5


@app.register(match="prefix")
def anything(*args: object, **kwargs: object) -> CallResult:
    return CallResult(*args, **kwargs)


@app.register
def count(upto: int) -> Iterator[int]:
    yield from range(upto)


@app.register
async def ticks(upto: int) -> AsyncIterator[int]:
    for number in range(upto):
        yield number


assert_type(add(2, 3), int)
assert_type(noop, Callable[[], None])
assert_type(subtract(3, 2), int)
assert_type(next(count(3)), int)
add("two")  # wrong
subtract(1)  # wrong
count(3).send(None)  # wrong


async def use() -> None:
    assert_type(await price("apple", invocation=anyone()), float)
    async for tick in ticks(3):
        assert_type(tick, int)
    await price()  # wrong


def anyone() -> Invocation:
    raise NotImplementedError


app.register(".x", run="process")  # wrong
app.register(".x", concurrency="many")  # wrong
app.register(".x", colour="green")  # wrong
app.register(".x", match="regex")  # wrong
app.register(".x", invoke="all")  # wrong
app.register(5)  # wrong
app.register(".x")("handler")  # wrong
app.register(".x", get_retained=True)  # wrong

# Topics.


@app.subscribe
def hello(name: str) -> None:
    app.log(name, "says hello")


@app.subscribe("com.example.news", match="wildcard", get_retained=True, every_worker=True)
async def news(*args: Any, event: Event) -> None:
    assert_type(event.topic, str)
    assert_type(event.publication, int)
    assert_type(event.publisher_authid, str | None)
    event.colour  # wrong


assert_type(hello("Ada"), None)
hello(5)  # wrong
app.subscribe(".x", invoke="first")  # wrong
app.subscribe(".x", timeout=1)  # wrong

app.add_registration(add, ".plus", concurrency=2).uri.upper()
app.add_subscription(hello, ".greeting").uri.upper()
app.add_registration(".plus", add)  # wrong

# Hooks and timers.


@app.on_startup
def prepare() -> None: ...


@app.on_join
async def joined() -> None: ...


@app.on_leave
def left() -> None: ...


@app.on_shutdown
async def tidy() -> None: ...


@app.every(5)
async def beat() -> int:
    return 1


@app.every(0.5, every_worker=True)
def often() -> None: ...


assert_type(prepare(), None)
app.on_startup("prepare")  # wrong
app.every("5 s")  # wrong


async def use_hooks() -> None:
    assert_type(await beat(), int)
    await joined()
    await tidy()
    await left()  # wrong


# Errors and middleware.


class OutOfStock(Exception):
    """Nothing is left."""

    def __init__(self, sku: str) -> None:
        super().__init__(sku)


app.define_error(OutOfStock, ".out_of_stock")
app.define_error(OutOfStock)
app.define_error(".out_of_stock", OutOfStock)  # wrong
app.define_error(OutOfStock("apple"), ".out_of_stock")  # wrong


@app.errorhandler(KeyError)
def missing(error: KeyError) -> str:
    raise WampError("com.example.missing", *error.args)


@app.errorhandler(OutOfStock)
async def sold_out(error: OutOfStock) -> str:
    return str(error)


assert_type(missing(KeyError("x")), str)
app.errorhandler(KeyError("x"))  # wrong


@app.middleware
async def timed(call: Call, following: Callable[[], Awaitable[Any]]) -> Any:
    assert_type(call.uri, str)
    assert_type(call.kwargs, dict[str, Any])
    await asyncio.sleep(0)
    return await following()


app.middleware(5)  # wrong

# Blueprints.

orders = Blueprint(prefix=".orders")


@orders.register
def place(sku: str, quantity: int = 1) -> str:
    return f"{quantity} x {sku}"


@orders.subscribe(".placed")
def placed(sku: str) -> None: ...


assert_type(place("apple"), str)
place(5)  # wrong
app.include(orders)
app.include(orders, prefix=".v2.orders")
app.include(OutOfStock)
app.include(orders, prefix=5)  # wrong
orders.call("com.example.add")  # wrong


class Traced(App):
    """As an extension does it."""

    def surround(self, function: Callable[..., Any], kind: str) -> Callable[..., Any]:
        return function


async def stream() -> AsyncGenerator[int, None]:
    yield 1


async def embedded() -> None:
    async with app.running("rs://127.0.0.1:8080", port=8080, debug=True) as running:
        assert_type(running, App)
    assert_type(await app.start(), None)
    assert_type(await app.stop(), None)
    await app.start(port="8080")  # wrong


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=8080)
    app.run(port="8080")  # wrong
