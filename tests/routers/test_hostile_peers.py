"""A service that a hostile peer of its realm tries to end, with whatever the router passes on."""

import contextlib
import itertools
import json
import queue
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.process import EmbeddedRouter
from tests.support.raw import CBOR, DECODE, ENCODE, JSON, MSGPACK, Raw
from tests.support.running import running
from wampapp import App, WampError, connect
from wampapp.crossbar import Crossbar
from wampapp.protocol.codec import CODECS
from wampapp.runner.service import Service
from wampapp.transport.rawsocket import RawSocketClient

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar


class Victim:
    """A service with a procedure and a topic, and someone whose call is under way meanwhile."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.heard: queue.Queue[Any] = queue.Queue()
        self.release = threading.Event()
        self.app = app = App(prefix="com.victim")

        @app.register
        async def echo(*args: Any, **kwargs: Any) -> Any:
            return [list(args), kwargs]

        @app.register
        def slow() -> str:
            self.heard.put("slow")
            self.release.wait(DEADLINE)
            return "at last"

        @app.subscribe
        async def news(*args: Any, **kwargs: Any) -> None:
            self.heard.put([list(args), kwargs])


@contextlib.contextmanager
def attacked(router: Router) -> Iterator[Callable[[], Raw]]:
    """Run the service while a block attacks it: its session and a call under way outlive that."""
    victim = Victim(router)
    url = router.rs_url
    with (
        running(victim.app, url) as service,
        connect(url, timeout=DEADLINE) as bystander,
        ThreadPoolExecutor() as threads,
    ):
        session = session_of(service)
        waiting = threads.submit(bystander.call, "com.victim.slow")
        assert victim.heard.get(timeout=DEADLINE) == "slow"
        try:
            with contextlib.ExitStack() as attackers:
                yield lambda: attackers.enter_context(contextlib.closing(Raw(router)))
        finally:
            victim.release.set()
        assert bystander.call("com.victim.echo", 1, k=2) == [[1], {"k": 2}]
        bystander.publish("com.victim.news", "the end")
        while victim.heard.get(timeout=DEADLINE) != [["the end"], {}]:
            pass
        assert waiting.result(DEADLINE) == "at last"
        assert session_of(service) is session


def session_of(service: Service) -> Any:
    assert service.connection is not None
    return service.connection.session


@pytest.fixture(params=[JSON, MSGPACK, CBOR], ids=["json", "msgpack", "cbor"])
def serializer(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture(params=["json", "msgpack", "cbor"])
def codec(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the service and the bystander speak; each router translates."""
    name: str = request.param
    [chosen] = [codec for codec in CODECS if name == codec.SERIALIZER_ID]
    monkeypatch.setattr(RawSocketClient, "speaks", chosen)
    return name


#: Whatever an element of a message can be.
ELEMENTS: list[Any] = [
    None, True, 1, 1.0, 1.5, 2**63 - 1, "", "com.victim.echo", "com.victim.news",
    [], {}, {"acknowledge": True}, {"receive_progress": True},
    {"enc_algo": "cryptobox", "enc_serializer": "cbor"},
]  # fmt: skip
#: The messages that a client may send, and some that only a router may.
CODES = [1, 2, 3, 5, 6, 8, 16, 32, 34, 36, 48, 49, 50, 64, 66, 68, 70, 99]
#: What is passed on to the service.
URIS = {16: "com.victim.news", 48: "com.victim.echo"}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def messages() -> Iterator[list[Any]]:
    """Yield messages of one to four elements, and calls and events with whatever may follow."""
    yield from ([code] for code in CODES)
    yield from ([code, first] for code in CODES for first in ELEMENTS)
    yield from ([code, 1, second] for code in CODES for second in ELEMENTS)
    for code, options, uri in itertools.product(URIS, ELEMENTS, ELEMENTS):
        yield [code, 1, options, uri]
    for code, uri in URIS.items():
        for args in [*ELEMENTS, [nested(150)], [nested(250)], [nested(450)]]:
            yield [code, 1, {}, uri, args]
            yield [code, 1, {"enc_algo": "cryptobox"}, uri, args]
            for kwargs in [None, [], "text", {"self": 1, "args": 2}, {"k": nested(250)}]:
                yield [code, 1, {}, uri, args, kwargs]


def frames(serializer: int) -> Iterator[bytes]:
    """Yield frames of calls and events that other serializers, or other libraries, would not."""
    for code, uri in URIS.items():
        begin = ENCODE[serializer]([code, 1, {}, uri, []])
        for argument in ARGUMENTS[serializer]:
            if serializer == JSON:
                yield begin[:-2] + argument + b"]]"
                yield begin[:-2] + b'],{"k":' + argument + b"}]"
            else:
                yield begin[:-1] + {MSGPACK: b"\x91", CBOR: b"\x81"}[serializer] + argument


