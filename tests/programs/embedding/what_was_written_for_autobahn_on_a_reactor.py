"""What was written for Autobahn on Twisted, on a reactor: Deferreds, progress, options, errors."""

import threading

from autobahn import wamp
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions
from on_reactor import Deferred, deferLater, deferred, inlineCallbacks, react, reactor, url
from shared import MINE

from wampapp import App


class Backend:
    def __init__(self):
        self.heard = Deferred()
        self.thread = None

    @wamp.register("count", options=RegisterOptions(details=True))
    @inlineCallbacks
    def count(self, upto, details=None):
        self.thread = threading.get_ident()
        for number in range(upto):
            details.progress(number)
            yield deferLater(reactor, 0, lambda: None)
        return upto

    @wamp.register("fail")
    def fail(self):
        return deferLater(reactor, 0, self.refuse)

    def refuse(self):
        raise ApplicationError(f"{MINE}.refused", "no", code=7)

    @wamp.subscribe("news", options=SubscribeOptions(details_arg="info"))
    def on_news(self, text, info):
        self.heard.callback([text, info.topic])


async def main(_):
    app = App(prefix=MINE)
    app.define_error(ApplicationError)
    backend = Backend()
    app.include(backend, prefix=".")
    got, slow = [], []

    def on_progress(number):
        got.append(number)
        return deferLater(reactor, 0, slow.append, number)

    await app.start(url)
    options = CallOptions(timeout=20, on_progress=on_progress)
    assert await deferred(app.call(".count", 3, options=options)) == 3
    assert got == [0, 1, 2]
    assert backend.thread == threading.get_ident()
    while len(slow) < 3:
        await deferLater(reactor, 0, lambda: None)
    try:
        await deferred(app.call(".fail"))
    except ApplicationError as error:
        assert (error.error, error.args, error.kwargs) == (f"{MINE}.refused", ("no",), {"code": 7})
    else:
        raise AssertionError("it was not refused")
    published = app.publish(".news", "hello", options=PublishOptions(exclude_me=False))
    assert await deferred(published) is None
    assert await backend.heard == ["hello", f"{MINE}.news"]
    await app.stop()


react(main)
