"""What a call and an event cost in a session: the Python functions of ours that run for each."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.hot_path import functions, noted
from tests.support.no_task import no_task
from tests.support.sessions import WELCOMED, Scene, on_a_scene
from wampapp.protocol.messages import (
    EVENT,
    INVOCATION,
    REGISTERED,
    RESULT,
    SUBSCRIBED,
    YIELD,
)
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration, Subscription
from wampapp.session.events import MAX_WAITING_EVENTS, RESUME_AT


async def joined(scene: Scene, handler: Callable[..., Any]) -> None:
    """Join, and have one handler for both a procedure (10) and a topic (11)."""
    scene.say(*WELCOMED)
    session = scene.session
    run = None if inspect.iscoroutinefunction(handler) else "loop"
    procedure = endpoint_for(Registration("com.example.served", handler, run))
    topic = endpoint_for(Subscription("com.example.news", handler, run))
    both = asyncio.gather(session.register(procedure), session.subscribe(topic))
    for _ in range(3):
        await asyncio.sleep(0)
    scene.say(REGISTERED, 1, 10)
    scene.say(SUBSCRIBED, 2, 11)
    assert await both == [10, 11]
    scene.take()


def double(number: int) -> int:
    return 2 * number


def test_an_invocation_costs_no_more_functions_than_it_did() -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, double)
        names = functions(lambda: scene.session.received([INVOCATION, 1, 10, {}, [2]]))
        assert scene.take() == [[YIELD, 1, {}, [4]]]
        assert len(names) <= 14, names

    on_a_scene(main)


def test_an_invocation_of_a_coroutine_function_costs_no_more_functions_than_it_did() -> None:
    async def handler(number: int) -> int:
        return 2 * number

    async def main(scene: Scene) -> None:
        await joined(scene, handler)
        with noted() as names, no_task():
            scene.session.received([INVOCATION, 1, 10, {}, [2]])
        assert scene.take() == [[YIELD, 1, {}, [4]]]
        assert len(names) <= 17, names

    on_a_scene(main)


def test_a_call_costs_no_more_functions_than_it_did() -> None:
    async def main(scene: Scene) -> None:
        await joined(scene, double)
        session = scene.session

        def once() -> None:
            future = session.call("com.example.double", [2], {})
            session.received([RESULT, 3, {}, [4]])
            assert future.result() == 4

        names = functions(once)
        assert len(names) <= 8, names

    on_a_scene(main)


def test_an_event_costs_no_more_functions_than_it_needs() -> None:
    """An event for a handler that is free changes nothing about reading."""
    got: list[int] = []

    async def main(scene: Scene) -> None:
        await joined(scene, got.append)
        names = functions(lambda: scene.session.received([EVENT, 11, 5, {}, [2]]))
        assert len(names) <= 15, names

    on_a_scene(main)
    assert got == [2]


@pytest.mark.parametrize("awaiting", [False, True])
def test_reading_stops_above_the_most_waiting_events_and_goes_on_at_a_quarter(
    awaiting: bool,
) -> None:
    async def main(scene: Scene) -> None:
        release = asyncio.Semaphore(0)

        async def handler(_number: int) -> None:
            await release.acquire()

        await joined(scene, handler)
        for number in range(MAX_WAITING_EVENTS + 1):  # one of them runs
            scene.say(EVENT, 11, number, {}, [number])
        assert scene.link.done == []
        if awaiting:
            scene.session.call("com.example.double", [2], {})
        scene.say(EVENT, 11, 1, {}, [1])
        assert scene.link.done == ([] if awaiting else ["paused"])
        if awaiting:  # once it is answered, the next event stops the reading
            scene.say(RESULT, 3, {}, [4])
            scene.say(EVENT, 11, 1, {}, [1])
        assert scene.link.done == ["paused"]
        if awaiting:  # and a further call makes it go on
            scene.session.call("com.example.double", [2], {})
            assert scene.link.done == ["paused", "resumed"]
            return
        waiting = MAX_WAITING_EVENTS + 1
        while waiting > RESUME_AT:
            assert scene.link.done == ["paused"]
            release.release()
            for _ in range(5):
                await asyncio.sleep(0)
            waiting -= 1
        assert scene.link.done == ["paused", "resumed"]

    on_a_scene(main)