ARGUMENTS: dict[int, list[bytes]] = {
    JSON: [
        b'"\\ud83d"',
        b'{"\\udc00": 1}',
        b'"\\u0000YWJj"',
        b'"\\u0000not base64"',
        b"NaN",
        b"-Infinity",
        b"1e400",
        b"9" * 30,
        b"[" * 900 + b"]" * 900,
    ],
    MSGPACK: [
        b"\xd4\x01\x00",  # an extension
        b"\xd6\xff\x00\x00\x00\x00",  # a timestamp
        b"\xd7\xff" + b"\xff" * 8,  # one that is not valid
        b"\xa1\xff",  # a string that is not UTF-8
        b"\xc1",  # no value at all
        b"\xcb\x7f\xf8\0\0\0\0\0\0",  # NaN
        b"\x81\x01\x02",  # a number for a key
        b"\x81\xc0\x02",  # null for a key
        b"\x81\x90\x02",  # a list for a key
        b"\xcf" + b"\xff" * 8,
        b"\x91" * 900 + b"\xc0",
        b"\xdd\xff\xff\xff\xff",  # a list of four thousand million elements
    ],
    CBOR: [
        b"\xf7",  # undefined
        b"\x81\xf7",
        b"\xa1\x61k\xf7",
        b"\xe0",  # a simple value
        b"\xf9\x7e\x00",  # NaN
        b"\xc2\x49" + b"\xff" * 9,  # a large number
        b"\xc0\x741985-04-12T23:20:50Z",  # a time
        b"\xd9\x01\x02\x81\x01",  # a set
        b"\xd8\x1c\x81\xd8\x1d\x00",  # a list that holds itself
        b"\xd8\x25\x50" + b"x" * 16,  # a UUID
        b"\xd9\x30\x39\x01",  # a tag that nobody knows
        b"\xd8\x23\x61(",  # a regular expression
        b"\x61\xff",  # a string that is not UTF-8
        b"\xa1\x01\x02",  # a number for a key
        b"\xa1\x80\x02",  # a list for a key
        b"\x81" * 900 + b"\xf6",
    ],
}


def received(raw: Raw) -> list[Any]:
    """Take a message; JSON may have what only Python's own reads, such as NaN."""
    (length,) = struct.unpack(">I", raw.stream.read(4))
    payload = raw.stream.read(length)
    return list(json.loads(payload) if raw.serializer == JSON else DECODE[raw.serializer](payload))


def send(attack: Callable[[], Raw], serializer: int, frames: Iterator[bytes]) -> None:
    """Send each frame, in a new session wherever the router has ended the last one for it."""
    question = ENCODE[serializer]([48, 2, {}, "com.victim.echo", ["?"]])
    raw = attack()
    raw.join(serializer)
    for frame in frames:
        try:
            raw.frame(frame)
            # Once this is answered, the router and the service have taken the frame.
            raw.frame(question)
            while (answer := received(raw))[:2] != [50, 2]:
                assert answer[:3] != [8, 48, 2], answer
                if answer[0] in (3, 6):
                    raise ConnectionError
        except (ConnectionError, struct.error):
            raw.close()
            raw = attack()
            raw.join(serializer)


@pytest.mark.parametrize(
    ("tail", "taken"),
    [
        ([None], [[], {}]),
        ([None, {"a": 1}], [[], {"a": 1}]),  # Crossbar.io itself refuses null for the second
    ],
    ids=repr,
)
@pytest.mark.usefixtures("codec")
def test_null_for_arguments_is_none_of_them(
    router: Router, tail: list[Any], taken: list[Any]
) -> None:
    with attacked(router) as attack:
        raw = attack()
        raw.join(JSON)
        raw.send([48, 1, {}, "com.victim.echo", *tail])
        answer = raw.receive()
        assert (answer[:2], answer[3:]) == ([50, 1], [[taken]])


def test_whatever_is_sent_does_not_end_it(router: Router, serializer: int) -> None:
    with attacked(router) as attack:
        send(attack, serializer, map(ENCODE[serializer], messages()))


@pytest.mark.usefixtures("codec")
def test_whatever_its_serializer_does_not_carry_does_not_end_it(
    router: Router, serializer: int
) -> None:
    with attacked(router) as attack:
        send(attack, serializer, frames(serializer))


def answers() -> Iterator[list[Any]]:
    """Yield what may follow the ids of YIELD, and of ERROR."""
    for args in (None, 1, "text", {}, [1], [nested(150)], [nested(450)]):
        yield [70, {}, args]
        yield [70, {"enc_algo": "cryptobox"}, args]
        yield [70, args]
        yield [8, {}, "com.error", args]
        yield [8, {}, args]
        for kwargs in [None, [], {"self": 1, "args": 2, "__class__": 3}, {"k": nested(250)}]:
            yield [70, {}, args, kwargs]
            yield [8, {}, "com.error", args, kwargs]


def serve(attack: Callable[[], Raw], procedure: str) -> Raw:
    """Join as a callee, and register a procedure."""
    raw = attack()
    raw.shake(MSGPACK)
    raw.send([1, "realm1", {"roles": {"callee": {}, "subscriber": {}}}])
    assert raw.receive()[0] == 2
    raw.send([64, 1, {}, procedure])
    assert raw.receive()[:2] == [65, 1]
    return raw


@pytest.mark.usefixtures("codec")
def test_whatever_a_callee_answers_fails_only_its_call(router: Router) -> None:
    with (
        ThreadPoolExecutor() as threads,
        connect(router.rs_url, timeout=DEADLINE) as caller,
        attacked(router) as attack,
    ):
        under_way = threads.submit(caller.call, "com.victim.slow")
        raw, procedure = None, ""
        for number, answer in enumerate(answers()):
            if raw is None:
                procedure = f"com.hostile.answer{number}"
                raw = serve(attack, procedure)
            call = threads.submit(caller.call, procedure)
            request = received(raw)[1]
            try:
                raw.send([*([70, request] if answer[0] == 70 else [8, 68, request]), *answer[1:]])
                raw.send([32, 7, {}, "com.hostile.news"])
                while received(raw)[:2] != [33, 7]:
                    pass
            except (ConnectionError, struct.error):  # the router has ended the callee's session
                raw.close()
                raw = None
            with contextlib.suppress(WampError):
                call.result(DEADLINE)
        assert not under_way.done()
    assert under_way.result(DEADLINE) == "at last"
