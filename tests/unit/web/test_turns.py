"""Pages take turns while something comes over WAMP."""

import asyncio
from functools import partial

from wampapp.web.turns import Turns


def run(more: int) -> list[tuple[int, str]]:
    """Have eight connections go on at once; return who did so, and in which turn of the loop.

    Before that, so many octets have come over WAMP.
    """
    found: list[tuple[int, str]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        turns, turn = Turns(loop, lambda: more), 0

        def note(name: str) -> None:
            found.append((turn, name))

        for name in "abcdefgh":
            if turns.take(partial(note, name)):
                note(name)
        for turn in range(1, 20):  # noqa: B007 - it is noted
            await asyncio.sleep(0)

    asyncio.run(main())
    return found


def test_without_calls_all_go_on_at_once() -> None:
    assert run(0) == [(0, name) for name in "abcdefgh"]


def test_with_a_call_one_goes_on_in_each_turn() -> None:
    assert run(100) == list(enumerate("abcdefgh"))


def test_some_turns_after_the_call_all_go_on_at_once() -> None:
    async def main() -> None:
        traffic = 1
        turns = Turns(asyncio.get_running_loop(), lambda: traffic)
        waited: list[str] = []
        assert turns.take(partial(waited.append, "a"))
        assert not turns.take(partial(waited.append, "b"))
        for _ in range(100):
            await asyncio.sleep(0)
            turns.take(partial(waited.append, "more"))
        assert waited[0] == "b"
        assert all(turns.take(partial(waited.append, "late")) for _ in range(10))
        traffic += 1
        assert turns.take(partial(waited.append, "c"))
        assert not turns.take(partial(waited.append, "d"))

    asyncio.run(main())
