"""A start on a reactor can be cancelled."""

import logging

from on_reactor import deferLater, make_twisted, react, reactor, url, use_twisted
from shared import WORDS

logging.getLogger("wampapp").setLevel(logging.ERROR)


async def main(_):
    app = make_twisted()
    starting = app.start(f"rs://127.0.0.1:{WORDS[2]}")
    if WORDS[3] == "later":
        await deferLater(reactor, 0.3, lambda: None)
    starting.cancel()
    try:
        await starting
    except BaseException as error:
        assert type(error).__name__ == "CancelledError", error
    else:
        raise AssertionError
    while app._service is not None and WORDS[3] == "later":
        await deferLater(reactor, 0, lambda: None)  # the task ends in a later turn
    await app.start(url)
    await use_twisted(app)
    await app.stop()


react(main)
