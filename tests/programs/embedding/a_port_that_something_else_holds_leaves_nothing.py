"""A port that something else holds leaves nothing."""

import socket

from shared import WORDS, afails, make, others, run, use

from wampapp import PortInUse

port = int(WORDS[0])


async def main():
    app = make(handshake_timeout=0.2)
    with socket.create_server(("127.0.0.1", port)):
        assert str(port) in await afails(PortInUse, app.start(port=port))
        assert others() == []
    async with app.running(port=port):
        await use(app)
    assert others() == []


run(main())
