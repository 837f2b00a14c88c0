"""A session of Autobahn's for Twisted that stops the reactor again and again, to the very end."""

from typing import Any

from autobahn.twisted.util import sleep
from autobahn.twisted.wamp import ApplicationSession
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks


class Stopping(ApplicationSession):
    """It stops the reactor once it has joined."""

    def onJoin(self, details: Any) -> None:
        print("joined", flush=True)
        reactor.stop()

    @inlineCallbacks
    def onDisconnect(self) -> Any:
        print("disconnected", flush=True)
        while True:
            reactor.stop()
            yield sleep(0)
