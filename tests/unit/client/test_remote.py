"""Typed handles that are made of a class, or of a module."""

import asyncio
import copy
import dataclasses
import datetime as dt
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Protocol

import pytest
from msgspec import Meta

from tests.support.process import ROOT
from wampapp import App, Client, InvalidHandler, InvalidResult, InvalidUri, UsageError
from wampapp.testing import TestSession

app = App(prefix="com.shop")


@dataclasses.dataclass
class Order:
    sku: str
    quantity: int = 1


@app.register
def order(sku: str, quantity: int = 1) -> Order:
    return Order(sku, quantity)


@app.register
async def stock(n: int) -> AsyncIterator[Order]:
    for at in range(n):
        yield Order(f"sku-{at}")


@app.register(".inner.place")
def place(sku: str) -> str:
    return sku


@app.register
def plain() -> Any:
    return {"sku": "pear"}


class Common(Protocol):
    """What both kinds of shops have."""

    def __len__(self) -> int: ...


class Shop(Common, Protocol):
    """For apps."""

    name: str

    async def order(self, sku: str, quantity: int = 1) -> Order: ...
    def stock(self, n: int) -> AsyncIterator[Order]: ...
    def plain(self) -> Awaitable[Order]: ...
    async def nowhere(self): ...  # type: ignore[no-untyped-def]
    async def _private(self) -> None: ...


class BlockingShop(Protocol):
    def order(self, sku: str, quantity: int = 1) -> Order: ...
    def stock(self, n: int) -> Iterator[Order]: ...
    def plain(self) -> int: ...


class Inner(Protocol):
    def place(self, sku: str) -> str: ...


def test_an_app_awaits() -> None:
    caller = App()

    async def main() -> None:
        async with TestSession(app, caller):
            shop = caller.remote(Shop, prefix="com.shop")
            assert await shop.order("apple") == Order("apple")
            assert await shop.order(quantity=2, sku="apple") == Order("apple", 2)
            assert [item async for item in shop.stock(2)] == [Order("sku-0"), Order("sku-1")]
            assert await shop.plain() == Order("pear")
            # Its own prefix is the app's.
            assert await app.remote(Shop).order("apple") == Order("apple")

    asyncio.run(main())


def test_a_client_waits() -> None:
    with app.test_client() as client:
        shop = client.remote(BlockingShop)
        assert shop.order("apple", quantity=2) == Order("apple", 2)
        assert list(shop.stock(2)) == [Order("sku-0"), Order("sku-1")]
        with pytest.raises(InvalidResult, match=r"The result of com\.shop\.plain does not fit"):
            shop.plain()
        for prefix in (".inner", "com.shop.inner"):
            assert client.remote(Inner, prefix=prefix).place("apple") == "apple"


def test_a_module_is_as_good_as_a_class() -> None:
    module = ModuleType("shop")
    source = """
from wampapp import App as Other
def order(sku, quantity=1) -> "Missing": ...
def stock(n) -> list: ...
async def plain() -> "dict[str, str]": ...
def _hidden(): ...
sku = 1
"""
    exec(source, vars(module))
    with app.test_client() as client:
        shop = client.remote(module)
        assert shop.plain() == {"sku": "pear"}
        assert {"order", "stock", "plain"} <= set(dir(shop))
        with pytest.raises(InvalidHandler, match="Missing"):
            shop.order("apple")
        with pytest.raises(AttributeError) as caught:
            shop._hidden()
        sentence = "shop has no procedure '_hidden'; those it has: order, stock, plain."
        assert str(caught.value) == sentence


def test_what_is_not_there_is_said_with_what_is() -> None:
    shop: Any = App().remote(Shop)
    with pytest.raises(AttributeError) as caught:
        shop.ordr()
    sentence = "Shop has no procedure 'ordr'; those it has: nowhere, order, plain, stock."
    assert str(caught.value) == sentence
    assert repr(shop) == "<Remote Shop>"
    assert not hasattr(shop, "name")
    assert shop.order is shop.order
    assert repr(copy.copy(shop)) == "<Remote Shop>"


class Waiting(Protocol):
    async def order(self) -> Order: ...


class Streaming(Protocol):
    def stock(self) -> AsyncIterator[Order]: ...


