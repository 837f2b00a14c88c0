"""What a client's session makes of each message, in each of its states."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.sessions import WELCOMED, Scene, on_a_scene
from wampapp.client.handles import Procedure
from wampapp.errors import (
    PROTOCOL_VIOLATION,
    ConnectionLost,
    NotJoined,
    RouterRefused,
    RouterUnreachable,
    WampError,
)
from wampapp.protocol.credentials import Ticket
from wampapp.protocol.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CANCEL,
    CHALLENGE,
    ERROR,
    EVENT,
    GOODBYE,
    INTERRUPT,
    INVOCATION,
    MAX_ID,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    WELCOME,
    YIELD,
    Message,
)
from wampapp.registry.context import Invocation
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration, Subscription
from wampapp.session.session import State

CHALLENGED: Message = [CHALLENGE, "ticket", {}]
LONG = 3600.0  # seconds; nobody waits for it


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def challenged(scene: Scene) -> None:
    scene.say(*CHALLENGED)
    while not scene.link.sent:  # a worker thread answers
        await asyncio.sleep(0.001)
    assert scene.take() == [[AUTHENTICATE, "secret", {}]]


async def welcomed(scene: Scene) -> None:
    scene.say(*WELCOMED)


async def welcomed_after_a_challenge(scene: Scene) -> None:
    await challenged(scene)
    scene.say(*WELCOMED)


async def just_opened(scene: Scene) -> None: ...


async def registered(scene: Scene, handler: Callable[..., Any], number: int = 10) -> None:
    """Register a procedure, as the first request of the session."""
    scene.say(*WELCOMED)
    endpoint = endpoint_for(Registration("com.example.served", handler, "loop"))
    registering = asyncio.ensure_future(scene.session.register(endpoint))
    await asyncio.sleep(0)
    assert scene.take() == [[REGISTER, 1, {**endpoint.options}, "com.example.served"]]
    scene.say(REGISTERED, 1, number)
    assert await registering == number


# Messages that break the protocol.

Before = Callable[[Scene], Awaitable[None]]
REQUESTED: list[Message] = [
    [RESULT, 1, {}],
    [ERROR, CALL, 1, {}, "com.example.error"],
    [INVOCATION, 1, 10, {}],
    [INTERRUPT, 1, {}],
    [EVENT, 1, 2, {}],
    [REGISTERED, 1, 10],
    [UNREGISTERED, 1],
    [SUBSCRIBED, 1, 10],
    [UNSUBSCRIBED, 1],
    [PUBLISHED, 1, 2],
    [GOODBYE, {}, "wamp.close.normal"],
]


@pytest.mark.parametrize(
    ("before", "message"),
    [
        pytest.param(challenged, CHALLENGED, id="CHALLENGE twice"),
        pytest.param(welcomed, CHALLENGED, id="CHALLENGE after WELCOME"),
        pytest.param(
            welcomed_after_a_challenge, CHALLENGED, id="CHALLENGE after CHALLENGE and WELCOME"
        ),
        pytest.param(welcomed, WELCOMED, id="WELCOME twice"),
        *(pytest.param(just_opened, m, id=f"{m[0]} before WELCOME") for m in REQUESTED),
        *(
            pytest.param(welcomed, m, id=f"{m[0]}, which only routers take")
            for m in (
                [1, "realm1", {}],
                [AUTHENTICATE, "", {}],
                [CALL, 1, {}, "com.example.add"],
                [CANCEL, 1, {}],
                [PUBLISH, 1, {}, "com.example.news"],
                [REGISTER, 1, {}, "com.example.add"],
                [UNREGISTER, 1, 10],
                [SUBSCRIBE, 1, {}, "com.example.news"],
                [UNSUBSCRIBE, 1, 10],
                [YIELD, 1, {"progress": False}],
            )
        ),
    ],
)
def test_a_message_out_of_turn_ends_the_session(
    before: Before, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(scene: Scene) -> None:
        await before(scene)
        assert scene.take() == []
        scene.say(*message)
        [[code, _, reason]] = scene.take()
        assert (code, reason) == (ABORT, PROTOCOL_VIOLATION)
        assert scene.session.state is State.ENDED
        assert scene.link.done == ["closed"]
        assert (await scene.session.closed).startswith("the router broke the protocol: ")
        # What follows is ignored: nothing is sent, and nothing more is logged.
        scene.say(*message)
        scene.say(*WELCOMED)
        assert scene.take() == []

    on_a_scene(main, Ticket("joe", "secret"))
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == 1


# Messages that nobody waits for.


@pytest.mark.parametrize(
    "message",
    [
        [EVENT, 99, 2, {}, [1]],
        [RESULT, 99, {}],
        [RESULT, 99, {"progress": True}, [1]],
        [ERROR, CALL, 99, {}, "com.example.error"],
        [ERROR, REGISTER, 99, {}, "com.example.error"],
        [ERROR, 999, 1, {}, "com.example.error"],
        [REGISTERED, 99, 10],
        [UNREGISTERED, 99],
        [UNREGISTERED, 0, {"registration": 99}],
        [UNREGISTERED, 0, {"registration": [99]}],
        [UNREGISTERED, 0, {}],
        [SUBSCRIBED, 99, 10],
        [UNSUBSCRIBED, 99],
        [UNSUBSCRIBED, 0, {"subscription": 99}],
        [UNSUBSCRIBED, 0, {"subscription": [99]}],
        [UNSUBSCRIBED, 0],
        [PUBLISHED, 99, 2],
        [INTERRUPT, 99, {}],
        [INTERRUPT, 99, {"mode": "strange"}],
    ],
    ids=str,
)
def test_what_nobody_asked_for_is_ignored(message: Message) -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        call = scene.session.call("com.example.add", [], {})
        scene.take()
        scene.say(*message)
        assert (scene.take(), scene.link.done) == ([], [])
        assert scene.session.state is State.JOINED
        assert not call.done()
        scene.say(RESULT, 1, {}, [5])
        assert await call == 5

    on_a_scene(main)


@pytest.mark.parametrize(
    "wrong",
    [
        [SUBSCRIBED, 1, 10],
        [PUBLISHED, 1, 10],
        [UNREGISTERED, 1],
        [RESULT, 1, {}, [5]],
        [ERROR, SUBSCRIBE, 1, {}, "com.example.error"],
        [ERROR, CALL, 1, {}, "com.example.error"],
    ],
    ids=str,
)
def test_an_answer_of_the_wrong_kind_leaves_the_request_waiting(wrong: Message) -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        endpoint = endpoint_for(Registration("com.example.served", print))
        registering = asyncio.ensure_future(scene.session.register(endpoint))
        await asyncio.sleep(0)
        scene.say(*wrong)
        await turns()
        assert not registering.done()
        scene.say(REGISTERED, 1, 10)
        assert await registering == 10

    on_a_scene(main)


# Joining.


def test_a_challenge_is_answered_by_ours_and_not_by_the_app() -> None:
    """`App.surround` is for the app's functions, and what answers a CHALLENGE is not one."""

    async def main(scene: Scene) -> None:
        assert scene.session.state is State.JOINING
        await challenged(scene)
        assert scene.session.state is State.AUTHENTICATING
        assert not scene.session.is_joined
        scene.say(*WELCOMED)
        await scene.session.joined
        assert (scene.session.state, scene.session.id) == (State.JOINED, 7)
        assert scene.surrounded == []

    on_a_scene(main, Ticket("joe", "secret"))


