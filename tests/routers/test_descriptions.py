"""What apps tell of themselves, asked for on both routers."""

import json
from typing import Protocol

import pytest

from tests.support.process import wampapp
from tests.support.running import running
from wampapp import App, ConnectedClient, UsageError

app = App(prefix="com.told", describe=True)


@app.register
def order(sku: str, quantity: int = 1) -> int:
    """Order something."""
    return quantity


@app.register(".<sku>.price")
def price(sku: str) -> float:
    return 1.5


@app.register(hidden=True)
def secret() -> None: ...


@app.subscribe(".whispered", hidden=True)
def whispered() -> None: ...


class Shop(Protocol):
    def order(self, sku: str) -> int: ...


class Other(Protocol):
    def order(self, sku: int, rush: bool = False) -> str: ...


class Price(Protocol):
    def price(self) -> float: ...


def test_a_class_is_compared_with_what_is_registered(url: str, client: ConnectedClient) -> None:
    with pytest.raises(UsageError, match="None of the procedures of Shop is registered at "):
        client.remote(Shop, prefix="com.told", check=True)
    with running(app, url):
        assert client.remote(Shop, prefix="com.told", check=True).order("apple") == 1
        assert client.remote(Price, prefix="com.told.apple", check=True).price() == 1.5
        with pytest.raises(UsageError) as caught:
            client.remote(Other, prefix="com.told", check=True)
    assert str(caught.value) == (
        "Other differs from what is registered: "
        "com.told.order: sku: an integer is not taken, only a string; "
        "com.told.order: the argument 'rush' is not taken; "
        "com.told.order: result: may be an integer."
    )


def test_what_is_hidden_is_left_out(url: str) -> None:
    with running(app, url):
        done = wampapp("docs", "--url", url)
        assert done.returncode == 0, done.stderr
        operations = json.loads(done.stdout)["operations"].values()
        uris = {one["x-wamp"]["uri"]: one.get("summary") for one in operations}
        assert uris["com.told.order"] == "Order something."
        assert "com.told.<sku>.price" in uris
        assert not {"com.told.secret", "com.told.whispered"} & uris.keys()
        assert "com.told.secret" in wampapp("inspect", "--url", url).stdout
