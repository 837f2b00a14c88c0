"""In a program that runs its reactor."""

from on_reactor import (
    deferred,
    done,
    ensureDeferred,
    inlineCallbacks,
    make_twisted,
    reactor,
    url,
    use_twisted,
)

app = make_twisted()
failures = []


@inlineCallbacks
def main():
    yield app.start(url)
    yield ensureDeferred(use_twisted(app))
    result = yield deferred(app.call(".older", 7))
    assert result == 7
    yield app.stop()
    done(app)


def begin():
    doing = main()
    doing.addErrback(failures.append)
    doing.addBoth(lambda _: reactor.stop())


reactor.callWhenRunning(begin)
reactor.run()
assert failures == [], failures[0].getTraceback()
print("end")
