"""Sessions of Autobahn's for asyncio, as they are written to run by themselves."""

import asyncio
from typing import Any

from autobahn import wamp
from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession


class Service(ApplicationSession):
    """It registers, subscribes, publishes and calls."""

    def onConnect(self) -> None:
        self.log.info("connected to {realm}", realm=self.config.realm)
        self.join(self.config.realm)

    async def onJoin(self, details: Any) -> None:
        await self.register(self)
        await self.subscribe(self.asked, "com.hosted.asked")
        print("registered by", details.authid, details.authrole, flush=True)

    @wamp.register("com.hosted.add")
    async def add(self, a: int, b: int) -> int:
        await asyncio.sleep(0.001)
        return a + b

    async def asked(self, n: int) -> None:
        doubled = await self.call("com.hosted.add", n, n)
        self.publish("com.hosted.answered", doubled)

    def onDisconnect(self) -> None:
        print("disconnected", flush=True)


class Once(ApplicationSession):
    """It does its work, leaves, and stops the loop."""

    async def onJoin(self, details: Any) -> None:
        print("the sum is", await self.call("com.hosted.add", 20, 3), flush=True)
        self.leave()

    def onLeave(self, details: Any) -> None:
        print("left:", details.reason, flush=True)
        self.disconnect()

    def onDisconnect(self) -> None:
        print("disconnected", flush=True)
        asyncio.get_running_loop().stop()


if __name__ == "__main__":
    ApplicationRunner("ws://127.0.0.1:8080/ws", "realm1").run(Service)
