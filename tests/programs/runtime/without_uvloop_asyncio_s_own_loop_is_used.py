"""Without uvloop asyncio's own loop is used."""

import signal
import sys

from wampapp.loop.deferreds import with_deferreds
from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
sys.modules["uvloop"] = None  # what makes an import fail
runtime = get_runtime()
print(type(runtime.loop).__name__)


async def main():
    from twisted.internet.task import deferLater

    return await with_deferreds(wait(deferLater(runtime.reactor, 0, lambda: 5)))


async def wait(deferred):
    return await deferred


print(runtime.run(main()))
