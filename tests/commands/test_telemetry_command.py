"""`wampapp logs`, `stats`, `top` and `health`, and the pages for what watches."""

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.debian import debian_program
from tests.support.process import ROOT, Wampapp, environment, onto_a_full_disk, wampapp
from tests.support.raw import MSGPACK, Raw
from tests.support.site import Site
from tests.support.terminal import WampappTerminal
from wampapp import ConnectedClient, WampError, connect
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

SHOP = ROOT / "tests" / "programs" / "telemetry" / "shop.py"


class Shop(Site):
    """The shop, and what is typed about it."""

    def __init__(self, folder: Path, *words: str, **env: str) -> None:
        self.folder = folder
        self.service = Wampapp(
            "run", SHOP, "--port", "0", *words, cwd=folder, env=environment(**env)
        )
        super().__init__(self.service)
        self.url = f"rs://127.0.0.1:{self.port}"

    def typed(self, *words: str | Path, code: int = 0, **options: Any) -> str:
        done = wampapp(words[0], "--url", self.url, *words[1:], **options)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    def client(self) -> ConnectedClient:
        return connect(self.url, timeout=30)

    def numbers(self, **headers: str) -> dict[tuple[str, ...], float]:
        status, text, _ = self.ask("/metrics", **headers)
        assert status == 200, text
        return {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    with shop.service:
        yield shop
        shop.service.stop()


def reported(client: ConnectedClient, count: int) -> None:
    """Wait until so many orders were reported."""
    while True:
        found = client.call("com.shop.telemetry.stats")["handled"]
        if sum(one["total"] for one in found if one["uri"] == "com.shop.order") >= count:
            return


def test_what_was_logged(shop: Shop) -> None:
    with shop.client() as client:
        for sku in ("apple", "pear", "a\x1b[2Jb"):
            client.call("com.shop.order", sku)
        with pytest.raises(WampError):
            client.call("com.shop.refuse", "no money")
        reported(client, 3)
    lines = shop.typed("logs", "ordered").splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d  | trace=[0-9a-f]{8}$", "", line) for line in lines] == [
        'shop  shop.orders  ordered apple  sku="apple" card_token="***"',
        'shop  shop.orders  ordered pear  sku="pear" card_token="***"',
        'shop  shop.orders  ordered a\\x1b[2Jb  sku="a\\u001b[2Jb" card_token="***"',
    ]
    assert "4111" not in (shop.folder / "instance" / "telemetry.sqlite").read_bytes().decode(
        "latin1"
    )
    assert shop.typed("logs", "ordered", "-n", "1").count("\n") == 1
    found = json.loads(shop.typed("logs", "pear", "--json"))
    assert (found["level"], found["data"]["sku"], found["worker"]) == ("info", "pear", 1)
    failed = shop.typed("logs", "--level", "error")
    assert re.match(r"\d\d:\d\d:\d\d  shop  ERROR: com\.shop\.refuse failed", failed)
    assert "    ValueError: no money\n" in failed
    assert shop.typed("logs", "--logger", "shop", "--since", "1h", "--json").count("\n") == 4
    assert shop.typed("logs", "--logger", "shop", "--until", "1m") == ""
    assert shop.typed("logs", "--service", "other") == ""
    (trace,) = re.findall(r" trace=(.{8})$", shop.typed("logs", "pear"), re.MULTILINE)
    assert shop.typed("logs", "--trace", trace) == shop.typed("logs", "pear")
    stats = shop.typed("stats")
    assert re.search(
        r"^com\.shop\.order +shop +0?\.?\d+ +0 +\S+ \S+ +\S+ \S+ +3 +0$", stats, re.MULTILINE
    )
    assert re.search(r"^com\.shop\.refuse .* 1 +1$", stats, re.MULTILINE)
    assert re.search(r"^shop at \S+:\d+ +\d+ MiB ", stats, re.MULTILINE)
    assert json.loads(shop.typed("stats", "--json"))["dropped"] == 0
    top = shop.typed("top", "--sort", "name")
    assert top.index("com.shop.order") < top.index("com.shop.refuse")


