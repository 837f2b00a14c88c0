"""A blocking call on the loop's own thread is refused."""

import signal

from wampapp import WrongThread
from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()


async def seven():
    return 7


async def nested():
    return runtime.call(seven())


for start in (runtime.run, runtime.call):
    try:
        start(nested())
    except WrongThread as error:
        assert "await app.call" in str(error)
    else:
        raise AssertionError
