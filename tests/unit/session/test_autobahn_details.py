"""The `CallDetails` and `EventDetails` that a handler gets which asks for them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from autobahn import wamp
from autobahn.wamp.request import Registration, Subscription
from autobahn.wamp.types import CallDetails, EventDetails, RegisterOptions, SubscribeOptions
from twisted.internet.defer import Deferred

from tests.support.sessions import WELCOMED, Scene, on_a_scene
from wampapp.protocol.messages import (
    EVENT,
    INVOCATION,
    REGISTER,
    REGISTERED,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
)
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.endpoint import endpoint_for
from wampapp.session.announcing import Announcer

URI = "com.example.a"


async def announced(scene: Scene, thing: object) -> None:
    """Join, and announce what carries one mark, as 10."""
    scene.say(*WELCOMED)
    blueprint = Blueprint()
    blueprint.include(thing)
    [record] = (*blueprint.registry.registrations, *blueprint.registry.subscriptions)

    async def joined() -> Any:
        return scene.session

    announcer = Announcer([], lambda: scene.session, joined)
    announcing = asyncio.ensure_future(announcer.announce(record, endpoint_for(record)))
    for _ in range(3):
        await asyncio.sleep(0)
    [[code, request, options, uri]] = scene.take()
    assert (options, uri) == ({"x_disclose": True}, URI)
    scene.say(REGISTERED if code == REGISTER else SUBSCRIBED, request, 10)
    assert code in (REGISTER, SUBSCRIBE)
    await announcing


def procedure(function: Callable[..., Any]) -> Any:
    return wamp.register(URI, options=RegisterOptions(details=True))(function)


def topic(function: Callable[..., Any]) -> Any:
    return wamp.subscribe(URI, options=SubscribeOptions(details=True))(function)


def test_call_details() -> None:
    got: list[Any] = []

    @procedure
    def handler(a: int, details: Any = None) -> None:
        got.append(details)

    async def main(scene: Scene) -> None:
        await announced(scene, handler)
        told = {"caller": 7, "caller_authid": "joe", "caller_authrole": "user", "other": 1}
        scene.say(INVOCATION, 1, 10, {**told, "transaction_hash": "x", "procedure": URI}, [1])
        scene.say(INVOCATION, 2, 10, {}, [1])
        hostile = {"caller": "7", "caller_authid": 5, "enc_algo": [], "caller_authrole": None}
        scene.say(INVOCATION, 3, 10, hostile, [1])
        assert [message[0] for message in scene.take()] == [YIELD] * 3

    on_a_scene(main)
    for details in got:
        assert type(details) is CallDetails
        assert (details.procedure, details.progress, details.enc_algo) == (URI, None, None)
        assert type(details.registration) is Registration
        assert (details.registration.id, details.registration.procedure) == (10, URI)
        assert details.registration.active
        assert details.registration.endpoint.fn is handler
        assert details.registration.endpoint.details_arg == "details"
    caller = [(d.caller, d.caller_authid, d.caller_authrole, d.transaction_hash) for d in got]
    assert caller == [(7, "joe", "user", "x"), (None,) * 4, (None,) * 4]


def test_event_details() -> None:
    got: list[Any] = []

    @topic
    def handler(a: int, details: Any = None) -> None:
        got.append(details)

    async def main(scene: Scene) -> None:
        await announced(scene, handler)
        told = {"publisher": 7, "publisher_authid": "joe", "publisher_authrole": "user"}
        scene.say(EVENT, 10, 5, {**told, "retained": True, "topic": URI}, [1])
        scene.say(EVENT, 10, 6, {"publisher": "7", "retained": 1}, [1])

    on_a_scene(main)
    for details in got:
        assert type(details) is EventDetails
        assert details.topic == URI
        assert type(details.subscription) is Subscription
        assert (details.subscription.id, details.subscription.topic) == (10, URI)
        assert details.subscription.handler.fn is handler
    told = [(d.publication, d.publisher, d.publisher_authid, d.publisher_authrole, d.retained)
            for d in got]  # fmt: skip
    assert told == [(5, 7, "joe", "user", True), (6, None, None, None, None)]


def test_progress_sends_positional_and_named_values() -> None:
    @procedure
    def handler(details: Any) -> str:
        details.progress()
        details.progress(1, 2, a=3)
        return "done"

    async def main(scene: Scene) -> None:
        await announced(scene, handler)
        scene.say(INVOCATION, 1, 10, {"receive_progress": True})
        assert scene.take() == [
            [YIELD, 1, {"progress": True}],
            [YIELD, 1, {"progress": True}, [1, 2], {"a": 3}],
            [YIELD, 1, {}, ["done"]],
        ]

    on_a_scene(main)


@pytest.mark.parametrize("kind", ["procedure", "topic"])
def test_a_handler_takes_itself_back(kind: str) -> None:
    returned: list[Any] = []

    async def handler(details: Any) -> None:
        what = details.registration if kind == "procedure" else details.subscription
        waited = what.unregister() if kind == "procedure" else what.unsubscribe()
        returned.append(waited)
        returned.append(await waited)
        assert not what.active

    async def main(scene: Scene) -> None:
        await announced(scene, (procedure if kind == "procedure" else topic)(handler))
        scene.say(*((INVOCATION, 1, 10, {}) if kind == "procedure" else (EVENT, 10, 1, {})))
        for _ in range(5):
            await asyncio.sleep(0)
        code = UNREGISTER if kind == "procedure" else UNSUBSCRIBE
        assert [message[2] for message in scene.take() if message[0] == code] == [10]

    on_a_scene(main)
    assert isinstance(returned[0], Deferred)
    assert returned[1] is None
