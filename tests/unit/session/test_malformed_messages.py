"""What a client's session makes of a message that is malformed: it refuses only that one."""

import asyncio
import logging
from typing import Any

import pytest

from tests.support.sessions import WELCOMED, Scene, on_a_scene
from wampapp.errors import PROTOCOL_VIOLATION, ProtocolViolation
from wampapp.protocol.messages import (
    ABORT,
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    GOODBYE,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTERED,
    RESULT,
    SUBSCRIBED,
    WELCOME,
    YIELD,
    Message,
    check,
)
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration, Subscription
from wampapp.session.session import State

PROCEDURE, TOPIC = 10, 11
LONG = 3600.0  # seconds; nobody waits for it

ENCRYPTED = b"what only its peers can read"
#: Ends of messages that no argument list can be.
TAILS: list[list[Any]] = [
    [ENCRYPTED],
    ["text"],
    [{}],
    [[], []],
    [[], {1: 2}],
    [[], {}, []],
    [None, None, None],
]
EACH_TAIL = pytest.mark.parametrize("tail", TAILS, ids=repr)


def say(scene: Scene, message: Message) -> None:
    """Say something, as a link hands it on."""
    try:
        message = check(list(message))
    except ProtocolViolation as error:
        scene.session.violated(error)
    else:
        scene.session.received(message)


async def joined(scene: Scene, got: list[Any]) -> None:
    """Join, with a procedure and a topic, whose handlers note what they get."""

    async def handler(number: int = 0) -> int:
        got.append(number)
        if number < 0:
            await asyncio.sleep(LONG)
        return number

    scene.say(*WELCOMED)
    session = scene.session
    both = asyncio.gather(
        session.register(endpoint_for(Registration("com.x.served", handler))),
        session.subscribe(endpoint_for(Subscription("com.x.news", handler))),
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    scene.say(REGISTERED, 1, PROCEDURE)
    scene.say(SUBSCRIBED, 2, TOPIC)
    assert await both == [PROCEDURE, TOPIC]
    scene.take()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@EACH_TAIL
def test_a_call_is_answered_with_an_error_and_the_next_one_served(
    tail: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, [])
        say(scene, [INVOCATION, 1, PROCEDURE, {}, *tail])
        [answer] = scene.take()
        assert answer[:5] == [ERROR, INVOCATION, 1, {}, "wamp.error.invalid_argument"]
        assert answer[5][0].startswith("The call cannot be read: The INVOCATION message has ")
        say(scene, [INVOCATION, 2, PROCEDURE, {}, [5]])
        await turns()
        assert scene.take() == [[YIELD, 2, {}, [5]]]

    on_a_scene(main)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("A call of com.x.served was refused: ")


@EACH_TAIL
def test_an_event_is_dropped_and_the_next_one_heard(
    tail: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    got: list[Any] = []

    async def main(scene: Scene) -> None:
        await joined(scene, got)
        say(scene, [EVENT, TOPIC, 1, {}, *tail])
        say(scene, [EVENT, TOPIC, 2**60, {}, [1]])
        say(scene, [EVENT, TOPIC, 2, {}, [5]])
        await turns()
        assert scene.take() == []

    on_a_scene(main)
    assert got == [5]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "An event of com.x.news was dropped"
    ] * 2


@pytest.mark.parametrize("tail", [[None], [None, None], [[], None]], ids=repr)
def test_null_for_arguments_is_none_of_them(tail: list[Any]) -> None:
    got: list[Any] = []

    async def main(scene: Scene) -> None:
        await joined(scene, got)
        say(scene, [INVOCATION, 1.0, float(PROCEDURE), {}, *tail])
        say(scene, [EVENT, TOPIC, 1, {}, *tail])
        await turns()
        assert scene.take() == [[YIELD, 1, {}, [0]]]
        call = scene.session.call("com.x.add", [], {})
        say(scene, [RESULT, 3, {}, *tail])
        assert await call is None

    on_a_scene(main)
    assert got == [0, 0]


@pytest.mark.parametrize(
    "message",
    [
        *([RESULT, 3, {}, *tail] for tail in TAILS),
        *([ERROR, CALL, 3, {}, "com.x.error", *tail] for tail in TAILS),
        [RESULT, 3],
        [RESULT, 3, None, [5]],
        [ERROR, CALL, 3, {}, 7],
        [ERROR, CALL, 3],
    ],
    ids=repr,
)
def test_an_answer_fails_its_call_and_no_other(message: Message) -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, [])
        call, other = (scene.session.call("com.x.add", [], {}) for _ in range(2))
        scene.take()
        say(scene, message)
        with pytest.raises(ProtocolViolation, match="The answer cannot be read: The "):
            await call
        say(scene, [RESULT, 4, {}, [5]])
        assert await other == 5
        assert scene.take() == []

    on_a_scene(main)


def test_a_progressive_result_cancels_its_call() -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, [])
        call = scene.session.call("com.x.add", [], {}, print)
        scene.take()
        say(scene, [RESULT, 3, {"progress": True}, ENCRYPTED])
        with pytest.raises(ProtocolViolation):
            await call
        assert scene.take() == [[CANCEL, 3, {"mode": "killnowait"}]]

    on_a_scene(main)


@pytest.mark.parametrize("message", [[PUBLISHED, 3, "4"], [ERROR, PUBLISH, 3, {}, None]])
def test_an_answer_fails_its_request(message: Message) -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, [])
        event = scene.session.publish("com.x.news", [], {}, options={"acknowledge": True})
        say(scene, message)
        with pytest.raises(ProtocolViolation):
            await event
        assert scene.session.state is State.JOINED

    on_a_scene(main)


def test_an_interrupt_cancels_its_run() -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, [])
        say(scene, [INVOCATION, 1, PROCEDURE, {}, [-1]])
        await turns()
        say(scene, [INTERRUPT, 1, None])
        await turns()
        [answer] = scene.take()
        assert answer[:5] == [ERROR, INVOCATION, 1, {}, "wamp.error.canceled"]

    on_a_scene(main)


@pytest.mark.parametrize(
    "message",
    [
        [RESULT, 99, {}, ENCRYPTED],
        [ERROR, CALL, 99, {}, 7],
        [ERROR, 99, 3, {}, 7],
        [ERROR, 99],
        [REGISTERED, 99, "1"],
        [EVENT, 99, 1, {}, ENCRYPTED],
        [INTERRUPT, 99, None],
    ],
    ids=repr,
)
def test_what_nobody_waits_for_is_ignored(message: Message) -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, [])
        say(scene, message)
        assert (scene.take(), scene.session.state) == ([], State.JOINED)

    on_a_scene(main)


@pytest.mark.parametrize(
    "message",
    [
        [WELCOME, 1, None],
        [GOODBYE, None, "wamp.close.normal"],
        [CALL, 1, {}, 7],
        [INVOCATION, "1", PROCEDURE, {}],
        [INVOCATION],
        [99, 1],
        [],
    ],
    ids=repr,
)
def test_what_is_nobody_s_message_ends_the_session(message: Message) -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, [])
        say(scene, message)
        [answer] = scene.take()
        assert answer[::2] == [ABORT, PROTOCOL_VIOLATION]
        assert scene.session.state is State.ENDED
        say(scene, message)
        assert scene.take() == []

    on_a_scene(main)


def test_before_the_join_every_malformed_message_ends_the_session() -> None:
    async def main(scene: Scene) -> None:
        say(scene, [INVOCATION, 1, PROCEDURE, {}, ENCRYPTED])
        [answer] = scene.take()
        assert answer[0] == ABORT

    on_a_scene(main)
