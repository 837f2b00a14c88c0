"""Logs and numbers of a service, as it and its tests see them: in memory, and without waiting."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from wampapp import App, DeclarationError, InvalidArgument, UsageError, WampError
from wampapp.components import KV, Tasks, Telemetry
from wampapp.components.telemetry import Gauge
from wampapp.components.telemetry.instruments import MAX_METRICS, MAX_SERIES
from wampapp.testing import TestClient

logger = logging.getLogger("shop")


class Shop:
    """An app with telemetry."""

    def __init__(self) -> None:
        self.app = App(prefix="com.shop")
        self.telemetry = Telemetry(self.app, redact=["iban"], metrics=None)
        self.app.include(self.telemetry)
        self.orders = self.telemetry.counter("orders_total", "Orders placed", "country")
        self.queue = self.telemetry.gauge("queue", "Orders that wait", "line")
        self.render = self.telemetry.histogram("render_seconds", buckets=[0.1, 1])
        self.stock: Any = 7
        self.telemetry.gauge("stock", function=lambda: self.stock)

        @self.app.register
        async def order(country: str) -> None:
            self.orders.inc(country=country)
            logger.info("an order from %s", country)

        @self.app.register
        def decline(why: str) -> None:
            raise ValueError(why)

        @self.app.subscribe(".placed")
        async def placed(number: int) -> None:
            if number < 0:
                raise ValueError(number)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def client(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[TestClient]:
    caplog.set_level(logging.INFO)
    with shop.app.test_client() as client:
        yield client


def metrics(client: TestClient) -> dict[tuple[str, ...], float]:
    """Return the numbers that Prometheus would see, by name and the values of labels."""
    client.telemetry.flush()
    text = client.call("com.shop.telemetry.metrics")
    opened = client.call("com.shop.telemetry.metrics", True)
    first, second = (
        {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
            for family in families
            for sample in family.samples
        }
        for families in (parse(text), parse_open(opened))
    )
    assert first.keys() == second.keys()
    return first


def test_what_is_logged_is_found(client: TestClient) -> None:
    logger.warning("card declined\nfor good", extra={"order": 7, "card_token": "x", "IBAN": "y"})
    logger.info("an order of %d apples", 3)
    logging.getLogger("shop.cellar").debug("not shown")
    try:
        raise ValueError("no money")
    except ValueError:
        logger.exception("it failed \0 ß")
    telemetry = client.telemetry
    telemetry.flush()
    declined, order, failed = telemetry.logs(services=["com.shop"])[-3:]
    assert (declined.level, declined.logger, declined.worker) == ("warning", "shop", 1)
    assert declined.message == "card declined\nfor good"
    assert declined.data == {"order": 7, "card_token": "***", "IBAN": "***"}
    assert declined.id < order.id < failed.id
    assert order.data is None
    assert failed.message == "it failed \ufffd ß"
    assert failed.data["exception"].endswith("ValueError: no money\n")
    assert telemetry.logs("declin") == [declined]
    assert telemetry.logs('"declined card"') == []
    assert telemetry.logs('"card declined" for') == [declined]
    assert telemetry.logs("APPLES") == [order]
    assert telemetry.logs("!?") == []
    assert telemetry.logs(level="error") == [failed]
    assert telemetry.logs(services=["other"]) == []
    assert telemetry.logs(since=order.t, until=order.t, level="info") == [order]
    assert telemetry.logs(limit=1) == [failed]
    with pytest.raises(InvalidArgument, match="no log level 'loud'"):
        telemetry.logs(level="loud")


@pytest.mark.parametrize(
    "text",
    ["", '"', '"""', "a AND", "NOT", "a*", "(b", "x:y", "-", "é", "\0", "^", "NEAR(a b)", "💶"],
)
def test_no_search_fails(client: TestClient, text: str) -> None:
    logger.info("an order from de")
    client.telemetry.flush()
    for found in client.telemetry.logs(text):
        assert isinstance(found.message, str)


