"""An app that is tied to the reactor's end."""

from on_reactor import Deferred, make_twisted, react, reactor, url


async def main(_):
    app = make_twisted()

    @app.on_leave
    async def leave():
        print("left", flush=True)

    @app.on_shutdown
    def end():
        print("shutdown", flush=True)

    await app.start(url)
    reactor.addSystemEventTrigger("before", "shutdown", app.stop)
    print("up", flush=True)
    await Deferred()


react(main)
