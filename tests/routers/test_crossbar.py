"""`wampapp.crossbar` against a real Crossbar.io."""

import http.client
import json
import os
import re
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.process import DEADLINE, ROOT
from wampapp import Invocation, connect
from wampapp.crossbar import (
    Crossbar,
    CrossbarError,
    InstallError,
    environment,
    install_once,
    node_configuration,
    run_installer,
)

JSON, MSGPACK, CBOR = 1, 2, 3


def shake_hands(port: int, serializer: int = JSON) -> bytes:
    """Offer a RawSocket handshake with messages up to 16 MiB, and return the four-byte answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        link.sendall(bytes([0x7F, 0xF0 | serializer, 0, 0]))
        return link.recv(4, socket.MSG_WAITALL)


def processes(group: int | None) -> bool:
    """Whether any process of the group is left."""
    assert group
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def own(new_crossbar: Callable[..., Crossbar]) -> Iterator[Crossbar]:
    """A node that is not started, for a test to start and stop."""
    router = new_crossbar()
    yield router
    router.stop()


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("serializer", [JSON, MSGPACK, CBOR])
def test_port_speaks_rawsocket(crossbar: Crossbar, serializer: int) -> None:
    answer = shake_hands(crossbar.port, serializer)
    assert answer[0] == 0x7F
    assert answer[1] & 0x0F == serializer


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_port_speaks_websocket(crossbar: Crossbar, serializer: str) -> None:
    link = http.client.HTTPConnection("127.0.0.1", crossbar.port, timeout=60)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": f"wamp.2.{serializer}",
    }
    try:
        link.request("GET", "/ws", headers=headers)
        with link.getresponse() as answer:
            assert answer.status == 101
            assert answer.headers["Sec-WebSocket-Protocol"] == f"wamp.2.{serializer}"
    finally:
        link.close()


def test_urls_name_the_port(crossbar: Crossbar) -> None:
    assert crossbar.port
    assert crossbar.rs_url == f"rs://127.0.0.1:{crossbar.port}"
    assert crossbar.ws_url == f"ws://127.0.0.1:{crossbar.port}/ws"


@pytest.mark.slow
def test_stop_leaves_nothing_and_start_takes_the_same_port(own: Crossbar, scratch: Path) -> None:
    own.start()
    port, group = own.port, own.pid
    assert processes(group)
    assert "NODE_BOOT_COMPLETE" in own.log(10)
    with pytest.raises(CrossbarError, match="already runs"):
        own.start()
    own.stop()
    assert not processes(group)
    assert own.pid is None
    assert list(scratch.iterdir()) == []
    own.start()
    assert own.port == port
    assert shake_hands(port)[0] == 0x7F


@pytest.mark.slow
def test_kill_ends_workers_too_and_start_takes_the_same_port(own: Crossbar, scratch: Path) -> None:
    own.start()
    port, group = own.port, own.pid
    own.kill()
    assert not processes(group)
    assert list(scratch.iterdir()) == []
    own.start()
    assert own.port == port
    assert shake_hands(port)[0] == 0x7F


@pytest.mark.slow
def test_stop_after_a_crash_ends_what_the_crash_left(own: Crossbar) -> None:
    own.start()
    assert own.pid
    group = own.pid
    os.kill(group, signal.SIGKILL)
    own.stop()
    assert not processes(group)


@pytest.mark.slow
def test_configuration_and_workdir_of_ones_own(
    tmp_path: Path, new_crossbar: Callable[..., Crossbar]
) -> None:
    config = node_configuration("com.example", "127.0.0.1")
    folder = tmp_path / "node"
    with new_crossbar(config=config, workdir=folder) as router:
        assert shake_hands(router.port)[0] == 0x7F
        assert "com.example" in router.log()
    assert f'"port": {router.port}' in (folder / "config.json").read_text()
    assert config == node_configuration("com.example", "127.0.0.1")


@pytest.mark.parametrize("config", [{}, {"version": 2, "workers": [{"type": "nonsense"}]}])
def test_broken_configuration_is_told(
    config: dict[str, object], scratch: Path, new_crossbar: Callable[..., Crossbar]
) -> None:
    router = new_crossbar(config=config)
    with pytest.raises(CrossbarError, match=r"ended before it was ready(?s:.)+nvalid"):
        router.start()
    assert router.pid is None
    assert list(scratch.iterdir()) == []


def test_port_in_use_is_told(new_crossbar: Callable[..., Crossbar]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        router = new_crossbar(port=other.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            router.start()


def test_failing_pip_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMPAPP_CROSSBAR_ENV", str(tmp_path / "env"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(InstallError, match="No matching distribution found for crossbar=="):
        environment()


def test_failing_installer_is_told(tmp_path: Path) -> None:
    code = "import sys; print('because'); sys.exit(3)"
    with pytest.raises(InstallError, match="exit code 3\nbecause"):
        run_installer([sys.executable, "-c", code], tmp_path)


def test_interrupted_installation_is_redone(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "thing"

    def interrupted(path: Path) -> None:
        (path / "half").touch()
        (path / "proof").touch()
        raise KeyboardInterrupt

    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        install_once(path, "thing 1", "proof", interrupted, lines.append)
    assert (
        install_once(path, "thing 1", "proof", lambda path: (path / "proof").touch(), lines.append)
        == path
    )
    assert not (path / "half").exists()
    assert [line.split()[0] for line in lines] == ["installing", "installing", "installed"]
    install_once(path, "thing 1", "proof", interrupted, lines.append)
    assert len(lines) == 3


def test_two_at_once_install_once(tmp_path: Path) -> None:
    both_want_it = threading.Barrier(2)
    built: list[Path] = []

    def tell(line: str) -> None:
        if line.startswith("installing"):
            both_want_it.wait(10)

    def build(path: Path) -> None:
        built.append(path)
        (path / "proof").touch()

    with ThreadPoolExecutor(2) as pool:
        found = pool.map(
            lambda _: install_once(tmp_path / "thing", "thing 1", "proof", build, tell), range(2)
        )
        assert list(found) == [tmp_path / "thing"] * 2
    assert built == [tmp_path / "thing"]


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    def build(path: Path) -> None:
        pytest.fail("nothing is to be installed")

    (tmp_path / "precious").touch()
    with pytest.raises(InstallError, match="neither empty"):
        install_once(tmp_path, "thing 1", "proof", build, None)
    (tmp_path / "proof").touch()
    assert install_once(tmp_path, "thing 1", "proof", build, None) == tmp_path
    assert (tmp_path / "precious").exists()


def who(call: Invocation) -> int | None:
    return call.caller


def test_the_configuration_of_the_documentation(new_crossbar: Callable[..., Crossbar]) -> None:
    page = (ROOT / "docs" / "how-to" / "choose-a-router.md").read_text("utf-8")
    block = re.search(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert block
    assert '"port": 8080' in block[1]
    config = json.loads(block[1].replace('"port": 8080', '"port": 0'))
    with new_crossbar(config=config) as router:
        for url in (router.rs_url, router.ws_url):
            with connect(url, timeout=DEADLINE) as client:
                client.register("com.docs.who", who)
                assert client.call("com.docs.who")
