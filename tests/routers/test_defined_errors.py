"""Exceptions that stand for error URIs, of every class and with whatever the other peer sends."""

import dataclasses
import queue
from collections.abc import Iterator
from typing import Any, Self

import pydantic
import pytest

from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, ConnectedClient, WampError, connect
from wampapp.crossbar import Crossbar

DEADLINE = 60.0  # seconds
SOLD_OUT = "com.shop.sold_out"


@pytest.fixture(scope="module")
def client(router: EmbeddedRouter | Crossbar) -> Iterator[ConnectedClient]:
    with connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


class SoldOut(Exception):
    sku = 0

    def refund(self) -> str:
        return "the money is on its way"


class Settable(Exception):
    @property
    def message(self) -> str:
        return str(vars(self)["text"])

    @message.setter
    def message(self, value: str) -> None:
        self.text = value


class Computed(Exception):
    @property
    def message(self) -> str:
        return "sold out"


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    message: str = ""


class Demanding(Exception):
    def __new__(cls, sku: int) -> Self:
        return super().__new__(cls, sku)


class Picky(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise KeyError(name)


class Ours(WampError):
    def __init__(self, sku: int) -> None:
        super().__init__(SOLD_OUT, f"{sku} is sold out", sku=sku)


class Last(StopIteration):
    pass


PYTHON_S = ["args", "add_note", "with_traceback", "__class__", "__cause__", "__context__",
            "__dict__", "__notes__", "__traceback__", "_private"]  # fmt: skip


class Scene:
    """A client with a defined error, and a shop that answers with its URI and any keywords."""

    def __init__(self, url: str, kind: type[Exception]) -> None:
        self.caught: queue.Queue[Exception] = queue.Queue()
        shop, self.buyer = App(prefix="com.shop"), App(prefix="com.buyer")
        self.buyer.define_error(kind, SOLD_OUT)

        @shop.register
        def order(kwargs: dict[str, Any]) -> None:
            raise WampError(SOLD_OUT, "gone", **kwargs)

        @shop.register
        def ping() -> str:
            return "pong"

        @self.buyer.register
        async def buy(kwargs: dict[str, Any]) -> Any:
            other = self.buyer.call("com.shop.ping")  # a bystander in the same session
            try:
                await self.buyer.call("com.shop.order", kwargs)
            except Exception as error:
                self.caught.put(error)
            return await other

        self.apps = shop, self.buyer


def error_with(
    client: ConnectedClient, url: str, kind: type[Exception], kwargs: dict[str, Any]
) -> Exception:
    """Return what a caller that has defined ``kind`` gets for an error with these keywords."""
    scene = Scene(url, kind)
    shop, buyer = scene.apps
    with running(shop, url), running(buyer, url) as service:
        assert service.connection is not None
        session = service.connection.session
        assert client.call("com.buyer.buy", kwargs) == "pong"
        assert service.connection.session is session
    return scene.caught.get(timeout=DEADLINE)


@pytest.mark.parametrize("kind", [Computed, Frozen, Demanding, Picky, ExceptionGroup,
                                  pydantic.ValidationError, Last])  # fmt: skip
def test_an_exception_that_cannot_be_made_is_a_plain_error_with_everything(
    client: ConnectedClient, router: EmbeddedRouter | Crossbar, kind: type[Exception]
) -> None:
    error = error_with(client, router.rs_url, kind, {"message": "no more", "sku": 7})
    assert type(error) is WampError
    assert (error.uri, error.args) == (SOLD_OUT, ("gone",))
    assert error.kwargs == {"message": "no more", "sku": 7}


@pytest.mark.parametrize("name", PYTHON_S)
@pytest.mark.parametrize("kind", [SoldOut, Ours])
def test_what_is_python_s_own_is_never_set(
    client: ConnectedClient, router: EmbeddedRouter | Crossbar, kind: type[Exception], name: str
) -> None:
    error = error_with(client, router.rs_url, kind, {"sku": 7, name: {"forged": True}})
    assert type(error) is WampError
    assert error.kwargs == {"sku": 7, name: {"forged": True}}


@pytest.mark.parametrize(
    ("kind", "name"), [(SoldOut, "refund"), (Ours, "uri"), (Ours, "kwargs"), (Ours, "message")]
)
def test_what_the_class_has_is_not_hidden(
    client: ConnectedClient, router: EmbeddedRouter | Crossbar, kind: type[Exception], name: str
) -> None:
    error = error_with(client, router.rs_url, kind, {name: "forged"})
    assert type(error) is WampError
    assert error.kwargs == {name: "forged"}


def test_attributes_and_settable_properties_are_set(
    client: ConnectedClient, router: EmbeddedRouter | Crossbar
) -> None:
    error = error_with(client, router.rs_url, SoldOut, {"sku": 7, "left": [1]})
    assert isinstance(error, SoldOut)
    assert (error.args, vars(error)) == (("gone",), {"sku": 7, "left": [1]})
    error = error_with(client, router.rs_url, Settable, {"message": "no more"})
    assert isinstance(error, Settable)
    assert error.message == "no more"


def test_a_class_of_wamp_errors_is_whole(
    client: ConnectedClient, router: EmbeddedRouter | Crossbar
) -> None:
    error = error_with(client, router.rs_url, Ours, {"sku": 7})
    assert isinstance(error, Ours)
    assert (error.uri, error.args, error.kwargs) == (SOLD_OUT, ("gone",), {"sku": 7})
    assert str(error) == f"{SOLD_OUT}: gone"
    assert vars(error)["sku"] == 7
