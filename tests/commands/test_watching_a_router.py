"""What a router says of itself: its log, its numbers, and the pages for what watches it."""

import http.client
import json
import re
from collections.abc import Iterator

import pytest

from tests.support.process import DEADLINE, EmbeddedRouter, Wampapp
from tests.support.raw import MSGPACK, Raw
from wampapp import NoSuchProcedure, connect

pytestmark = pytest.mark.processes


@pytest.fixture
def own() -> Iterator[EmbeddedRouter]:
    """A router for one test, whose log tells of that test only."""
    with EmbeddedRouter() as router:
        yield router


def asked(link: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    link.request("GET", path)
    answer = link.getresponse()
    return answer.status, answer.read().decode()


def test_a_line_says_who_joins_and_another_how_it_ended(own: EmbeddedRouter) -> None:
    raw = Raw(own)
    raw.join(MSGPACK)
    joined = own.until(r"Session (\d+) joined realm1 as \S{16}, anonymous, from 127\.0\.0\.1:(\d+)")
    assert int(joined[2]) == raw.socket.getsockname()[1]
    raw.send([6, {}, "wamp.close.normal"])
    own.until(f"Session {joined[1]} left realm1: it said goodbye")
    raw.close()


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda raw: raw.close(), "the peer closed the connection"),
        (lambda raw: raw.send([3, {}, "com.enough"]), "it aborted"),
        (lambda raw: raw.send([2, 1, {}]), r"it broke the protocol: A client cannot send a .*here"),
    ],
    ids=["lost", "aborted", "wrong"],
)
def test_every_end_has_its_words(own: EmbeddedRouter, end: object, how: str) -> None:
    raw = Raw(own)
    raw.join(MSGPACK)
    end(raw)  # type: ignore[operator]
    own.until(rf"Session \d+ left realm1: {how}$")
    raw.close()


def test_who_cannot_join_is_named_with_the_reason(own: EmbeddedRouter) -> None:
    raw = Raw(own)
    raw.shake(MSGPACK)
    raw.send([1, "two words", {"roles": {"caller": {}}}])
    own.until(r"A session from 127\.0\.0\.1:\d+ could not join: 'two words' is not a valid realm")
    raw.close()


def test_the_app_s_own_session_has_no_line() -> None:
    with Wampapp("run", "examples/hello.py", "--port", "0") as service:
        port = int(service.until(r"rs://127\.0\.0\.1:(\d+)")[1])
        with connect(f"rs://127.0.0.1:{port}") as client:
            assert client.call("com.example.add", 1, 2) == 3
        service.until(r"left realm1: it said goodbye")
        assert service.stop() == 0
        assert len(re.findall(r"Session \d+ joined", service.text)) == 1


def test_the_numbers_come_as_a_line() -> None:
    with EmbeddedRouter(0, "--stats", "0.05") as router, connect(router.rs_url) as client:
        with pytest.raises(NoSuchProcedure):
            client.call("com.nobody.here")
        client.publish("com.news")
        router.until(r"  1 sessions, [1-9][\d.]* joins/s")
        router.until(r"  [1-9]\d* calls/s|, [1-9]\d* calls/s, [1-9][\d.]* errors/s")
        router.until(r", [1-9]\d* events/s, [\d.]+ (B|KiB)/s in, [\d.]+ (B|KiB)/s out, 0 B unread")


def test_json_lines_have_the_numbers_since_the_start() -> None:
    options = ("--port", "0", "--stats", "0.05", "--log-format", "json")
    with Wampapp("router", *options) as router:
        port = int(router.until(r'"router":"rs://127\.0\.0\.1:(\d+)"')[1])
        with connect(f"rs://127.0.0.1:{port}") as client:
            client.publish("com.news")
            line = router.until(r'\{.*"events":1,.*\}')[0]
        stats = json.loads(line)["stats"]
        assert (stats["sessions"], stats["realms"], stats["joins"], stats["refusals"]) == (
            1,
            1,
            1,
            0,
        )
        assert (stats["calls"], stats["errors"], stats["events"]) == (0, 0, 1)
        assert stats["received"] > 100
        assert stats["sent"] > 500  # WELCOME
        assert (stats["unread"], stats["dropped"]) == (0, 0)
        router.stop()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_a_span_that_is_none_is_a_usage_error(seconds: str) -> None:
    with Wampapp("router", "--port", "0", "--stats", seconds) as router:
        assert router.wait() == 2
        assert "--stats" in router.text


def test_a_router_is_healthy_and_ready(embedded: EmbeddedRouter) -> None:
    for path in ("/healthz", "/readyz", "/readyz?verbose"):
        link = http.client.HTTPConnection("127.0.0.1", embedded.port, timeout=DEADLINE)
        assert asked(link, path) == (200, "ok\n")
        link.close()


def test_a_router_that_stops_is_not_ready_any_more(own: EmbeddedRouter) -> None:
    sleeper, publisher = Raw(own), Raw(own)
    for raw in (sleeper, publisher):
        raw.join(MSGPACK)
    sleeper.send([32, 1, {}, "com.t"])
    assert sleeper.receive()[0] == 33
    for number in range(8):  # more than the sockets hold, so that the router waits with its end
        publisher.send([16, number + 1, {"acknowledge": True}, "com.t", [b"x" * 2**20]])
        assert publisher.receive()[0] == 17
    links = [http.client.HTTPConnection("127.0.0.1", own.port, timeout=DEADLINE) for _ in range(2)]
    for link in links:
        link.connect()
    own.send(15)
    assert publisher.receive()[::2] == [6, "wamp.close.system_shutdown"]
    assert asked(links[0], "/readyz") == (503, "The router stops.\n")
    assert asked(links[1], "/healthz") == (200, "ok\n")
    for link in links:
        link.close()
    publisher.close()
    sleeper.close()
    assert own.wait() == 0
