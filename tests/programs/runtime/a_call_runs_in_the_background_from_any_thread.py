"""A call runs in the background from any thread."""

import asyncio
import signal
import threading

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()


async def where():
    await asyncio.sleep(0)
    assert runtime.reactor.running
    return threading.get_ident()


seen = {runtime.call(where())}
threads = [threading.Thread(target=lambda: seen.add(runtime.call(where()))) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(seen) == 1
assert threading.get_ident() not in seen
