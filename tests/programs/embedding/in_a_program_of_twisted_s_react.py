"""In a program of twisted's react."""

from on_reactor import Deferred, done, make_twisted, react, reactor, url, use_twisted

app = make_twisted()


async def main(given):
    assert given is reactor
    starting = app.start(url)
    assert isinstance(starting, Deferred)
    assert await starting is None
    await use_twisted(app)
    assert await app.stop() is None
    done(app)
    await app.start(url)
    await use_twisted(app)
    stopping = app.stop()
    assert isinstance(stopping, Deferred)
    await stopping
    done(app)
    print("end")


react(main)
