"""Sessions and a component of Autobahn's for Twisted that end by themselves, and not well."""

from typing import Any

from autobahn.twisted.component import Component
from autobahn.twisted.wamp import ApplicationSession


class RaisesOnConnect(ApplicationSession):
    """It fails before it joins."""

    async def onConnect(self) -> None:
        raise ValueError("no database")


class ForgetsToJoin(ApplicationSession):
    """It does not join."""

    def onConnect(self) -> None:
        """Do nothing."""


class Denies(ApplicationSession):
    """It does not trust the router."""

    async def onWelcome(self, welcome: Any) -> str:
        return "not trusted"


class Disconnects(ApplicationSession):
    """It does not want to join."""

    def onConnect(self) -> None:
        self.disconnect()


runs: list[int] = []


async def main(_loop: Any, _session: Any) -> None:
    """Fail twice, and succeed then."""
    runs.append(len(runs))
    print("run", len(runs), flush=True)
    if len(runs) < 3:
        raise ValueError("not yet")


def never_again(error: Exception) -> bool:
    """Say that a failure is one for good."""
    return isinstance(error, ValueError)


stubborn = Component(main=main)
fragile = Component(main=main, is_fatal=never_again)
careless = Component()


@careless.on_join
def joined(_session: Any, _details: Any) -> None:
    """Fail as a listener, which is nobody else's matter."""
    raise ValueError("no matter")


@careless.on_ready
def ready(session: Any) -> None:
    """Leave."""
    print("ready", flush=True)
    session.leave()
