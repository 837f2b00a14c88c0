"""The background thread can be stopped and started again."""

import signal
import threading

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()


async def seven():
    return 7


runtime.stop_background()  # there is none yet
for _ in range(3):
    assert runtime.call(seven()) == 7
    runtime.stop_background()
    assert threading.active_count() == 1
    assert runtime.run(seven()) == 7
