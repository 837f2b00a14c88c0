"""What the programs on one of Twisted's reactors share: it is installed when this is imported."""

import importlib
import threading

from shared import WORDS, fails, make, threads

from wampapp import NotJoined

importlib.import_module(f"twisted.internet.{WORDS[0]}reactor").install()

from twisted.internet import reactor
from twisted.internet import threads as twisted_threads
from twisted.internet.defer import Deferred, ensureDeferred, inlineCallbacks
from twisted.internet.task import deferLater, react

__all__ = [
    "Deferred",
    "deferLater",
    "deferred",
    "done",
    "ensureDeferred",
    "inlineCallbacks",
    "make_twisted",
    "react",
    "reactor",
    "twisted_threads",
    "url",
    "use_twisted",
]

url = WORDS[1] if len(WORDS) > 1 else None


def deferred(future):
    return Deferred.fromFuture(future)


def make_twisted(**options):
    app = make(**options)

    @app.register
    async def awaits(item):
        return await deferLater(reactor, 0, lambda: item)

    @app.register
    @inlineCallbacks
    def older(item):
        first = yield deferLater(reactor, 0, lambda: item)
        second = yield deferred(app.call(".awaits", first))
        return second

    @app.register
    async def in_thread():
        return await twisted_threads.deferToThread(threading.get_ident)

    return app


async def use_twisted(app):
    for name in (".add", ".through", ".blocking", ".at_once"):
        assert await deferred(app.call(name, 2, 3)) == 5, name
    for name in (".awaits", ".older"):
        assert await deferred(app.call(name, "item")) == "item", name
    assert await deferred(app.call(".in_thread")) != threading.get_ident()
    for name in (".count", ".count_async"):
        assert await deferred(app.call(name, 3)) == [0, 1, 2], name
    await deferred(app.topic(".event", acknowledge=True, exclude_me=False).publish("to all"))
    assert await twisted_threads.deferToThread(app.news.get, timeout=20) == "to all"


def done(app):
    """The app does not run any more, and no loop of ours does."""
    assert "not running" in fails(NotJoined, lambda: app.call(".add", 2, 3))
    assert "wampapp-loop" not in threads(), threads()
