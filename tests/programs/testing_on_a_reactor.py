"""An app is tested in a program of Twisted's."""

from twisted.internet import selectreactor

selectreactor.install()
from twisted.internet import defer, task

from wampapp import App

app = App(prefix="com.tw")


@app.register
async def add(a: int, b: int) -> int:
    return a + b


async def main(reactor):
    async with app.test_session() as session:
        print(await session.call("com.tw.add", 2, 3))


task.react(lambda reactor: defer.ensureDeferred(main(reactor)))
