"""It runs in a loop of another thread."""

import threading

from shared import WORDS, make, run, threads, use

kind, url = WORDS
app = make()


async def main():
    async with app.running(url):
        await use(app)
    return threading.current_thread() is not threading.main_thread()


seen = []
for _ in range(2):
    thread = threading.Thread(target=lambda: seen.append(run(main(), kind)))
    thread.start()
    thread.join()
    assert seen.pop()
assert threads() == []
