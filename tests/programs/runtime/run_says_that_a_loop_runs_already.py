"""Run says that a loop runs already."""

import signal

from wampapp import UsageError
from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()


async def seven():
    return 7


async def nested():
    runtime.run(seven())


runtime.call(seven())
runtime.clients = 1  # as while a client is open
try:
    runtime.run(seven())
except UsageError as error:
    assert str(error).startswith("A loop runs already in this process: "), error
else:
    raise AssertionError
runtime.clients = 0
assert runtime.run(seven()) == 7  # what closed clients leave behind is no obstacle
try:
    runtime.run(nested())
except UsageError as error:
    assert str(error).startswith("A loop runs already in this process: "), error
else:
    raise AssertionError
