"""Without a running loop a sentence says so."""

from shared import WORDS, fails, make, run

from wampapp import UsageError, connect

first, url = WORDS
app = make()


async def main():
    async with app.running(url):
        pass


if first == "app":
    run(main())
if first == "client":
    connect(url).close()
for work in (app.start, app.stop):
    assert fails(UsageError, work) == (
        "No event loop runs in this thread: await app.start() in one, or use app.run()."
    )
run(main())  # starts and stops
