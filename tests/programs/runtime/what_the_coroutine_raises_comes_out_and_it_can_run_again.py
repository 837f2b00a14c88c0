"""What the coroutine raises comes out and it can run again."""

import signal

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()


async def broken():
    raise ZeroDivisionError


async def well():
    return 7


for start in (runtime.run, runtime.call):
    try:
        start(broken())
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError
    assert start(well()) == 7
