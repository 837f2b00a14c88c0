"""Web apps are served on a reactor."""

from on_reactor import react, twisted_threads
from shared import WORDS, is_free
from web_apps import visit, with_web_apps

port = int(WORDS[1])


async def main(_):
    app = with_web_apps()
    await app.start(port=port)
    await twisted_threads.deferToThread(visit, port)
    await app.stop()
    assert is_free(port)


react(main)
