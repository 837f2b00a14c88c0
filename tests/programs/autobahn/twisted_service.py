"""Sessions of Autobahn's for Twisted, as they are written to run by themselves."""

from typing import Any

from autobahn import wamp
from autobahn.twisted.util import sleep
from autobahn.twisted.wamp import ApplicationRunner, ApplicationSession
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks


class Service(ApplicationSession):
    """It registers, subscribes, publishes and calls."""

    def onConnect(self) -> None:
        self.log.info("connected to {realm}", realm=self.config.realm)
        self.join(self.config.realm)

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        yield self.register(self)
        yield self.subscribe(self.asked, "com.hosted.asked")
        print("registered by", details.authid, details.authrole, flush=True)

    @wamp.register("com.hosted.add")
    @inlineCallbacks
    def add(self, a: int, b: int) -> Any:
        yield sleep(0.001)
        return a + b

    @inlineCallbacks
    def asked(self, n: int) -> Any:
        doubled = yield self.call("com.hosted.add", n, n)
        yield self.publish("com.hosted.answered", doubled)

    def onDisconnect(self) -> None:
        print("disconnected", flush=True)


class Once(ApplicationSession):
    """It does its work, leaves, and stops the reactor."""

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        print("the sum is", (yield self.call("com.hosted.add", 20, 3)), flush=True)
        self.leave()

    def onLeave(self, details: Any) -> None:
        print("left:", details.reason, flush=True)
        self.disconnect()

    def onDisconnect(self) -> None:
        print("disconnected", flush=True)
        reactor.stop()


if __name__ == "__main__":
    ApplicationRunner("ws://127.0.0.1:8080/ws", "realm1").run(Service)
