"""A handler waits on Twisted's reactor, whose time the test's clock moves."""

import threading

from wampapp import App

app = App(prefix="com.delay")
entered = threading.Event()


@app.register
async def later() -> str:
    from twisted.internet import reactor, task

    entered.set()
    await task.deferLater(reactor, 1000)
    return "later"


with app.test_client(timeout=5000) as client:
    caller = threading.Thread(target=lambda: print(client.call(".later")))
    caller.start()
    entered.wait()
    client.clock.advance(1001)
    caller.join()
