"""Handlers that are taken back: what is sent, and what reaches them in between."""

import asyncio

import pytest

from tests.support.sessions import WELCOMED, Scene, on_a_scene
from wampapp import Event
from wampapp.protocol.messages import (
    EVENT,
    REGISTER,
    REGISTERED,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
)
from wampapp.registry.endpoint import Endpoint, endpoint_for
from wampapp.registry.records import Registration, Subscription
from wampapp.session.announcing import Announcer
from wampapp.session.events import MAX_WAITING_EVENTS
from wampapp.session.session import Session


async def steps() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def on(topic: str, handler: object) -> Endpoint:
    return endpoint_for(Subscription(topic, handler, "loop"))  # type: ignore[arg-type]


def test_a_topic_stays_subscribed_for_a_handler_whose_subscribe_is_on_its_way() -> None:
    """The router answers it with the same id, which an UNSUBSCRIBE behind it would end."""

    async def main(scene: Scene) -> None:
        heard: list[str] = []
        scene.say(*WELCOMED)
        session = scene.session
        one = on("com.example.news", lambda: heard.append("one"))
        two = on("com.example.news", lambda: heard.append("two"))
        subscribing = asyncio.ensure_future(session.subscribe(one))
        await steps()
        scene.say(SUBSCRIBED, 1, 11)
        await subscribing
        subscribing = asyncio.ensure_future(session.subscribe(two))
        await steps()
        scene.take()
        assert session.withdraw(one) is None
        scene.say(SUBSCRIBED, 2, 11)
        await subscribing
        scene.say(EVENT, 11, 1, {})
        assert (heard, scene.take()) == (["two"], [])
        asking = session.withdraw(two)
        assert asking is not None
        unsubscribing = asyncio.ensure_future(asking)
        await steps()
        assert scene.take() == [[UNSUBSCRIBE, 3, 11]]
        scene.say(EVENT, 11, 2, {})  # it has overtaken our UNSUBSCRIBE
        scene.say(UNSUBSCRIBED, 3)
        await unsubscribing
        assert heard == ["two"]

    on_a_scene(main)


def test_events_that_wait_for_a_handler_that_is_taken_back_hold_nobody_up() -> None:
    async def main(scene: Scene) -> None:
        scene.say(*WELCOMED)
        session, go = scene.session, asyncio.Event()
        started = 0

        async def slow() -> None:
            nonlocal started
            started += 1
            await go.wait()

        slow_one = endpoint_for(Subscription("com.example.news", slow))
        subscribing = asyncio.ensure_future(session.subscribe(slow_one))
        await steps()
        scene.say(SUBSCRIBED, 1, 11)
        await subscribing
        for number in range(MAX_WAITING_EVENTS + 2):
            scene.say(EVENT, 11, number + 1, {})
        assert scene.link.done == ["paused"]
        asking = session.withdraw(slow_one)
        assert scene.link.done == ["paused", "resumed"]
        assert asking is not None
        asking.close()
        go.set()
        await steps()
        assert started == 1

    on_a_scene(main)


def test_a_handler_may_take_another_one_back_that_has_yet_to_get_the_event() -> None:
    async def main(scene: Scene) -> None:
        scene.say(*WELCOMED)
        session, heard = scene.session, []
        two = on("com.example.news", lambda: heard.append("two"))

        def first() -> None:
            heard.append("one")
            session.withdraw(two)

        both = asyncio.gather(
            session.subscribe(on("com.example.news", first)), session.subscribe(two)
        )
        await steps()
        scene.say(SUBSCRIBED, 1, 11)
        scene.say(SUBSCRIBED, 2, 11)
        await both
        scene.say(EVENT, 11, 1, {})
        scene.say(EVENT, 11, 2, {})
        assert heard == ["one", "one"]

    on_a_scene(main)


@pytest.mark.parametrize("in_time", [True, False])
def test_what_is_taken_back_while_a_session_opens_is_gone_when_it_is_open(in_time: bool) -> None:
    async def main(scene: Scene) -> None:
        scene.say(*WELCOMED)
        current: list[Session | None] = [None]
        record = Registration("com.example.add", lambda: 5, "loop")
        kept, gone = endpoint_for(record), endpoint_for(record)
        announcer = Announcer([(record, kept), (record, gone)], lambda: current[0], never)
        if in_time:
            gone.withdraw()
        announcing = asyncio.ensure_future(
            announcer.announce_all(
                scene.session, where="here", timeout=5, take_over=False, again=True
            )
        )
        await steps()
        assert [m[0] for m in scene.take()] == [REGISTER] * (1 if in_time else 2)
        if not in_time:
            gone.withdraw()
        scene.say(REGISTERED, 1, 10)
        if not in_time:
            scene.say(REGISTERED, 2, 11)
            await steps()
            assert scene.take() == [[UNREGISTER, 3, 11]]
            scene.say(UNREGISTERED, 3)
        await announcing
        current[0] = scene.session
        assert (announcer.find(kept), announcer.find(gone)) == (10, None)

    on_a_scene(main)


async def never() -> Session:
    raise AssertionError


def test_it_may_take_itself_back_before_its_subscribe_has_returned() -> None:
    """An event can follow SUBSCRIBED in the very next bytes."""

    async def main(scene: Scene) -> None:
        scene.say(*WELCOMED)

        async def joined() -> Session:
            return scene.session

        def once(event: Event) -> None:
            event.unsubscribe()

        announcer = Announcer([], lambda: scene.session, joined)
        record = Subscription("com.example.news", once, "loop")
        announcing = asyncio.ensure_future(announcer.announce(record, endpoint_for(record)))
        await steps()
        assert [m[0] for m in scene.take()] == [SUBSCRIBE]
        scene.say(SUBSCRIBED, 1, 11)
        scene.say(EVENT, 11, 1, {})
        await announcing
        assert scene.take() == [[UNSUBSCRIBE, 2, 11]]
        scene.say(UNSUBSCRIBED, 2)
        again = announcer.announce_all(
            scene.session, where="here", timeout=5, take_over=False, again=True
        )
        await again
        assert scene.take() == []

    on_a_scene(main)
