"""A reactor carries a router and two apps."""

from on_reactor import deferred, make_twisted, react, use_twisted
from shared import MINE, WORDS, is_free, make

port = int(WORDS[1])


async def main(_):
    first, second = make_twisted(), make("com.second")
    await first.start(port=port)
    await second.start(port=port)
    await use_twisted(first)
    assert await deferred(first.call("com.second.blocking", 2, 3)) == 5
    assert await deferred(second.call(f"{MINE}.blocking", 2, 3)) == 5
    await second.stop()
    await first.stop()
    assert is_free(port)


react(main)
