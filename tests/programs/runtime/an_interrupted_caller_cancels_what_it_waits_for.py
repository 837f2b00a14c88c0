"""An interrupted caller cancels what it waits for."""

import asyncio
import os
import signal
import threading

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()
ended = threading.Event()


async def for_ever():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()
    finally:
        ended.set()


try:
    runtime.call(for_ever())
except KeyboardInterrupt:
    pass
else:
    raise AssertionError
assert ended.wait(20)
