"""A session's own part in the end of its link."""

import asyncio

import pytest

from tests.support.sessions import DEADLINE, WELCOMED, Scene, on_a_scene
from wampapp.protocol.messages import GOODBYE


def test_who_leaves_waits_until_the_link_is_gone() -> None:
    async def main(scene: Scene) -> None:
        scene.say(*WELCOMED)
        leaving = asyncio.create_task(scene.session.leave(timeout=DEADLINE))
        await asyncio.sleep(0)
        scene.say(GOODBYE, {}, "wamp.close.goodbye_and_out")
        for _ in range(10):
            await asyncio.sleep(0)
        assert [message[0] for message in scene.take()] == [GOODBYE]
        assert (scene.link.done, leaving.done()) == (["closed"], False)
        scene.session.lost("the peer closed the connection")
        await leaving
        assert scene.link.done == ["closed"]

    on_a_scene(main)


@pytest.mark.parametrize("answered", [True, False])
def test_a_link_that_does_not_go_is_cut(answered: bool) -> None:
    async def main(scene: Scene) -> None:
        scene.say(*WELCOMED)
        leaving = asyncio.create_task(scene.session.leave(timeout=0.01))
        await asyncio.sleep(0)
        if answered:
            scene.say(GOODBYE, {}, "wamp.close.goodbye_and_out")
        await leaving
        assert scene.link.done == ["closed", "aborted"][not answered :]

    on_a_scene(main)