class Twice(Protocol):
    async def stock(self) -> AsyncIterator[Order]: ...


class Wrong(Protocol):
    async def order(self) -> "Missing": ...  # type: ignore[name-defined] # noqa: F821


class Unusual(Protocol):
    async def order(self) -> asyncio.Lock: ...


class Empty(Protocol):
    name: str


def client() -> Client:
    def nothing() -> Any:
        raise AssertionError

    return Client(nothing, nothing, prefix="com.shop")


@pytest.mark.parametrize(
    ("make", "api", "kind", "sentence"),
    [
        (App, BlockingShop, UsageError, "BlockingShop.order() is blocking, but an app awaits"),
        (client, Waiting, UsageError, "Waiting.order() is asynchronous, but a blocking client"),
        (client, Streaming, UsageError, "Streaming.stock() is asynchronous, but a blocking"),
        (App, Twice, UsageError, "Twice.stock() is 'async def' and returns AsyncIterator, so"),
        (App, Wrong, InvalidHandler, "An annotation of Wrong.order names something that is not"),
        (App, Unusual, UsageError, "returns is <class 'asyncio.locks.Lock'>, which is not a type"),
        (App, Empty, UsageError, "Empty has no functions that could stand for procedures."),
        (App, 7, UsageError, "remote() takes a class whose methods are the procedures, or a"),
        (client, len, UsageError, "remote() takes a class whose methods are the procedures, or a"),
    ],
)
def test_what_cannot_be_called_is_refused_at_once(
    make: Any, api: Any, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind) as caught:
        make().remote(api)
    assert str(caught.value).startswith(sentence)


def test_a_prefix_that_is_not_one_is_refused() -> None:
    with pytest.raises(InvalidUri):
        App().remote(Waiting, prefix="com shop")


# What `check=True` finds out.

told = App(prefix="com.told", describe=True)


@told.register
def take(
    order: Order, quantity: Annotated[int, Meta(le=9)] = 1, /, *, day: dt.date | None = None
) -> Order:
    return order


@told.register
def bake(n: int) -> Iterator[Order]:
    yield Order("bread")


@told.register
def loose(sku, **more):  # type: ignore[no-untyped-def]
    return sku


@told.register("com.told.<sku>.price")
def price(sku: str, amount: int = 1) -> float:
    return 1.0


@told.register(hidden=True)
def secret() -> None: ...


class Fits(Protocol):
    def take(self, order: Order, quantity: int = 2, /, *, day: dt.date) -> Order: ...
    def bake(self, n: int) -> Iterator[Order]: ...
    def loose(self, sku: str, *, colour: str = "red") -> int: ...


class FitsAwaited(Protocol):
    async def take(self, order: Order, /) -> Order: ...
    def bake(self, n: int) -> AsyncIterator[Order]: ...


class Untyped(Protocol):
    def take(self, order, /): ...  # type: ignore[no-untyped-def]
    @staticmethod
    def bake(n) -> list: ...  # type: ignore[no-untyped-def, type-arg]


class Price(Protocol):
    def price(self, amount: int = 1) -> float: ...


def test_what_fits_what_is_there_passes() -> None:
    caller = App()

    async def main() -> None:
        async with TestSession(told, caller):
            shop = await caller.remote(FitsAwaited, prefix="com.told", check=True)
            assert await shop.take(Order("apple")) == Order("apple")
            assert await told.remote(FitsAwaited, check=True)

    asyncio.run(main())
    with told.test_client() as client:
        assert client.remote(Fits, check=True).take(Order("a"), day=dt.date.today())
        assert client.remote(Untyped, check=True)
        assert client.remote(Price, prefix=".apple", check=True).price() == 1.0
        module = ModuleType("told")
        exec("def take(a, /): ...\ndef helper(): ...", vars(module))
        assert client.remote(module, check=True).take(Order("a")) == {"sku": "a", "quantity": 1}


class Differs(Protocol):
    def take(self, order: str, when: str, /, *, day: str, rush: bool = False) -> None: ...


class Bigger(Protocol):
    def bake(self, n: float = 1.0) -> Iterator[int]: ...


class OneByOne(Protocol):
    def take(self, order: Order, /) -> Iterator[Order]: ...


