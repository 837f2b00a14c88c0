import asyncio
import threading

from wampapp import App

app = App(prefix="com.stop", grace=20)
release = asyncio.Event()
thread_release = threading.Event()


@app.register
async def wait():
    app.log("waiting")
    await release.wait()
    return "released"


@app.register
def wait_in_thread():
    app.log("waiting in a thread")
    thread_release.wait()
    return "released"


@app.register
def hang():
    app.log("hanging")
    threading.Event().wait()


@app.register
async def let_go():
    release.set()
    thread_release.set()


@app.subscribe
async def go(*_):
    release.set()
    thread_release.set()


@app.register
def ping():
    return "pong"


@app.register
def tell_in_the_end():
    app.log("waiting to tell")
    thread_release.wait()
    app.sync.publish(".told", 1)
    return app.sync.call("com.other.echo", "told")


@app.register
async def block():
    app.log("blocking the loop")
    threading.Event().wait(60)
