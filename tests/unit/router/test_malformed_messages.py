"""What the router makes of a malformed message: it refuses only that one."""

from typing import Any

import pytest

from tests.support.links import Client, register
from wampapp.errors import INVALID_ARGUMENT, PROTOCOL_VIOLATION, ProtocolViolation
from wampapp.protocol.messages import (
    ABORT,
    CALL,
    CANCEL,
    ERROR,
    INVOCATION,
    PUBLISH,
    REGISTER,
    RESULT,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
    Message,
    check,
)
from wampapp.router.router import Router

ENCRYPTED = b"what only its peers can read"


def say(client: Client, *message: Any) -> None:
    """Say something, as a link hands it on."""
    try:
        checked = check(list(message))
    except ProtocolViolation as error:
        client.session.violated(error)
    else:
        client.session.received(checked)


@pytest.fixture
def router() -> Router:
    return Router()


@pytest.mark.parametrize(
    "message",
    [
        [CALL, 7, {}, "com.x.add", ENCRYPTED],
        [CALL, 7, None, "com.x.add"],
        [CALL, 7, {}, "com.x.add", [], {1: 2}],
        [PUBLISH, 7, {"acknowledge": True}, "com.x.news", ENCRYPTED],
        [SUBSCRIBE, 7, {}],
        [UNSUBSCRIBE, 7, "8"],
        [REGISTER, 7, {}, None],
        [UNREGISTER, 7, 2**60],
    ],
    ids=repr,
)
def test_a_request_is_refused(router: Router, message: Message) -> None:
    client = Client(router)
    say(client, *message)
    assert client.heard()[:5] == [ERROR, message[0], 7, {}, INVALID_ARGUMENT]
    assert not client.closed
    register(client, "com.x.next")


@pytest.mark.parametrize(
    "message", [[PUBLISH, 7, {}, "com.x.news", ENCRYPTED], [PUBLISH, 7, None], [CANCEL, 7, None]]
)
def test_what_is_not_answered_is_dropped(router: Router, message: Message) -> None:
    client = Client(router)
    say(client, *message)
    assert (client.inbox, client.closed) == ([], False)


def calling(router: Router, **options: Any) -> tuple[Client, Client, int]:
    """Return a caller, a callee, and the request id of the callee's invocation."""
    caller, callee = Client(router), Client(router)
    register(callee, "com.x.slow")
    caller.say(CALL, 7, options, "com.x.slow")
    return caller, callee, callee.heard()[1]


@pytest.mark.parametrize("kind", [YIELD, ERROR])
def test_a_callee_s_answer_fails_the_call(router: Router, kind: int) -> None:
    caller, callee, request = calling(router)
    head = [YIELD, request, {}] if kind == YIELD else [ERROR, INVOCATION, request, {}, "com.x.no"]
    say(callee, *head, ENCRYPTED)
    answer = caller.heard()
    assert answer[:5] == [ERROR, CALL, 7, {}, PROTOCOL_VIOLATION]
    assert answer[5][0].startswith("The callee's answer cannot be read: ")
    assert not callee.closed
    assert (caller.session.calls, callee.session.invocations) == ({}, {})


def test_a_progressive_answer_fails_the_call_and_those_that_follow_are_dropped(
    router: Router,
) -> None:
    caller, callee, request = calling(router, receive_progress=True)
    callee.say(YIELD, request, {"progress": True}, [1])
    assert caller.heard() == [RESULT, 7, {"progress": True}, [1]]
    say(callee, YIELD, request, {"progress": True}, ENCRYPTED)
    assert caller.heard()[:5] == [ERROR, CALL, 7, {}, PROTOCOL_VIOLATION]
    callee.say(YIELD, request, {"progress": True}, [3])
    callee.say(YIELD, request, {}, [4])
    assert (caller.inbox, callee.closed) == ([], False)
    assert (caller.session.calls, callee.session.invocations) == ({}, {})


def test_the_answer_to_a_call_that_was_cancelled_is_dropped(router: Router) -> None:
    caller, callee, request = calling(router)
    caller.say(CANCEL, 7, {})
    assert caller.heard()[0] == ERROR
    say(callee, YIELD, request, {}, ENCRYPTED)
    assert (caller.inbox, callee.closed) == ([], False)


@pytest.mark.parametrize(
    "message",
    [
        [YIELD, 99, {}, ENCRYPTED],
        [ERROR, INVOCATION, 99, {}, 7],
        [ERROR, INVOCATION],
        [ERROR, CALL, 1, {}, 7],
        [CALL, 7, {}, "com.x.slow", ENCRYPTED],  # its id is that of a call under way
        [CALL, "8", {}, "com.x.slow"],
        [RESULT, 7, {}, ENCRYPTED],
        [99, 1],
    ],
    ids=repr,
)
def test_what_is_nobody_s_message_ends_its_sender_s_session(
    router: Router, message: Message
) -> None:
    caller, callee, _ = calling(router)
    say(caller, *message)
    assert caller.heard()[::2] == [ABORT, PROTOCOL_VIOLATION]
    assert (caller.closed, callee.closed) == (True, False)
