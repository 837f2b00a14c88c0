"""Packages of npm's, and AutobahnJS among them as a foreign peer, under Node."""

import json
from pathlib import Path
from typing import Any

from tests.support.peer import Peer
from wampapp.crossbar import Progress, cache_folder, install_once, run_installer

AUTOBAHN = "22.11.1"


def node_package(name: str, version: str, progress: Progress | None = None) -> Path:
    """Return the folder whose `node_modules` has a package of npm's, installing it on first use."""

    def build(path: Path) -> None:
        # Without a package of its own, npm would install into the nearest one further up.
        (path / "package.json").write_text(json.dumps({"private": True}))
        run_installer(["npm", "install", "--no-audit", "--no-fund", f"{name}@{version}"], path)

    path = cache_folder() / f"node-{name}-{version}"
    proof = f"node_modules/{name}/package.json"
    return install_once(path, f"{name}@{version} for Node", proof, build, progress)


class NodePeer(Peer):
    """AutobahnJS with its defaults, except that it does not reconnect; ws:// and rs:// URLs.

    `auth` has the `method`, the `authid`, and the `secret`, a seed for cryptosign.
    """

    def __init__(
        self,
        url: str,
        realm: str,
        progress: Progress | None = None,
        auth: dict[str, Any] | None = None,
    ) -> None:
        modules = node_package("autobahn", AUTOBAHN, progress) / "node_modules"
        script = Path(__file__).with_name("peer.js")
        super().__init__(
            ["node", str(script)],
            url,
            realm,
            {"NODE_PATH": str(modules), "PEER_AUTH": json.dumps(auth)},
        )
