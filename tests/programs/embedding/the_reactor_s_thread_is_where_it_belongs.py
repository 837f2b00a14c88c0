"""The reactor's thread is where it belongs."""

from on_reactor import make_twisted, react, twisted_threads, url
from shared import fails

from wampapp import UsageError, WrongThread


async def main(_):
    app = make_twisted()
    sentence = await twisted_threads.deferToThread(fails, UsageError, app.start)
    assert sentence.startswith("No event loop runs in this thread")
    await app.start(url)
    sentence = await twisted_threads.deferToThread(fails, UsageError, app.stop)
    assert sentence.startswith("No event loop runs in this thread")

    def call():
        return app.call(".add", 2, 3)

    def blocking():
        return app.sync.call(".through", 2, 3)

    assert "app.sync.call()" in await twisted_threads.deferToThread(fails, WrongThread, call)
    assert await twisted_threads.deferToThread(blocking) == 5
    assert "await app.call" in fails(WrongThread, blocking)
    await app.stop()


react(main)
