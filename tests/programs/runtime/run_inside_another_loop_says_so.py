"""Run inside another loop says so."""

import asyncio
import signal

from wampapp import UsageError
from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()


async def seven():
    return 7


async def main():
    runtime.run(seven())


try:
    asyncio.run(main())
except UsageError as error:
    assert "loop" in str(error)
else:
    raise AssertionError
assert runtime.run(seven()) == 7
