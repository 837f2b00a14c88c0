"""AutobahnJS as a foreign peer, under Node."""

import json
from pathlib import Path

from tests.support.peer import Peer
from wampapp.crossbar import Progress, cache_folder, install_once, run_installer

VERSION = "22.11.1"


def node_environment(progress: Progress | None = None) -> Path:
    """Return the folder whose `node_modules` has AutobahnJS, installing it on first use."""

    def build(path: Path) -> None:
        # Without a package of its own, npm would install into the nearest one further up.
        (path / "package.json").write_text(json.dumps({"private": True}))
        install = ["npm", "install", "--no-audit", "--no-fund"]
        run_installer([*install, f"autobahn@{VERSION}"], path)

    path = cache_folder() / f"node-autobahn-{VERSION}"
    proof = "node_modules/autobahn/package.json"
    return install_once(path, f"autobahn@{VERSION} for Node", proof, build, progress)


class NodePeer(Peer):
    """AutobahnJS with its defaults, except that it does not reconnect; ws:// and rs:// URLs."""

    def __init__(self, url: str, realm: str, progress: Progress | None = None) -> None:
        modules = node_environment(progress) / "node_modules"
        script = Path(__file__).with_name("peer.js")
        super().__init__(["node", str(script)], url, realm, {"NODE_PATH": str(modules)})
