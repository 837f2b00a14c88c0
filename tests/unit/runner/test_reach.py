"""Finding the way to the router."""

import socket
import threading
from collections.abc import Iterator

import pytest

from wampapp import PortInUse, Ticket
from wampapp.config.records import Config
from wampapp.loop.runtime import get_runtime
from wampapp.runner.reach import Reach, find_router
from wampapp.runner.standalone import routing
from wampapp.transport.dial import LocalDialer, UrlDialer

CREDENTIAL = Ticket("ada", "1234")


def found(config: Config) -> Reach:
    runtime = get_runtime()
    return runtime.call(find_router(config, runtime))


def close(reach: Reach) -> None:
    get_runtime().call(reach.close())


def test_a_router_that_is_named_is_dialed_with_the_credential() -> None:
    config = Config(url="rs://127.0.0.1:9", auth=CREDENTIAL)
    reach = found(config)
    assert isinstance(reach.dialer, UrlDialer)
    assert (reach.url, reach.config, reach.address) == (config.url, config, None)
    close(reach)


def test_without_a_url_a_router_listens_here_and_gets_no_credential() -> None:
    reach = found(Config(port=0, auth=CREDENTIAL))
    try:
        assert isinstance(reach.dialer, LocalDialer)
        assert (reach.url, reach.config.auth) == (None, None)
        assert reach.address is not None
        address = (reach.address.host, reach.address.port)
        socket.create_connection(address).close()
    finally:
        close(reach)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_a_router_that_holds_the_port_is_joined_without_the_credential() -> None:
    with routing() as address:
        reach = found(Config(port=address.port, auth=CREDENTIAL))
        assert isinstance(reach.dialer, UrlDialer)
        assert (reach.url, reach.config.auth) == (address.rawsocket_url, None)
        assert reach.address is None
        close(reach)


@pytest.fixture
def other_server() -> Iterator[int]:
    """The port of a server that hangs up at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_something_else_that_holds_the_port_is_not_a_router(other_server: int) -> None:
    with pytest.raises(PortInUse, match="is taken by something that is not a WAMP router"):
        found(Config(port=other_server))