def test_an_answer_to_a_challenge_that_comes_after_the_end_is_not_sent() -> None:
    async def main(scene: Scene) -> None:
        scene.say(*CHALLENGED)
        scene.say(ABORT, {"message": "too late"}, "wamp.error.authentication_failed")
        authentication = scene.session._authentication
        assert authentication is not None
        await authentication
        assert scene.take() == []
        with pytest.raises(RouterRefused, match="too late"):
            await scene.session.joined

    on_a_scene(main, Ticket("joe", "secret"))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("wamp.error.no_such_realm", RouterRefused),
        ("wamp.error.not_authorized", RouterRefused),
        ("wamp.close.system_shutdown", RouterUnreachable),
    ],
)
def test_abort_before_welcome_fails_the_join(reason: str, kind: type[Exception]) -> None:
    async def main(scene: Scene) -> None:
        scene.say(ABORT, {"message": "Sorry."}, reason)
        with pytest.raises(kind, match="Sorry"):
            await scene.session.joined
        assert await scene.session.closed == "the router aborted the session: Sorry"
        assert (scene.take(), scene.link.done) == ([], ["closed"])
        with pytest.raises(NotJoined):
            scene.session.call("com.example.add", [], {})

    on_a_scene(main)


# The end.


def by_abort(scene: Scene) -> None:
    scene.say(ABORT, {}, "wamp.error.system_shutdown")


