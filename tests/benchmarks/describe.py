"""Describing an app of 1,000 procedures; the peer is FastAPI, which describes as many views."""

import time
from typing import Annotated

import msgspec
import pydantic
from fastapi import FastAPI

from tests.benchmarks.harness import Row, Table, in_turns
from wampapp import App
from wampapp.describe.asyncapi import to_document
from wampapp.describe.describing import describe_app

COUNT = 1000


class Order(msgspec.Struct):
    """An order."""

    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1)] = 1


class OrderModel(pydantic.BaseModel):
    """An order."""

    sku: str
    quantity: int = pydantic.Field(1, ge=1)


def measure(rounds: int) -> Table:
    """Measure the time from what was declared to the document."""
    cells = {"wampapp": ours, "FastAPI": theirs}
    samples = in_turns(cells, rounds, "describe")
    return Table(
        "Seconds to describe 1,000 procedures",
        "From the declarations to the AsyncAPI document. The peer: FastAPI's OpenAPI.",
        [Row("typed, with docstrings", samples["wampapp"], samples["FastAPI"])],
        smaller_is_better=True,
    )


def ours() -> float:
    """Return the seconds that it takes us."""
    app = App(prefix="com.benchmark")
    for number in range(COUNT):

        @app.register(f".order{number}")
        async def order(order: Order, rush: bool = False) -> list[Order]:
            """Order something.

            Args:
                order: what to send
                rush: whether it goes by express
            """
            return [order]

    began = time.perf_counter()
    document = to_document(describe_app(app))
    seconds = time.perf_counter() - began
    assert len(document["operations"]) == COUNT
    return seconds


def theirs() -> float:
    """Return the seconds that it takes FastAPI."""
    app = FastAPI()
    for number in range(COUNT):

        @app.post(f"/order{number}", operation_id=f"order{number}")
        async def order(order: OrderModel, rush: bool = False) -> list[OrderModel]:
            """Order something.

            Args:
                order: what to send
                rush: whether it goes by express
            """
            return [order]

    began = time.perf_counter()
    document = app.openapi()
    seconds = time.perf_counter() - began
    assert len(document["paths"]) == COUNT
    return seconds
