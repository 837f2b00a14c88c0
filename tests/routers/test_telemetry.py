"""Logs and numbers of services between real sessions: whose they are, and that none is lost."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.company import DEADLINE, BaseCompany, cut
from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import (
    App,
    ConnectedClient,
    ConnectionLost,
    NoSuchProcedure,
    NotJoined,
    WampError,
)
from wampapp.components import Telemetry
from wampapp.crossbar import Crossbar

logger = logging.getLogger("company")


class Company(BaseCompany):
    """Who has telemetry: a collector, and services that send theirs. Each has its session."""

    def collector(self) -> ExitStack:
        """Start the collector, and return what ends it."""
        app = App(prefix=self.prefix, name="collector")
        app.include(Telemetry(app, store=self.file, metrics=None))
        return self.running(app)

    def service(self, name: str) -> "Worker":
        return self._stack.enter_context(Worker(self, name))

    def ask(self, client: ConnectedClient) -> Telemetry:
        return Telemetry(client, f"{self.prefix}.telemetry")


class Worker:
    """A service that has something to do, and tells of it."""

    def __init__(self, company: Company, name: str) -> None:
        self.app = App(prefix=company.prefix, name=name)
        self.telemetry = Telemetry(self.app)
        self.made = self.telemetry.counter("made", "What was made")
        self.url = company.url
        self._stack = ExitStack()

        @self.app.register(f".{name}")
        async def make(count: int) -> bool:
            self.made.inc(count)
            return True

    def __enter__(self) -> Self:
        self._stack.enter_context(running(self.app, self.url))
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()


@pytest.fixture
def company(
    router: EmbeddedRouter | Crossbar, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Company]:
    with Company(router.rs_url, tmp_path, request) as company:
        yield company


@pytest.fixture(autouse=True)
def level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def until(look: Callable[[], Any]) -> Any:
    """Look again and again until there is something, as who waits for another process must."""
    end = time.monotonic() + DEADLINE
    while True:
        with contextlib.suppress(NoSuchProcedure):
            if found := look():
                return found
        assert time.monotonic() < end
        time.sleep(0.02)


def test_whose_they_are(company: Company) -> None:
    company.collector()
    shop, mill = company.service("shop"), company.service("mill")
    client = company.client()
    for count in (1, 2):
        client.call(f"{company.prefix}.shop", count)
    client.call(f"{company.prefix}.mill", 5)
    logger.warning("a sack is missing")
    shop.telemetry.sync.flush()
    mill.telemetry.sync.flush()
    asked = company.ask(client).sync
    stats = asked.stats()
    assert {one.service for one in stats.instances} == {"collector", "shop", "mill"}
    assert {one.uri: one.total for one in stats.handled if "make" not in one.uri} == {
        f"{company.prefix}.shop": 2,
        f"{company.prefix}.mill": 1,
    }
    # All of them are in this process, so each has told of it.
    assert {one.service for one in asked.logs("sack", services=["shop", "mill"])} == {
        "shop",
        "mill",
    }
    lines = client.call(f"{company.prefix}.telemetry.metrics").splitlines()
    assert 'made_total{service="shop"} 3.0' in lines
    assert 'made_total{service="mill"} 5.0' in lines


def test_gauges_go_with_their_session(company: Company) -> None:
    """At once, and not when somebody notices; counters stay."""
    company.collector()
    shop = company.service("shop")
    client = company.client()
    client.call(f"{company.prefix}.shop", 2)
    shop.telemetry.sync.flush()

    def memory() -> list[str]:
        text = client.call(f"{company.prefix}.telemetry.metrics")
        return [
            line
            for line in text.splitlines()
            if line.startswith("wampapp_memory_bytes{") and 'service="shop"' in line
        ]

    assert len(memory()) == 1
    cut(shop.app)
    until(lambda: not memory())
    until(memory)  # it has come back
    shop.__exit__()
    until(lambda: not memory())
    assert 'made_total{service="shop"} 2.0' in client.call(
        f"{company.prefix}.telemetry.metrics"
    ).split("\n")


def test_nothing_is_counted_twice(company: Company) -> None:
    """Links break while reports are under way; each number arrives once."""
    company.collector()
    shop = company.service("shop")
    client = company.client()
    for _ in range(8):
        until(lambda: client.call(f"{company.prefix}.shop", 1))
        flushing = threading.Thread(target=_flushed, args=(shop,))
        flushing.start()
        cut(shop.app)
        flushing.join(DEADLINE)
        logger.info("one more")
    shop.telemetry.sync.flush()
    asked = company.ask(client).sync
    lines = client.call(f"{company.prefix}.telemetry.metrics").splitlines()
    made = [line for line in lines if line.startswith('made_total{service="shop"}')]
    assert made == ['made_total{service="shop"} 8.0']
    assert len(asked.logs("more", services=["shop"])) == 8
    (rejoins,) = [
        line for line in lines if line.startswith('wampapp_rejoins_total{service="shop"}')
    ]
    assert rejoins.endswith(" 8.0")


def _flushed(shop: Worker) -> None:
    with contextlib.suppress(WampError, ConnectionLost, NotJoined):
        shop.telemetry.sync.flush()


def test_the_collector_goes_away(company: Company) -> None:
    """What is logged meanwhile comes later, and counters go on where they were."""
    collector = company.collector()
    shop = company.service("shop")
    client = company.client()
    client.call(f"{company.prefix}.shop", 3)
    shop.telemetry.sync.flush()
    collector.close()
    asked = company.ask(client).sync
    with pytest.raises(NoSuchProcedure, match="Nobody serves com.company"):
        asked.stats()
    client.call(f"{company.prefix}.shop", 4)
    for number in range(100):
        logger.info("while it is away %d", number)
    company.collector()
    until(lambda: any(one.service == "shop" for one in asked.stats().instances))
    shop.telemetry.sync.flush()
    found = asked.logs("away", services=["shop"], limit=1000)
    assert [one.message for one in found] == [f"while it is away {n}" for n in range(100)]
    lines = client.call(f"{company.prefix}.telemetry.metrics").splitlines()
    assert 'made_total{service="shop"} 7.0' in lines


def test_what_happened_to_this_order(company: Company) -> None:
    """The records of one trace, from all services that took part in it."""
    company.collector()
    shop, mill = Worker(company, "shop"), Worker(company, "mill")

    @mill.app.register(".grind")
    def grind(sack: int) -> None:
        logging.getLogger("mill").info("ground sack %d", sack)

    @shop.app.register(".order")
    async def order(sack: int) -> None:
        logging.getLogger("shop").info("ordered sack %d", sack)
        await shop.app.call(".grind", sack)

    with shop, mill:
        client = company.client()
        for sack in (1, 2):
            client.call(f"{company.prefix}.order", sack)
        shop.telemetry.sync.flush()
        asked = company.ask(client).sync
        (first,) = asked.logs("ordered 1", services=["shop"])
        assert first.trace is not None
        # All of them are in this process, so the shop has told of the mill's record too.
        found = asked.logs(trace=first.trace, services=["shop"])
        assert [one.message for one in found] == ["ordered sack 1", "ground sack 1"]


def test_who_waits_for_records(company: Company) -> None:
    company.collector()
    shop = company.service("shop")
    client = company.client()
    logger.info("the first")
    shop.telemetry.sync.flush()
    logs = client.procedure(f"{company.prefix}.telemetry.logs")
    (first,) = logs("first", services=["shop"])
    found: list[Any] = []

    def wait() -> None:
        found.extend(logs("second", after=first["id"], services=["shop"], wait=True))

    waiting = threading.Thread(target=wait)
    waiting.start()
    logger.info("something else")
    shop.telemetry.sync.flush()
    logger.info("the second")
    shop.telemetry.sync.flush()
    waiting.join(DEADLINE)
    assert [one["message"] for one in found] == ["the second"]


def test_a_metric_that_contradicts_another(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    company.collector()
    shop = company.service("shop")
    shop.telemetry.sync.flush()
    mill = Worker(company, "mill")
    mill.telemetry._metrics.clear()
    mill.telemetry.gauge("made", "What is made now", function=lambda: 1)
    with mill:
        until(lambda: "The metric made is left out: elsewhere it is a counter" in caplog.text)
        # Nothing else of it is.
        logger.info("ground")
        client = company.client()
        client.call(f"{company.prefix}.mill", 1)
        mill.telemetry.sync.flush()
        asked = company.ask(client).sync
        assert len(asked.logs("ground", services=["mill"])) == 1
        assert [one.total for one in asked.stats().handled if one.service == "mill"] == [1]
    assert caplog.text.count("The metric made is left out") == 1