def by_goodbye(scene: Scene) -> None:
    scene.say(GOODBYE, {"message": "enough"}, "wamp.close.close_realm")


def by_loss(scene: Scene) -> None:
    scene.session.lost("the cable was pulled")


def by_cut(scene: Scene) -> None:
    scene.session.cut("the router does not answer any more")


def by_violation(scene: Scene) -> None:
    scene.say(*WELCOMED)


@pytest.mark.parametrize(
    ("end", "why", "codes", "done"),
    [
        (by_abort, "the router aborted the session: wamp.error.system_shutdown", [], ["closed"]),
        (by_goodbye, "enough", [GOODBYE], ["closed"]),
        (by_loss, "the cable was pulled", [], []),
        (by_cut, "the router does not answer any more", [], ["aborted"]),
        (by_violation, "the router broke the protocol: The router sent a message 2", [ABORT],
         ["closed"]),
    ],
)  # fmt: skip
def test_each_end_fails_what_waits_and_only_the_first_counts(
    end: Callable[[Scene], None], why: str, codes: list[int], done: list[str]
) -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        session = scene.session
        call = session.call("com.example.add", [], {})
        event = session.publish("com.example.news", [], {}, options={"acknowledge": True})
        scene.take()
        end(scene)
        assert session.state is State.ENDED
        assert (await session.closed).startswith(why)
        for request in (call, event):
            with pytest.raises(ConnectionLost, match=why):
                await request
        said = scene.take()
        assert [message[0] for message in said] == codes
        assert scene.link.done == done
        if codes == [GOODBYE]:
            assert said == [[GOODBYE, {}, "wamp.close.goodbye_and_out"]]
        for again in (by_cut, by_loss, by_abort, by_goodbye, by_violation):
            again(scene)
        assert (scene.take(), scene.link.done) == ([], done)
        assert (await session.closed).startswith(why)
        with pytest.raises(NotJoined):
            session.call("com.example.add", [], {})

    on_a_scene(main)


def test_goodbye_is_answered_only_where_we_did_not_say_it_first() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        leaving = asyncio.ensure_future(scene.session.leave(LONG))
        await asyncio.sleep(0)
        assert scene.take() == [[GOODBYE, {}, "wamp.close.normal"]]
        assert scene.session.state is State.LEAVING
        # Nothing is sent after GOODBYE, and answers may still come.
        with pytest.raises(NotJoined):
            scene.session.publish("com.example.news", [], {})
        scene.say(GOODBYE, {}, "wamp.close.goodbye_and_out")
        assert (scene.take(), scene.link.done) == ([], ["closed"])
        scene.session.lost("the peer closed the connection")
        await leaving
        assert await scene.session.closed == "wamp.close.goodbye_and_out"

    on_a_scene(main)


def test_a_handler_that_ends_after_its_session_is_not_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(scene: Scene) -> None:
        release = asyncio.get_running_loop().create_future()
        ended = asyncio.Event()

        async def handler() -> int:
            await release
            ended.set()
            return 5

        await registered(scene, handler)
        scene.say(INVOCATION, 1, 10, {})
        await turns()
        by_loss(scene)
        release.set_result(None)
        await ended.wait()
        await turns()
        assert scene.take() == []

    on_a_scene(main)
    assert [record.getMessage() for record in caplog.records] == [
        "com.example.served finished after its session had ended; its answer was not sent"
    ]


# Requests.


