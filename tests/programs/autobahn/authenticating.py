"""What proves by itself who joins: a component, and sessions; the environment says how."""

import json
import os
from typing import Any

from autobahn.twisted.component import Component
from autobahn.twisted.wamp import ApplicationSession

AUTHENTICATION: dict[str, Any] = json.loads(os.environ["AUTHENTICATION"])

component = Component(realm="realm1", authentication=AUTHENTICATION)


@component.on_join
def joined(session: Any, details: Any) -> None:
    print("joined as", details.authid, details.authrole, details.authmethod, flush=True)


class Ticketed(ApplicationSession):
    """It answers the challenge itself."""

    def onConnect(self) -> None:
        self.join("realm1", ["ticket"], AUTHENTICATION["ticket"]["authid"])

    def onChallenge(self, challenge: Any) -> str:
        ticket: str = AUTHENTICATION[challenge.method]["ticket"]
        return ticket

    def onJoin(self, details: Any) -> None:
        print("joined as", details.authid, details.authrole, details.authmethod, flush=True)


class Unprepared(ApplicationSession):
    """It has no answer to a challenge."""

    def onConnect(self) -> None:
        self.join("realm1", ["ticket"], AUTHENTICATION["ticket"]["authid"])