def test_records_as_they_come(shop: Shop) -> None:
    words = ("logs", "-f", "--url", shop.url, "--logger", "shop.orders", "ordered")
    with shop.client() as client, Wampapp(*words, cwd=shop.folder, env=environment()) as logs:
        client.call("com.shop.order", "plum")
        logs.until("ordered plum")
        client.call("com.shop.order", "fig")
        logs.until("ordered fig")
        assert "refuse" not in logs.text
        assert logs.stop() == 130


def test_what_goes_wrong(shop: Shop) -> None:
    assert "choose debug" not in shop.typed("logs", "--level", "loud", code=2)
    assert "'yesterday' is not a time; write 90s" in shop.typed(
        "logs", "--since", "yesterday", code=2
    )
    assert shop.typed("logs", "--prefix", "com.other", code=5) == (
        "Error: wamp.error.no_such_procedure: Nobody serves a collector below com.other.\n"
    )
    elsewhere = shop.typed("stats", "--realm", "other", code=2)
    assert "Error: Nobody serves a collector in this realm; start the service" in elsewhere
    for name in ("stats", "top", "health"):
        code, said = onto_a_full_disk(name, "--url", shop.url)
        assert (code, said.count("\n")) == (1, 1), said


def test_top_on_a_terminal(shop: Shop) -> None:
    with shop.client() as client:
        client.call("com.shop.order", "apple")
        reported(client, 1)
    with WampappTerminal("top", "--url", shop.url, "--interval", "60") as top:
        top.until("by rate")
        top.until("com.shop.order")
        top.press("e")
        top.until("by errors")
        top.press("n")
        top.until("by name")
        top.press("q")
        assert top.wait() == 0


def test_the_page_for_prometheus(shop: Shop, progress: Progress) -> None:
    with shop.client() as client:
        for country in ("de", "fr", 'a"\\\n'):
            client.call("com.shop.order", "apple", country)
        reported(client, 3)
        found = shop.numbers()
    assert found["orders_total", 'a"\\\n', "shop"] == 1
    assert found["wampapp_call_seconds_count", "com.shop.order", "shop"] == 3
    assert [value for key, value in found.items() if key[0] == "wampapp_router_sessions"] == [2]
    promtool = debian_program("promtool", "prometheus", progress=progress)
    for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
        status, text, headers = shop.ask("/metrics", Accept=accept)
        assert status == 200
        assert headers["content-type"].startswith(accept.partition(";")[0])
        if accept == "text/plain":
            checked = subprocess.run(
                [promtool, "check", "metrics"],
                input=text,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr
        else:
            assert text.endswith("# EOF\n")


def test_who_may_ask_for_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path, WAMPAPP_METRICS_TOKEN="sesame")
    with shop.service:
        status, text, headers = shop.ask("/metrics")
        assert (status, text) == (401, "This page needs its bearer token.\n")
        assert headers["www-authenticate"] == "Bearer"
        assert shop.ask("/metrics", Authorization="Bearer open")[0] == 401
        assert shop.ask("/metrics", Authorization="Bearer sesame")[0] == 200
        assert "sesame" not in shop.service.text
        shop.service.stop()


def test_only_this_machine_may_ask(shop: Shop) -> None:
    status, text, _ = shop.ask("/metrics", X_Forwarded_For="192.0.2.1")
    assert status == 403
    assert text.startswith("Only the machine itself may ask for this page; give it a token")


@pytest.mark.slow
def test_no_counter_goes_back(tmp_path: Path) -> None:
    """Of eight workers, three are killed while they are called; others take their places."""
    shop = Shop(tmp_path, "--workers", "8")
    with shop.service, shop.client() as client:
        before: dict[tuple[str, ...], float] = {}

        def look() -> dict[tuple[str, ...], float]:
            found: dict[tuple[str, ...], float] = {}
            while not found:
                with contextlib.suppress(ConnectionError):  # the worker that was to answer is dead
                    found = shop.numbers()
            for key, value in before.items():
                if key[0].endswith(("_total", "_count", "_bucket")):
                    assert found[key] >= value, key
            before.update(found)
            return found

        def instances() -> set[str]:
            return {key[1] for key in look() if key[0] == "wampapp_memory_bytes"}

        while len(instances()) < 8:
            pass
        made = 0
        for _ in range(3):
            for number in range(100):
                client.call("com.shop.order", str(number))
                made += 1
            while look().get(("orders_total", "de", "shop"), 0) < made:
                pass
            # Not the first one, which collects.
            stats = client.call("com.shop.telemetry.stats")["instances"]
            victim = next(one["pid"] for one in stats if one["worker"] > 1)
            os.kill(victim, signal.SIGKILL)
            while any(name.endswith(f":{victim}") for name in instances()):
                pass
            while len(instances()) < 8:
                pass
        assert look()["orders_total", "de", "shop"] == made
        shop.service.stop()