def test_request_ids_start_at_1_count_up_by_one_and_wrap_at_2_to_the_53() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        session = scene.session
        session.call("com.example.add", [], {})
        session.publish("com.example.news", [], {})
        endpoint = endpoint_for(Subscription("com.example.news", print))
        subscribing = asyncio.ensure_future(session.subscribe(endpoint))
        await asyncio.sleep(0)
        session.probe()
        assert [message[:2] for message in scene.take()] == [
            [CALL, 1],
            [PUBLISH, 2],
            [SUBSCRIBE, 3],
            [UNSUBSCRIBE, 4],
        ]
        subscribing.cancel()
        session._caller._last_request = 2**53 - 1
        for _ in range(2):
            session.publish("com.example.news", [], {})
        assert [message[1] for message in scene.take()] == [2**53, 1]
        assert MAX_ID == 2**53

    on_a_scene(main)


@pytest.mark.parametrize("details", [{}, {"progress": False}, {"progress": None}])
def test_only_progress_true_makes_a_result_progressive(details: dict[str, Any]) -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        progress: list[Any] = []

        def on_progress(*values: Any) -> None:
            progress.append(values)

        call = scene.session.call("com.example.count", [], {}, on_progress)
        assert scene.take() == [[CALL, 1, {"receive_progress": True}, "com.example.count"]]
        scene.say(RESULT, 1, {"progress": True}, [1], {"a": 2})
        assert (progress, call.done()) == ([([1], {"a": 2})], False)
        scene.say(RESULT, 1, details, [2])
        assert (len(progress), await call) == (1, 2)
        scene.say(RESULT, 1, {"progress": True}, [3])
        assert len(progress) == 1

    on_a_scene(main)


def test_an_error_is_its_request_s_and_keeps_its_payload() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        first, second = (scene.session.call("com.example.add", [], {}) for _ in range(2))
        scene.say(ERROR, CALL, 2, {}, "com.example.sold_out", ["gone"], {"sku": 7})
        with pytest.raises(WampError) as caught:
            await second
        error = caught.value
        assert (error.uri, error.args, error.kwargs) == (
            "com.example.sold_out",
            ("gone",),
            {"sku": 7},
        )
        assert not first.done()

    on_a_scene(main)


def test_a_cancelled_call_sends_cancel_once_and_its_answer_is_ignored() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        call = scene.session.call("com.example.add", [], {})
        scene.take()
        assert call.cancel()
        assert not call.cancel()
        await turns()
        assert scene.take() == [[CANCEL, 1, {"mode": "killnowait"}]]
        scene.say(ERROR, CALL, 1, {}, "wamp.error.canceled")
        scene.say(RESULT, 1, {}, [5])
        assert scene.session.state is State.JOINED

    on_a_scene(main)


def test_a_call_that_is_answered_in_the_turn_of_its_cancellation_sends_no_cancel() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        progress: list[Any] = []

        def on_progress(args: Any, _kwargs: Any) -> None:
            progress.append(args)

        call = scene.session.call("com.example.add", [], {}, on_progress)
        scene.take()
        scene.say(RESULT, 1, {"progress": True}, [1])
        call.cancel()
        scene.say(RESULT, 1, {"progress": True}, [2])
        scene.say(RESULT, 1, {}, [5])
        await turns()
        assert (scene.take(), progress) == ([], [[1]])

    on_a_scene(main)


def test_a_session_that_leaves_cancels_what_was_cancelled_in_the_same_turn() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        kept, call = (scene.session.call("com.example.add", [], {}) for _ in range(2))
        scene.take()
        call.cancel()
        leaving = asyncio.ensure_future(scene.session.leave(LONG))
        await turns()
        assert [message[:2] for message in scene.take()] == [[CANCEL, 2], [GOODBYE, {}]]
        scene.say(GOODBYE, {}, "wamp.close.goodbye_and_out")
        scene.session.lost("it was closed")
        await leaving
        with pytest.raises(ConnectionLost):
            await kept

    on_a_scene(main)


def test_many_calls_that_are_cancelled_at_once_are_each_cancelled_once() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        calls = [scene.session.call("com.example.add", [], {}) for _ in range(5)]
        scene.take()
        for call in calls[1:4]:
            call.cancel()
        await turns()
        assert scene.take() == [[CANCEL, number, {"mode": "killnowait"}] for number in (2, 3, 4)]
        for number in (1, 5):
            scene.say(RESULT, number, {}, [number])
        assert [await calls[0], await calls[4]] == [1, 5]

    on_a_scene(main)


