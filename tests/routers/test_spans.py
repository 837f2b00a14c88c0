"""Spans of OpenTelemetry, where its SDK is configured, on both routers."""

import asyncio
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.routers.test_traces import DEADLINE, HEADER, TRACE, Realm, prefix, realm, serving
from wampapp import App, InvalidArgument, WampError
from wampapp.components.tasks import Tasks
from wampapp.observe import otel
from wampapp.observe.tracing import current_trace_id

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="needs the SDK of OpenTelemetry")

from opentelemetry import trace  # noqa: E402

__all__ = ["prefix", "realm"]


class Spans(sdk.SpanProcessor):
    """What has ended, by kind and name."""

    def __init__(self) -> None:
        self._ended: list[Any] = []
        self._news = threading.Condition()
        self.provider = sdk.TracerProvider()
        self.provider.add_span_processor(self)

    def on_end(self, span: Any) -> None:
        with self._news:
            self._ended.append(span)
            self._news.notify_all()

    def wait(self, count: int) -> dict[str, Any]:
        """Wait for so many spans; return them, and forget them."""
        with self._news:
            assert self._news.wait_for(lambda: len(self._ended) >= count, DEADLINE)
            found, self._ended = self._ended, []
        return {f"{span.kind.name} {span.name}": span for span in found}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    spans = Spans()
    # The API takes a provider once in a process.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", spans.provider)
    yield spans
    spans.provider.shutdown()


def parent(span: Any) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


def own(span: Any) -> str:
    return f"{span.context.span_id:016x}"


def test_nothing_is_made_where_no_sdk_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    assert otel.configured() is None
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", trace.NoOpTracerProvider())
    assert otel.configured() is None


def test_one_trace_across_a_page_two_services_a_task_and_an_event(
    spans: Spans, realm: Realm, prefix: str, tmp_path: Path
) -> None:
    packing = App(prefix=prefix, name="packing")
    tasks = Tasks(packing, store=tmp_path / "tasks.sqlite")
    packing.include(tasks)

    @tasks.task
    def label(parcel: int) -> None:
        packing.sync.publish(".labelled", parcel)

    @packing.register(".parcel.<parcel>.pack")
    async def pack(parcel: int) -> None:
        await label.enqueue(parcel)

    orders = App(prefix=prefix, name="orders")
    logged: list[str | None] = []

    @orders.register
    def order() -> None:
        logged.append(current_trace_id())
        orders.sync.call(".parcel.7.pack")

    @orders.subscribe
    async def labelled(parcel: int) -> None:
        logged.append(current_trace_id())

    shop = App(prefix=prefix, name="shop")

    @shop.get("/buy/<sku>")
    async def buy(sku: str) -> str:
        await shop.call(".order")
        return sku

    realm.join(packing, orders)
    with serving(shop, realm.url) as site:
        asked = urllib.request.Request(f"{site}buy/tea", headers={"traceparent": HEADER})
        with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
            assert answer.read() == b"tea"
        found: dict[str, Any] = {}
        chain = [
            "SERVER GET /buy/<sku>",
            f"CLIENT {prefix}.order",
            f"SERVER {prefix}.order",
            f"CLIENT {prefix}.parcel.7.pack",
            f"SERVER {prefix}.parcel.<parcel>.pack",
            f"CLIENT {tasks.prefix}.start",
            f"SERVER {tasks.prefix}.start",
            f"CONSUMER process {label.name}",
            f"PRODUCER publish {prefix}.labelled",
            f"CONSUMER process {prefix}.labelled",
        ]
        while not found.keys() >= set(chain):
            found |= spans.wait(1)
    ids = ["b7ad6b7169203331", *(own(found[name]) for name in chain)]
    assert [parent(found[name]) for name in chain] == ids[:-1]
    assert {f"{found[name].context.trace_id:032x}" for name in chain} == {TRACE}
    assert logged == [TRACE, TRACE]
    assert all(found[name].status.is_unset for name in chain)
    page, call, event = found[chain[0]], found[chain[4]], found[chain[-1]]
    assert page.attributes == {
        "http.request.method": "GET",
        "http.route": "/buy/<sku>",
        "url.path": "/buy/tea",
        "http.response.status_code": 200,
    }
    assert call.attributes == {
        "rpc.system": "wamp",
        "rpc.method": f"{prefix}.parcel.<parcel>.pack",
        "wamp.procedure": f"{prefix}.parcel.7.pack",
    }
    assert (
        event.attributes.items()
        >= {
            "messaging.system": "wamp",
            "messaging.operation.type": "process",
            "messaging.destination.name": f"{prefix}.labelled",
        }.items()
    )
    assert event.attributes["messaging.message.id"].isdigit()


