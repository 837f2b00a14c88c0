"""A router that listens at several places: ports, with and without TLS, and Unix sockets."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from tests.support.process import DEADLINE, Wampapp, wampapp
from tests.support.tls import Authority
from wampapp import RouterUnreachable, Tls, connect

pytestmark = pytest.mark.processes

REALM = """
[realms.realm1]
anonymous = "all"

[realms.realm1.roles.all]
permissions = [{ uri = "com.", match = "prefix", allow = ["call", "register"] }]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "router.toml"
    path.write_text(text + REALM)
    return path


def test_sessions_of_all_places_are_in_the_same_realms(tmp_path: Path, free_port: int) -> None:
    authority = Authority(tmp_path)
    path = tmp_path / "router.sock"
    config = written(
        tmp_path,
        f"""
[[listeners]]
unix = "{path}"
mode = 0o600

[[listeners]]
port = {free_port}
tls_cert = "{authority.issue("127.0.0.1")}"
""",
    )
    with Wampapp("router", "--port", "0", "--config", config) as router:
        port = int(router.until(r"RawSocket +rs://127\.0\.0\.1:(\d+)")[1])
        router.until(rf"The router listens on unix://{path} as well")
        router.until(rf"The router listens on rss://127\.0\.0\.1:{free_port} as well")
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        with (
            connect(f"unix://{path}") as service,
            connect(f"rs://127.0.0.1:{port}") as one,
            connect(f"rss://127.0.0.1:{free_port}", tls=Tls(ca=authority.file)) as two,
        ):
            service.register("com.here", lambda: "here")
            assert [client.call("com.here") for client in (one, two)] == ["here", "here"]
            router.until(r"Session \d+ joined realm1 as \S+, all, from a Unix socket")
        assert router.stop() == 0
    assert not path.exists()


def test_the_socket_of_a_killed_router_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "router.sock"
    config = written(tmp_path, f'[[listeners]]\nunix = "{path}"\n')
    command = ("router", "--port", "0", "--config", config)
    with Wampapp(*command) as router:
        router.until("Press Ctrl-C")
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        taken = wampapp(*command)
        assert taken.returncode == 2
        assert f"Another program listens on the socket {path}" in taken.stderr
        assert len(taken.stderr.splitlines()) == 1
        router.send(signal.SIGKILL)
        router.wait()
    with pytest.raises(RouterUnreachable):
        connect(f"unix://{path}", connect_timeout=DEADLINE)
    with Wampapp(*command) as router:
        router.until("Press Ctrl-C")
        connect(f"unix://{path}").close()
        assert router.stop() == 0


def test_where_one_place_is_taken_the_router_does_not_start(tmp_path: Path, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        config = written(tmp_path, f"[[listeners]]\nport = {free_port}\n")
        done = wampapp("router", "--port", "0", "--config", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Port {free_port} on 127.0.0.1 is taken" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("listener", "sentence"),
    [
        ("", "A listener has either a port or the path of a Unix socket (unix)."),
        ('port = 1\nunix = "x"', "A listener has either a port or the path"),
        ("port = 70000", "The port 70000 is not a whole number from 0 to 65535."),
        ('port = "80"', "The port '80' is not a whole number"),
        ("port = 80\nmode = 0o600", "Only a Unix socket has a mode."),
        ('unix = "x"\nmode = 0o1777', "The mode 1023 is not one such as 0o660."),
        ('unix = "x"\nhost = "::1"', "A Unix socket has neither a host nor TLS."),
        ('unix = ""', "The path of a Unix socket is ''; give one."),
        (f'unix = "/{"x" * 120}"', "The path of a Unix socket has more than 100 bytes."),
        ('port = 80\ntls_key = "x"', "A listener's tls_key needs a tls_cert."),
        ("port = 80\nhost = 7", "The host 7 is not an address, such as 127.0.0.1."),
        ("prot = 80", "A listener does not have 'prot'; did you mean 'port'?"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(
    listener: str, sentence: str, tmp_path: Path
) -> None:
    config = written(tmp_path, f"[[listeners]]\n{listener}\n")
    done = wampapp("router", "check", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{config}, line " in done.stderr
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("listener", "sentence"),
    [
        ('port = 0\ntls_cert = "/nowhere.pem"', "The certificate /nowhere.pem cannot be read"),
        ('unix = "/nowhere/router.sock"', "The router cannot listen on the socket /nowhere"),
        ('host = "0.0.0.0"\nport = 0\n', "take open_realms out of its configuration"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(
    listener: str, sentence: str, tmp_path: Path
) -> None:
    config = written(tmp_path, f"open_realms = true\n[[listeners]]\n{listener}\n")
    done = wampapp("router", "--port", "0", "--config", config)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_at_the_path_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    config = written(tmp_path, f'[[listeners]]\nunix = "{path}"\n')
    done = wampapp("router", "--port", "0", "--config", config)
    assert done.returncode == 2
    assert f"The router cannot listen on the socket {path}" in done.stderr
    assert path.read_text() == "mine"
    assert os.stat(path).st_size == 4  # noqa: PTH116
