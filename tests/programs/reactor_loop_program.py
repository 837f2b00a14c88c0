"""A program with a reactor of its own: it listens, and a task talks to it."""

import asyncio
import signal

from twisted.internet import pollreactor

pollreactor.install()
from twisted.internet import endpoints, protocol, reactor

from wampapp.loop.deferreds import with_deferreds
from wampapp.loop.reactor_loop import ReactorLoop

signal.alarm(50)
loop = ReactorLoop(reactor)


class Echo(protocol.Protocol):
    def dataReceived(self, data):
        with loop.entered():
            task = asyncio.create_task(self.answer(data))
            task.add_done_callback(lambda done: self.transport.loseConnection())

    async def answer(self, data):
        await asyncio.sleep(0.01)
        self.transport.write(data.upper())


class Ask(protocol.Protocol):
    def connectionMade(self):
        self.answer = loop.create_future()
        self.transport.write(b"hello")

    def dataReceived(self, data):
        self.answer.set_result(data)


async def main():
    port = await endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
        protocol.Factory.forProtocol(Echo)
    )
    dial = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    ask = await endpoints.connectProtocol(dial, Ask())
    async with asyncio.timeout(20):
        print(await ask.answer)
    await port.stopListening()
    reactor.stop()


async def task():
    await with_deferreds(main())


reactor.callWhenRunning(lambda: loop.create_task(task()))
reactor.addSystemEventTrigger("after", "shutdown", loop.close)
reactor.run()
assert loop.is_closed()
print(type(reactor).__name__)
