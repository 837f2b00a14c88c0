"""A stock session on asyncio: `python -m tests.support.peer_asyncio URL REALM`."""

import asyncio
import os
import sys
from typing import Any

from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession

from tests.support.commands import Commands


def main(url: str, realm: str) -> None:
    commands = Commands()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    class Session(ApplicationSession):
        def onJoin(self, details: Any) -> None:
            commands.joined(self, details.session)

        def onLeave(self, details: Any) -> None:
            commands.left(details.reason)
            super().onLeave(details)

        def onDisconnect(self) -> None:
            loop.stop()

    commands.listen(loop.call_soon_threadsafe)
    ApplicationRunner(url, realm).run(Session)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # a thread that reads standard input cannot be ended otherwise
