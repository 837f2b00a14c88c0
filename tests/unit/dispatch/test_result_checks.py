"""Results are checked against annotations, in debug and in tests."""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import pytest
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, PositiveInt, computed_field

from tests.support.names import shown
from wampapp import App, CallResult, HandlerFailed
from wampapp.dispatch.result_checks import checked
from wampapp.errors import InvalidResult
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration, RunIn


@dataclass
class Order:
    sku: str
    quantity: int = 1

    def __post_init__(self) -> None:
        # Not to be run a second time by a check.
        assert not self.sku.endswith("!")
        self.sku += "!"


class Keys(TypedDict):
    sku: str


class Pair(NamedTuple):
    a: int
    b: str


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return 2 * self.a


def returning(annotation: Any, value: Any) -> Callable[..., Any]:
    """Return a checked function that returns a value."""

    def handler() -> annotation:
        return value

    return checked(endpoint_for(Registration("com.example.served", handler)))


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 1),
        (int, True),
        (float, 1),
        (str, Markup("x")),
        (None, None),
        (int | None, None),
        (list[int], [1]),
        (list[int], (1,)),
        (list[str], [Markup("x")]),
        (Sequence[int], [1]),
        (set[int], {1}),
        (tuple[int, str], (1, "a")),
        (dict[int, str], {1: "a"}),
        (dict[str, object], {"a": object}),
        (dt.datetime, dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
        (dt.date, dt.date(2026, 1, 2)),
        (Decimal, Decimal(1)),
        (bytes, b"x"),
        (Order, Order("a")),
        (Order, {"sku": "a"}),
        (list[Order], [Order("a")]),
        (dict[str, Order | None], {"a": Order("a")}),
        (Keys, {"sku": "a"}),
        (Pair, Pair(1, "a")),
        (Model, Model(a=1)),
        (list[Model], [Model(a=1)]),
        (PositiveInt, 1),
        (Any, object()),
        (object, object()),
        (CallResult, CallResult(1)),
        (int, CallResult(1)),
        (Path, "x"),
        (Awaitable[int], "x"),
    ],
    ids=shown,
)
def test_a_result_that_fits_is_returned_as_it_is(annotation: Any, value: Any) -> None:
    assert returning(annotation, value)() is value


@pytest.mark.parametrize(
    ("annotation", "value", "sentence"),
    [
        (
            int,
            "x",
            "returned 'x', which does not fit its annotation int: Expected `int`, got `str`.",
        ),
        (int, None, "returned None, which does not fit its annotation int: Expected `int`, got "),
        (
            None,
            1,
            "returned 1, which does not fit its annotation None: Expected `null`, got `int`.",
        ),
        (list[int], [1, "x"], "returned [1, 'x'], which does not fit its annotation list"),
        (list[int], [1, "x"], "Expected `int`, got `str` at [1]."),
        (Order, {"skuu": "a"}, "Object missing required field `sku`."),
        (list[Order], [{"sku": "a", "quantity": "1"}], "at [0].quantity."),
        (Keys, {}, "Object missing required field `sku`."),
        (Model, {"a": "x"}, "a: Input should be a valid integer"),
        (PositiveInt, 0, "Input should be greater than 0."),
        (str, list(range(100)), "26, 2..., which does not fit its annotation str: "),
    ],
    ids=shown,
)
def test_a_result_that_does_not_fit_is_refused(annotation: Any, value: Any, sentence: str) -> None:
    with pytest.raises(InvalidResult) as caught:
        returning(annotation, value)()
    text = str(caught.value)
    assert text.startswith("returning.<locals>.handler (")
    assert sentence in text


# In tests.

app = App(prefix="com.example")


@app.register
def in_a_thread() -> int:
    return "x"  # type: ignore[return-value]


@app.register(run="loop")
def on_the_loop() -> int:
    return "x"  # type: ignore[return-value]


@app.register
async def coroutine() -> int:
    return "x"  # type: ignore[return-value]


@app.register
def generator() -> Iterator[int]:
    yield 1
    yield "x"  # type: ignore[misc]


@app.register
async def stream() -> AsyncIterator[int]:
    yield 1
    yield "x"  # type: ignore[misc]


@app.register
def right() -> Iterator[int]:
    yield 1
    return 2


@pytest.mark.parametrize("name", ["in_a_thread", "on_the_loop", "coroutine", "generator", "stream"])
def test_a_wrong_result_fails_the_test_with_the_handler_and_its_line(name: str) -> None:
    did = "yielded" if name in ("generator", "stream") else "returned"
    with app.test_client() as client, pytest.raises(HandlerFailed) as caught:
        client.call(f".{name}")
    cause = caught.value.__cause__
    assert isinstance(cause, InvalidResult)
    assert str(cause).startswith(f"{name} ({__file__}:")
    assert f"{did} 'x', which does not fit its annotation int: " in str(cause)


def test_what_a_generator_returns_is_left_alone() -> None:
    with app.test_client() as client:
        assert client.call(".right") == 2
        assert list(client.stream(".right")) == [1, 2]


@pytest.mark.parametrize("run", [None, "loop"])
def test_unfinished_results_are_left_alone(run: RunIn | None) -> None:
    one = App(prefix="com.example")

    async def later() -> int:
        return 1

    @one.register(run=run)
    def wrapped() -> int:
        return later()  # type: ignore[return-value]

    @one.register(run=run)
    def items() -> int:
        return iter([1])  # type: ignore[return-value]

    with one.test_client() as client:
        assert client.call(".wrapped") == 1
        assert client.call(".items") == [1]
