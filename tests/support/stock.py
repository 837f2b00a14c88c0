"""Stock Autobahn|Python as a foreign peer, with this interpreter."""

import json
import sys
from typing import Any

from tests.support.peer import Peer


class ComponentPeer(Peer):
    """Autobahn's Component on Twisted with its defaults, reconnecting among them; ws:// URLs.

    `auth` is what it calls `authentication`.
    """

    def __init__(self, url: str, realm: str, auth: dict[str, Any] | None = None) -> None:
        command = [sys.executable, "-m", "tests.support.peer_component"]
        super().__init__(command, url, realm, {"PEER_AUTH": json.dumps(auth)})


class AsyncioPeer(Peer):
    """Autobahn's ApplicationRunner on asyncio; ws:// and rs:// URLs."""

    def __init__(self, url: str, realm: str) -> None:
        super().__init__([sys.executable, "-m", "tests.support.peer_asyncio"], url, realm)
