"""Stock Autobahn|Python as a foreign peer, with this interpreter."""

import sys

from tests.support.peer import Peer


class ComponentPeer(Peer):
    """Autobahn's Component on Twisted with its defaults, reconnecting among them; ws:// URLs."""

    def __init__(self, url: str, realm: str) -> None:
        super().__init__([sys.executable, "-m", "tests.support.peer_component"], url, realm)


class AsyncioPeer(Peer):
    """Autobahn's ApplicationRunner on asyncio; ws:// and rs:// URLs."""

    def __init__(self, url: str, realm: str) -> None:
        super().__init__([sys.executable, "-m", "tests.support.peer_asyncio"], url, realm)
