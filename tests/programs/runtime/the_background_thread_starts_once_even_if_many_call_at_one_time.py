"""The background thread starts once even if many call at one time."""

import signal
import threading

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()
together = threading.Barrier(16)
seen = []


async def where():
    return threading.get_ident()


def work():
    together.wait()
    seen.append(runtime.call(where()))


threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(seen) == 16 and len(set(seen)) == 1
