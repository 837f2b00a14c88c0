import importlib
import signal
import sys

signal.alarm(60)
kind, url, ca = sys.argv[1:]
if kind != "loop":
    importlib.import_module(f"twisted.internet.{kind}reactor").install()
from wampapp import App, Tls

app = App(prefix="com.tls", tls=Tls(ca=ca))


@app.register
async def add(a: int, b: int) -> int:
    return a + b


if kind == "loop":
    import asyncio

    async def main():
        async with app.running(url):
            print(await app.call(".add", 2, 3))

    asyncio.run(main())
else:
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    async def main(reactor):
        await app.start(url)
        print(await Deferred.fromFuture(app.call(".add", 2, 3)))
        await app.stop()

    react(main)
