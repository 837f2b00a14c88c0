"""A link is read outside of Twisted's log context, and any other protocol inside of it."""

import asyncio
import logging
import signal

from twisted.internet.protocol import Factory, Protocol
from twisted.python import context, log

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
logging.disable(logging.CRITICAL)  # one of the protocols fails
runtime = get_runtime()


class Other(Protocol):
    is_link = False

    def __init__(self) -> None:
        self.systems = []
        self.lost = asyncio.get_running_loop().create_future()

    def dataReceived(self, data):
        self.systems.append(context.get(log.ILogContext)["system"])
        if data == b"pause":
            self.transport.pauseProducing()
            self.transport.resumeProducing()
            self.transport.resumeProducing()
        if data == b"fail":
            raise ValueError("it fails")
        self.transport.write(data)

    def connectionLost(self, reason):
        self.lost.set_result(reason.type)


class Link(Other):
    is_link = True


async def talk(kind):
    made = []

    def make():
        made.append(kind())
        return made[0]

    port = runtime.reactor.listenTCP(0, Factory.forProtocol(make), interface="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    for words in (b"hello", b"pause", b"after"):
        writer.write(words)
        assert await reader.readexactly(len(words)) == words
    writer.write(b"fail")
    assert await made[0].lost is ValueError
    writer.close()
    await port.stopListening().asFuture(runtime.loop)
    return made[0].systems


async def main():
    assert await talk(Link) == ["-"] * 4
    assert await talk(Other) == ["Other,0,127.0.0.1"] * 4
    return "result"


assert runtime.run(main()) == "result"
