"""The program's signals stay its own."""

import os
import signal

from on_reactor import ensureDeferred, make_twisted, reactor, url, use_twisted
from signal_handlers import came, check, setup


async def main():
    setup()
    app = make_twisted()
    await app.start(url)
    check()
    await use_twisted(app)
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    await use_twisted(app)
    check()
    await app.stop()
    check()
    assert sorted(came) == [signal.SIGINT, signal.SIGTERM]


failures = []


def begin():
    doing = ensureDeferred(main())
    doing.addErrback(failures.append)
    doing.addBoth(lambda _: reactor.stop())


reactor.callWhenRunning(begin)
reactor.run()
assert failures == [], failures[0].getTraceback()
