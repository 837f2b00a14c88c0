"""There is one runtime and its reactor rides on its loop."""

import asyncio
import signal

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()
assert get_runtime() is runtime
from twisted.internet import reactor

assert runtime.reactor is reactor
assert type(reactor).__name__ == "AsyncioSelectorReactor"


async def main():
    assert asyncio.get_running_loop() is runtime.loop
    assert runtime.in_loop_thread
    assert reactor.running
    return "result"


assert not runtime.in_loop_thread
assert runtime.run(main()) == "result"
assert not runtime.in_loop_thread
