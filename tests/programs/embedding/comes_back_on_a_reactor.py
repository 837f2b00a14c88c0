"""It comes back when its router does, on a reactor."""

from on_reactor import Deferred, react, url
from shared import make

app = make()


@app.on_join
async def join():
    print("joined", flush=True)


@app.on_leave
async def leave():
    print("left", flush=True)


@app.subscribe(".end")
async def on_end(*_):
    end.set()


class End(Deferred):
    def set(self):
        self.callback(None)


end = End()


async def main(reactor):
    await app.start(url)
    await end
    assert await Deferred.fromFuture(app.call(".blocking", 2, 3)) == 5
    await app.stop()


react(main)