def test_what_is_handled_is_counted(shop: Shop) -> None:
    # What the handler of an event raises is raised when the client closes.
    with pytest.raises(ValueError, match="-1"), shop.app.test_client() as client:
        for _ in range(3):
            client.call("com.shop.order", "de")
        for _ in range(2):
            with pytest.raises(WampError):
                client.call("com.shop.decline", "no")
        client.publish("com.shop.placed", 1)
        client.publish("com.shop.placed", -1)
        client.telemetry.flush()
        stats = client.telemetry.stats()
    found = {one.uri: one for one in stats.handled}
    assert not [uri for uri in found if "telemetry" in uri]
    assert (found["com.shop.order"].total, found["com.shop.order"].errors) == (3, 0)
    assert found["com.shop.order"].rate == pytest.approx(3 / 61, rel=0.02)
    p50, p99 = found["com.shop.order"].p50, found["com.shop.order"].p99
    assert p50 is not None
    assert p99 is not None
    assert 0 < p50 <= p99 < 10
    declined = found["com.shop.decline"]
    assert (declined.total, declined.errors) == (2, 2)
    assert declined.error_rate == pytest.approx(2 / 61, rel=0.02)
    placed = found["com.shop.placed"]
    assert (placed.total, placed.errors, placed.is_event) == (2, 1, True)
    (instance,) = stats.instances
    assert (instance.service, instance.worker) == ("com.shop", 1)
    assert instance.gauges["wampapp_memory_bytes"] > 1e6
    assert instance.gauges["stock"] == 7
    assert stats.dropped == 0


def test_what_prometheus_sees(client: TestClient, shop: Shop) -> None:
    shop.orders.inc(country="de")
    shop.orders.inc(2, country="fr")
    shop.queue.set(4, line='a "b"\n\\')
    shop.queue.inc(line="c")
    shop.queue.dec(3, line="c")
    for seconds in (0.05, 0.1, 0.5, 3):
        shop.render.observe(seconds)
    client.call("com.shop.order", "de")
    with pytest.raises(WampError):
        client.call("com.shop.decline", "no")
    found = metrics(client)
    assert found["orders_total", "de", "com.shop"] == 2
    assert found["orders_total", "fr", "com.shop"] == 2
    instance = next(key[1] for key in found if key[0] == "stock")
    assert found["stock", instance, "com.shop"] == 7
    assert found["queue", instance, 'a "b"\n\\', "com.shop"] == 4
    assert found["queue", instance, "c", "com.shop"] == -2
    assert found["render_seconds_bucket", "0.1", "com.shop"] == 2
    assert found["render_seconds_bucket", "1.0", "com.shop"] == 3
    assert found["render_seconds_bucket", "+Inf", "com.shop"] == 4
    assert found["render_seconds_count", "com.shop"] == 4
    assert found["render_seconds_sum", "com.shop"] == pytest.approx(3.65)
    assert found["wampapp_call_seconds_count", "com.shop.order", "com.shop"] == 1
    assert found["wampapp_call_errors_total", "com.shop.decline", "com.shop"] == 1
    assert found["wampapp_log_records_total", "info", "com.shop"] >= 1
    shop.orders.inc(country="de")
    assert metrics(client)["orders_total", "de", "com.shop"] == 3


