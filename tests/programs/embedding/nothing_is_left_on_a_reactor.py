"""Nothing is left on a reactor."""

from on_reactor import deferLater, done, make_twisted, react, reactor, url, use_twisted
from shared import connections, descriptors


async def main(_):
    app = make_twisted()
    counts = []
    for _ in range(4):
        await app.start(url)
        await use_twisted(app)
        await app.stop()
        assert connections(url) == 0
        await deferLater(reactor, 0, lambda: None)
        sockets = len(reactor.getReaders()) + len(reactor.getWriters())
        counts.append((sockets, descriptors()))
        late = [
            call for call in reactor.getDelayedCalls() if call.getTime() - reactor.seconds() > 1
        ]
        assert late == []
    assert len(set(counts[1:])) == 1, counts
    done(app)


react(main)
