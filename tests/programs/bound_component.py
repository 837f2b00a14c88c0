"""A stock Component that joins by cryptosign, its signature bound to TLS.

``python bound_component.py PORT CA SEED``; prints how it joined, or why it could not.
"""

import sys
from pathlib import Path
from typing import Any

from autobahn.twisted.component import Component
from twisted.internet import reactor
from twisted.internet.ssl import Certificate, optionsForClientTLS


def main(port: str, ca: str, seed: str) -> None:
    trusted = Certificate.loadPEM(Path(ca).read_bytes())
    transport = {
        "type": "websocket",
        "url": f"wss://localhost:{port}/ws",
        "endpoint": {
            "type": "tcp",
            "host": "localhost",
            "port": int(port),
            "tls": optionsForClientTLS("localhost", trusted),
        },
        "max_retries": 0,
    }
    cryptosign = {
        "authid": "till",
        "privkey": seed,
        "authextra": {"channel_binding": "tls-unique"},
    }
    component = Component(
        transports=[transport], realm="realm1", authentication={"cryptosign": cryptosign}
    )

    def joined(session: Any, details: Any) -> None:
        print("joined as", details.authid, flush=True)
        session.leave()

    component.on_join(joined)
    component.on_leave(lambda _session, details: print("left:", details.reason, flush=True))
    component.start(reactor).addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
