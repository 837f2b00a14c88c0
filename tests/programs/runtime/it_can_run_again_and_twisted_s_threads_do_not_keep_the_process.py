"""It can run again and twisted's threads do not keep the process."""

import signal
import threading

from wampapp.loop.deferreds import with_deferreds
from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()


async def in_thread():
    from twisted.internet.threads import deferToThread

    return await deferToThread(threading.get_ident)


async def main():
    return await with_deferreds(in_thread())


for _ in range(3):
    assert runtime.run(main()) != threading.get_ident()
assert threading.active_count() == 1
