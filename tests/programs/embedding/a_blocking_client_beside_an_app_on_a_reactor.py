"""A blocking client beside an app on a reactor."""

from on_reactor import make_twisted, react, twisted_threads, url, use_twisted
from shared import MINE

from wampapp import connect


def visit():
    with connect(url, timeout=20) as client:
        return [client.call(f"{MINE}.{name}", 2, 3) for name in ("add", "blocking")]


async def main(_):
    app = make_twisted()
    await app.start(url)
    for _ in range(2):
        assert await twisted_threads.deferToThread(visit) == [5, 5]
        await use_twisted(app)
    await app.stop()
    await app.start(url)
    await use_twisted(app)
    await app.stop()


react(main)