def test_errors_set_the_status(spans: Spans, realm: Realm, prefix: str) -> None:
    app = App(prefix=prefix)

    @app.register
    async def fails(kind: str) -> None:
        if kind == "other":
            raise ValueError("no tea")
        raise InvalidArgument("no such tea")

    @app.register
    async def relay(kind: str) -> str:
        try:
            await app.call(".fails", kind)
        except WampError as error:
            return error.uri
        return ""

    @app.register
    async def slow() -> None:
        try:
            async with asyncio.timeout(0.01):
                await app.call(".waits")
        except TimeoutError:
            pass

    @app.register
    async def waits() -> None:
        await asyncio.Event().wait()

    @app.subscribe
    async def spilt() -> None:
        raise ValueError("no milk")

    realm.join(app)
    client = realm.client()
    for kind, error in (("known", "wamp.error.invalid_argument"), ("other", "ValueError")):
        uri = client.call(f"{prefix}.relay", kind)
        found = spans.wait(3)
        inner, asked = found[f"SERVER {prefix}.fails"], found[f"CLIENT {prefix}.fails"]
        assert inner.attributes["error.type"] == error
        assert asked.attributes["error.type"] == uri
        assert not inner.status.is_ok
        assert not inner.status.is_unset
        assert not asked.status.is_unset
        assert [one.name for one in inner.events] == (["exception"] if kind == "other" else [])
        assert found[f"SERVER {prefix}.relay"].status.is_unset
    client.call(f"{prefix}.slow")
    found = spans.wait(3)
    for name in (f"CLIENT {prefix}.waits", f"SERVER {prefix}.waits"):
        assert found[name].attributes["error.type"] == "wamp.error.canceled"
    client.publish(f"{prefix}.spilt")
    (event,) = spans.wait(1).values()
    assert event.name == f"process {prefix}.spilt"
    assert event.attributes["error.type"] == "ValueError"


def test_spans_of_the_program_are_parents_and_children(
    spans: Spans, realm: Realm, prefix: str
) -> None:
    app = App(prefix=prefix)
    tracer = trace.get_tracer("shop")

    @app.register
    def work() -> str:
        with tracer.start_as_current_span("inside"):
            return str(app.sync.call(".end"))

    @app.register
    async def end() -> str | None:
        return current_trace_id()

    realm.join(app)
    client = realm.client()
    client.call(f"{prefix}.end")
    assert list(spans.wait(1)) == [f"SERVER {prefix}.end"]  # outside, a call begins no trace
    with tracer.start_as_current_span("outside"):
        ended = client.call(f"{prefix}.work")
    found = spans.wait(6)
    chain = [
        "INTERNAL outside",
        f"CLIENT {prefix}.work",
        f"SERVER {prefix}.work",
        "INTERNAL inside",
        f"CLIENT {prefix}.end",
        f"SERVER {prefix}.end",
    ]
    assert [parent(found[name]) for name in chain] == [
        None,
        *(own(found[name]) for name in chain[:-1]),
    ]
    assert {f"{span.context.trace_id:032x}" for span in found.values()} == {ended}
