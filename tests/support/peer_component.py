"""A stock Component on Twisted: `python -m tests.support.peer_component URL REALM`."""

import json
import os
import sys

from autobahn.twisted.component import Component
from twisted.internet import reactor

from tests.support.commands import Commands


def main(url: str, realm: str) -> None:
    commands = Commands()
    auth = json.loads(os.environ.get("PEER_AUTH", "null"))
    component = Component(transports=url, realm=realm, authentication=auth)
    component.on_join(lambda session, details: commands.joined(session, details.session))
    component.on_leave(lambda session, details: commands.left(details.reason))
    component.on_connectfailure(lambda component, error: commands.left(str(error)))
    commands.listen(reactor.callFromThread)
    component.start(reactor).addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # a thread that reads standard input cannot be ended otherwise