def test_labels_are_bounded(
    client: TestClient, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(MAX_SERIES + 50):
        shop.orders.inc(country=str(number))
    complaints = [one for one in caplog.records if one.name == "wampapp.telemetry"]
    assert len(complaints) == 1
    assert "use labels with few values" in complaints[0].getMessage()
    found = metrics(client)
    assert sum(key[0] == "orders_total" for key in found) == MAX_SERIES
    assert found["orders_total", "0", "com.shop"] == 1


def test_a_gauge_that_fails_is_left_out(
    client: TestClient, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.stock = "many"
    client.telemetry.flush()
    client.telemetry.flush()
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        "The gauge stock failed: could not convert string to float: 'many'"
    ]
    caplog.clear()
    assert "stock" not in client.telemetry.stats().instances[0].gauges


def test_components_measure_themselves() -> None:
    app = App(prefix="com.shop")
    telemetry, kv, tasks = Telemetry(app, metrics=None), KV(app), Tasks(app)
    for component in (telemetry, kv, tasks):
        app.include(component)

    @tasks.task
    async def bake(count: int) -> None: ...

    with app.test_client() as client:
        client.kv.set("a", 1)
        bake.sync.enqueue(2)
        client.clock.advance(11)
        found = metrics(client)
        instance = next(key[1] for key in found if key[0] == "wampapp_kv_keys")
        assert found["wampapp_kv_keys", instance, "com.shop"] == 1
        queue = ("default", "com.shop")
        assert found["wampapp_tasks_stored", instance, *queue, "ready"] == 1
        assert found["wampapp_tasks_stored", instance, *queue, "dead"] == 0


def test_points_are_kept(shop: Shop) -> None:
    with shop.app.test_client() as client:
        telemetry = "com.shop.telemetry"
        began = client.call(f"{telemetry}.stats")["instances"][0]["started"]
        for count in (1, 2, 3):
            for _ in range(count):
                client.call("com.shop.order", "de")
            client.telemetry.flush()
            client.clock.advance(10)
        of_orders = (f"{telemetry}.points", "wampapp_call_seconds", "com.shop", ["com.shop.order"])
        points = client.call(*of_orders)
        assert [value for _, value in points] == [1, 3, 6]
        assert all(t % 10 == 0 and began - 11 < t < began + 60 for t, _ in points)
        assert client.call(*of_orders, since=points[-1][0]) == [points[-1]]
        assert client.call(f"{telemetry}.points", "unknown", "com.shop") == []
        with pytest.raises(InvalidArgument, match="steps of 10, 60, 3600 seconds, not 7"):
            client.call(*of_orders, step=7)
        client.clock.advance(4000)
        assert client.call(*of_orders) == []


def test_old_records_go(client: TestClient) -> None:
    for days in (9, 8, 6):
        record = logging.makeLogRecord({"name": "shop", "msg": f"{days} days ago", "levelno": 20})
        record.created -= days * 86_400
        logger.handle(record)
    client.telemetry.flush()
    assert len(client.telemetry.logs("ago")) == 3
    client.clock.advance(61)
    assert [one.message for one in client.telemetry.logs("ago")] == ["6 days ago"]


def test_the_oldest_records_go_where_there_is_no_room(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    room = 4_000_000
    app = App(prefix="com.shop")
    app.include(Telemetry(app, metrics=None, max_bytes=room))
    with app.test_client() as client:
        for number in range(9_000):
            logger.info("order %d %s", number, "x" * 500)
            if number % 1000 == 999:
                client.telemetry.flush()  # so that none is dropped
        before = client.telemetry.stats()
        assert before.bytes > room
        client.clock.advance(61)
        stats = client.telemetry.stats()
        assert stats.bytes <= room
        assert 0 < stats.records < before.records
        assert client.telemetry.logs("order 8999") != []
        assert client.telemetry.logs("order 1 ") == []


def test_its_page_is_not_a_view_of_the_app() -> None:
    """Else the app's templates would be looked for beside it."""
    app = App(prefix="com.shop")
    app.include(Telemetry(app))

    @app.route("/")
    def index() -> str:
        return ""

    assert [route.rule for route in app.registry.web.routes] == ["/metrics", "/"]
    assert [route.rule for route in app.registry.web.views] == ["/"]
    assert app.registry.web.root == Path(__file__).parent


def test_mistakes_at_the_declaration(shop: Shop) -> None:
    telemetry = shop.telemetry
    for wrong in ("", "two words", "ß", "1st"):
        with pytest.raises(DeclarationError, match="is not a name for a metric"):
            telemetry.counter(wrong)
    with pytest.raises(DeclarationError, match="names that begin with wampapp_ are taken"):
        telemetry.counter("wampapp_mine")
    with pytest.raises(DeclarationError, match="the label service is taken"):
        telemetry.counter("mine", "", "service")
    with pytest.raises(DeclarationError, match="two labels have the same name"):
        telemetry.counter("mine", "", "a", "a")
    with pytest.raises(DeclarationError, match="There is a metric orders already"):
        telemetry.counter("orders")
    with pytest.raises(DeclarationError, match="numbers that rise"):
        telemetry.histogram("mine", buckets=[1, 1])
    with pytest.raises(DeclarationError, match="has no labels"):
        telemetry.gauge("mine", "", "a", function=lambda: 1)
    with pytest.raises(TypeError, match="The labels of orders are country, not region"):
        shop.orders.inc(region="x")
    with pytest.raises(ValueError, match="A counter never goes back"):
        shop.orders.inc(-1, country="de")
    for number in range(MAX_METRICS - 4):
        assert isinstance(telemetry.gauge(f"g{number}"), Gauge)
    with pytest.raises(DeclarationError, match=f"There are {MAX_METRICS} metrics already"):
        telemetry.gauge("more")
    with pytest.raises(UsageError, match="does not run, so it has nothing to send"):
        asyncio.run(telemetry.flush())
