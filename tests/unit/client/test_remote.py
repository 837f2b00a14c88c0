"""Typed handles that are made of a class, or of a module."""

import asyncio
import copy
import dataclasses
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest

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