def test_who_does_not_read_shows(shop: Shop) -> None:
    with contextlib.closing(Raw(shop)) as raw, shop.client() as client:
        raw.shake(MSGPACK)
        raw.send([1, "realm1", {"roles": {"subscriber": {}}, "authextra": {"app": "sleeper"}}])
        session = raw.receive()[1]
        raw.send([32, 1, {}, "com.shop.news"])
        assert raw.receive()[0] == 33
        found: list[Any] = []
        while not found:
            client.publish("com.shop.news", "x" * 500_000, acknowledge=True)
            found = client.call("com.shop.telemetry.stats")["backlogs"]
        assert (found[0]["session"], found[0]["app"]) == (str(session), "sleeper")
        assert re.search(rf"^{session}  sleeper  +[0-9.]+ MiB$", shop.typed("stats"), re.MULTILINE)


def test_a_loop_that_is_blocked_shows(shop: Shop) -> None:
    with shop.client() as client:
        client.call("com.shop.block", 0.5)
        lag = 0.0
        while lag < 0.4:
            (one,) = client.call("com.shop.telemetry.stats")["instances"]
            lag = max(lag, one["gauges"].get("wampapp_loop_lag_seconds", 0))


def test_numbers_outlive_the_collector(tmp_path: Path) -> None:
    for total in (2, 4):
        shop = Shop(tmp_path)
        with shop.service, shop.client() as client:
            for _ in range(2):
                client.call("com.shop.order", "apple")
            reported(client, total)
            assert shop.numbers()["orders_total", "de", "shop"] == total
            shop.service.stop(signal.SIGTERM if total == 2 else signal.SIGINT)
    assert len(list((tmp_path / "instance").glob("telemetry*"))) == 2  # with its lock


def test_health(shop: Shop) -> None:
    assert shop.ask("/healthz")[:2] == (200, "ok\n")
    assert shop.ask("/readyz")[:2] == (200, "ok\n")
    assert re.sub(" +", " ", shop.typed("health")) == "service check\nshop cellar well\n"
    assert shop.typed("health", "--service", "shop", "--wait", "30", "--json") == (
        '{"service":"shop","checks":[{"name":"cellar","ok":true}]}\n'
    )
    assert shop.typed("health", "--service", "mill", code=1) == (
        "Error: No service 'mill' with a health check is joined; is it running, and does it "
        "declare one with @app.health('…')?\n"
    )
    (shop.folder / "flood").touch()
    assert shop.typed("health", code=1) == (
        "Error: Unwell: cellar of shop; the services' logs say why.\n"
    )
    shop.service.until("WARNING: The health check cellar failed: RuntimeError: the cellar is under")
    assert shop.ask("/healthz")[:2] == (503, "unwell: cellar\n")
    assert shop.ask("/readyz")[0] == 200
    (shop.folder / "flood").unlink()
    assert "well" in shop.typed("health", "--wait", "30")
    shop.service.until("The health check cellar is well again")
    assert shop.ask("/healthz")[0] == 200


def test_a_service_that_does_not_say_how_it_is(shop: Shop) -> None:
    with shop.client() as client:
        client.register("wampapp.health.broken", lambda: 1 / 0)
        assert shop.typed("health", code=1) == (
            "Error: Unwell: answer of a service; the services' logs say why.\n"
        )


def test_waiting_for_a_router() -> None:
    done = wampapp("health", "--url", "rs://127.0.0.1:1", "--wait", "0.3")
    assert done.returncode == 3
    assert done.stderr.startswith("Error: ")