def test_what_is_sent_after_an_iteration_was_left_comes_after_its_cancel() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        session: Any = scene.session
        items = Procedure(lambda: session, "com.example.count", {}).stream()
        first = asyncio.ensure_future(anext(items))
        await turns()
        scene.say(RESULT, 1, {"progress": True}, [1])
        assert await first == 1
        scene.take()
        await items.aclose()
        session.publish("com.example.left", [], {})
        assert [message[0] for message in scene.take()] == [CANCEL, PUBLISH]

    on_a_scene(main)


def test_a_router_that_does_not_take_cancel_is_sent_none() -> None:
    async def main(scene: Scene) -> None:
        scene.say(WELCOME, 7, {"roles": {"dealer": {"features": {"call_canceling": 1}}}})
        call = scene.session.call("com.example.add", [], {})
        scene.take()
        call.cancel()
        await turns()
        assert scene.take() == []

    on_a_scene(main)


# Invocations.


@pytest.mark.parametrize("options", [{}, {"mode": "kill"}, {"mode": "strange"}, {"mode": 7}])
def test_interrupt_cancels_its_run_whatever_the_mode(options: dict[str, Any]) -> None:
    async def main(scene: Scene) -> None:
        cancelled: list[int] = []

        async def handler(number: int) -> None:
            try:
                await asyncio.sleep(LONG)
            finally:
                cancelled.append(number)

        await registered(scene, handler)
        for number in (1, 2):
            scene.say(INVOCATION, number, 10, {}, [number])
        await turns()
        scene.say(INTERRUPT, 2, options)
        await turns()
        [[code, request_code, request, _, uri, _]] = scene.take()
        assert [code, request_code, request, uri] == [ERROR, INVOCATION, 2, "wamp.error.canceled"]
        assert cancelled == [2]
        scene.say(INTERRUPT, 2, options)  # it is over already
        await turns()
        assert scene.take() == []

    on_a_scene(main)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_call_s_last_yield_has_no_progress_and_others_have(wanted: bool) -> None:
    async def main(scene: Scene) -> None:
        def handler(call: Invocation) -> int:
            call.progress(1)
            return 2

        await registered(scene, handler)
        scene.say(INVOCATION, 1, 10, {"receive_progress": wanted})
        progress = [[YIELD, 1, {"progress": True}, [1]]]
        assert scene.take() == [*(progress if wanted else []), [YIELD, 1, {}, [2]]]

    on_a_scene(main)


def test_a_call_that_overtakes_unregistered_is_answered_and_a_later_one_is_not() -> None:
    async def main(scene: Scene) -> None:
        await registered(scene, lambda: 5)
        unregistering = asyncio.ensure_future(scene.session.unregister(10))
        await asyncio.sleep(0)
        assert scene.take() == [[UNREGISTER, 2, 10]]
        scene.say(INVOCATION, 1, 10, {})
        assert scene.take() == [[YIELD, 1, {}, [5]]]
        scene.say(UNREGISTERED, 2)
        await unregistering
        scene.say(INVOCATION, 2, 10, {})
        [answer] = scene.take()
        assert answer[:5] == [ERROR, INVOCATION, 2, {}, "wamp.error.no_such_procedure"]
        assert scene.session.state is State.JOINED

    on_a_scene(main)


def test_an_invocation_right_behind_registered_is_answered() -> None:
    async def main(scene: Scene) -> None:
        await welcomed(scene)
        endpoint = endpoint_for(Registration("com.example.served", lambda: 5, "loop"))
        registering = asyncio.ensure_future(scene.session.register(endpoint))
        await asyncio.sleep(0)
        scene.take()
        scene.say(REGISTERED, 1, 10)
        scene.say(INVOCATION, 1, 10, {})  # in the same turn of the loop
        assert scene.take() == [[YIELD, 1, {}, [5]]]
        assert await registering == 10

    on_a_scene(main)