class Elsewhere(Protocol):
    def take(self, order: Order, /) -> Order: ...
    def sell(self) -> None: ...


class Secret(Protocol):
    def take(self, order: Order, /) -> Order: ...
    def secret(self) -> None: ...


class Nowhere(Protocol):
    def sell(self) -> None: ...


class Costs(Protocol):
    def price(self, amount: str) -> str: ...


@pytest.mark.parametrize(
    ("api", "prefix", "sentence"),
    [
        (
            Differs,
            "",
            (
                "Differs differs from what is registered: "
                "com.told.take: order: a string is not taken, only an object; "
                "com.told.take: when: a string is not taken, only an integer; "
                "com.told.take: day: must have the format date; "
                "com.told.take: the argument 'rush' is not taken."
            ),
        ),
        (
            Bigger,
            "",
            (
                "Bigger differs from what is registered: "
                "com.told.bake: the argument 'n' is required, and must not have a default; "
                "com.told.bake: n: a fraction is not taken, only an integer; "
                "com.told.bake: progress: may be an object."
            ),
        ),
        (
            OneByOne,
            "",
            (
                "OneByOne differs from what is registered: "
                "com.told.take: it sends no progressive results."
            ),
        ),
        (
            Elsewhere,
            "",
            "Elsewhere differs from what is registered: com.told.sell is not registered.",
        ),
        (
            Costs,
            ".apple",
            (
                "Costs differs from what is registered: com.told.apple.price: amount: a string is "
                "not taken, only an integer; com.told.apple.price: result: may be a number."
            ),
        ),
        (Secret, "", "Secret cannot be checked: no app describes com.told.secret; pass"),
        (Nowhere, "", "None of the procedures of Nowhere is registered at "),
    ],
)
def test_what_differs_is_named(api: Any, prefix: str, sentence: str) -> None:
    with told.test_client() as client:
        client.remote(api, prefix=prefix or None)
        with pytest.raises(UsageError) as caught:
            client.remote(api, prefix=prefix or None, check=True)
    assert str(caught.value).startswith(sentence)


def test_an_app_that_differs_is_told_so() -> None:
    class Other(Protocol):
        async def take(self, order: int, /) -> Order: ...

    async def main() -> None:
        async with TestSession(told):
            with pytest.raises(
                UsageError, match=r"com\.told\.take: order: an integer is not taken, only an"
            ):
                await told.remote(Other, check=True)

    asyncio.run(main())


@pytest.mark.slow
@pytest.mark.processes
def test_type_checkers_know_what_comes(tmp_path: Path) -> None:
    text = """\
        import json
        from collections.abc import AsyncIterator, Iterator
        from typing import Protocol
        from wampapp import App, ConnectedClient

        class Shop(Protocol):
            async def order(self, sku: str) -> int: ...
            def stock(self) -> AsyncIterator[str]: ...

        class Blocking(Protocol):
            def order(self, sku: str) -> int: ...

        async def use(app: App, client: ConnectedClient) -> int:
            shop = app.remote(Shop, prefix="com.shop")
            async for item in shop.stock():
                item.upper()
                item.nothing()  # wrong
            await shop.order(1)  # wrong
            shop.nothing()  # wrong
            app.remote("com.shop")  # wrong
            text: str = client.remote(Blocking).order("apple")  # wrong
            app.remote(json).dumps(1)
            text = client.remote(Blocking, check=True).order("apple")  # wrong
            app.remote(Shop, check=True).stock()  # wrong
            more: int = await (await app.remote(Shop, check=True)).order("apple")
            (await app.remote(json, check=True)).dumps(more)
            return client.sync_total(text) + await shop.order("apple")  # wrong
    """
    lines = [line.removeprefix("        ") for line in text.splitlines()]
    (tmp_path / "user.py").write_text("\n".join(lines))
    config = ("--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path / "cache")
    words = [sys.executable, "-m", "mypy", "--strict", *config, "user.py"]
    done = subprocess.run(
        list(map(str, words)),
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    found = {line.partition(": error:")[0] for line in errors}
    wrong = {f"user.py:{at}" for at, line in enumerate(lines, 1) if line.endswith("# wrong")}
    assert found == wrong, done.stdout + done.stderr
