"""TLS to a router: who is trusted, who we are, and what is said where it fails."""

import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.listener import Listener, join_sockets
from tests.support.process import EmbeddedRouter, Wampapp, environment, run, wampapp
from tests.support.programs import program
from tests.support.proxy import Wire
from tests.support.tls import Authority, TlsDoor
from wampapp import (
    ConnectedClient,
    RouterUnreachable,
    Tls,
    TlsFailed,
    UsageError,
    WampappError,
    connect,
)
from wampapp.config.settle import settle_tls
from wampapp.crossbar import Crossbar, node_configuration

pytestmark = pytest.mark.processes

DEADLINE = 60.0  # seconds
PATIENCE = 10.0  # seconds for a join
PASSPHRASE = b"passphrase-2f6b"
FORMS = ["rss://{host}:{port}", "wss://{host}:{port}/ws"]

SERVICE = program("tls_service.py")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that no router of these tests has anything from."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def door(authority: Authority, embedded: EmbeddedRouter) -> Iterator[TlsDoor]:
    with TlsDoor(authority.issue("localhost"), embedded.port) as door:
        yield door


@pytest.fixture(scope="module")
def strict(authority: Authority, embedded: EmbeddedRouter) -> Iterator[TlsDoor]:
    """A door for clients that have a certificate of the authority."""
    with TlsDoor(authority.issue("localhost"), embedded.port, clients=authority.file) as door:
        yield door


@pytest.fixture(params=FORMS, ids=["rss", "wss"])
def form(request: pytest.FixtureRequest) -> str:
    text: str = request.param
    return text


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "service.py"
    file.write_text(SERVICE)
    return file


def at(form: str, port: int, host: str = "localhost") -> str:
    return form.format(host=host, port=port)


def joined(url: str, tls: Tls | None) -> ConnectedClient:
    return connect(url, tls=tls, timeout=DEADLINE, connect_timeout=PATIENCE)


def speaks(url: str, tls: Tls | None) -> None:
    """Join, and use the session."""
    with joined(url, tls) as client:
        assert client.publish("com.tls.news", 1) > 0


def failure(url: str, tls: Tls | None, kind: type[WampappError] = TlsFailed) -> str:
    """Fail to join, and return the sentence."""
    with pytest.raises(kind) as caught:
        joined(url, tls).close()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def publish(url: str, *options: str | Path, **env: str) -> tuple[int, str]:
    """Run `wampapp publish`; return its exit code and what it said, but for the warning."""
    done = wampapp("publish", "com.tls", "1", "--url", url, *options, env=environment(**env))
    assert done.stdout == ""
    return done.returncode, done.stderr.removeprefix(warning(url))


def warning(url: str) -> str:
    return (
        f"The certificate of {url} is not checked: anyone in between can read and change "
        "everything.\n"
    )


def one_sentence(said: str) -> None:
    assert said.startswith("Error: "), said
    assert len(said.splitlines()) == 1, said
    assert said.endswith((".\n", "?\n")), said


# Who is trusted.


def test_a_certificate_that_the_machine_trusts_is_spoken_to(
    authority: Authority, door: TlsDoor, form: str
) -> None:
    assert publish(at(form, door.port), SSL_CERT_FILE=str(authority.file)) == (0, "")


def test_an_authority_of_one_s_own_is_trusted(
    authority: Authority, door: TlsDoor, form: str
) -> None:
    speaks(at(form, door.port), Tls(ca=str(authority.file)))


LOOPS = program("tls_loops.py")


def test_one_loop_after_the_other_speaks_tls(
    authority: Authority, door: TlsDoor, form: str, tmp_path: Path
) -> None:
    """Though Twisted's own reactor, the one that modules import, belongs to the first."""
    (tmp_path / "loops.py").write_text(LOOPS)
    words = ("loops.py", at(form, door.port), authority.file)
    done = run(sys.executable, *words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2


def test_a_path_may_be_a_path(authority: Authority, door: TlsDoor) -> None:
    speaks(at(FORMS[0], door.port), Tls(ca=authority.file))  # type: ignore[arg-type]


def test_one_of_several_authorities_is_enough(
    authority: Authority, stranger: Authority, door: TlsDoor, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"# ours\n" + stranger.file.read_bytes() + authority.file.read_bytes())
    speaks(at(FORMS[0], door.port), Tls(ca=str(both)))


def test_the_very_certificate_can_be_what_is_trusted(
    authority: Authority, embedded: EmbeddedRouter, form: str, tmp_path: Path
) -> None:
    """It is neither an authority nor signed by itself; who has signed it is not known here."""
    certificate, key = authority.issue_pair("localhost")
    other, _ = authority.issue_pair("router.example")
    own = tmp_path / "own.pem"
    own.write_bytes(certificate.read_bytes() + key.read_bytes())
    with TlsDoor(own, embedded.port) as door:
        speaks(at(form, door.port), Tls(ca=str(certificate)))
        assert "certificate" in failure(at(form, door.port), Tls(ca=str(other)))


def test_an_unknown_authority_is_refused(door: TlsDoor, form: str) -> None:
    url = at(form, door.port)
    sentence = failure(url, None)
    assert sentence.startswith(f"The router at {url} cannot be trusted: ")
    assert "certificate verify failed" in sentence


def test_another_authority_than_the_given_is_refused(
    stranger: Authority, door: TlsDoor, form: str
) -> None:
    sentence = failure(at(form, door.port), Tls(ca=str(stranger.file)))
    assert "certificate verify failed" in sentence


def test_what_the_machine_trusts_counts_no_more_where_an_authority_is_given(
    authority: Authority, stranger: Authority, door: TlsDoor
) -> None:
    url = at(FORMS[0], door.port)
    code, said = publish(url, "--ca", stranger.file, SSL_CERT_FILE=str(authority.file))
    assert code == 4
    one_sentence(said)


def test_a_certificate_of_another_address_is_refused(
    authority: Authority, door: TlsDoor, form: str
) -> None:
    sentence = failure(at(form, door.port, "127.0.0.1"), Tls(ca=str(authority.file)))
    assert "the certificate is for another host" in sentence


def test_a_certificate_of_another_name_is_refused(
    authority: Authority, embedded: EmbeddedRouter, form: str
) -> None:
    with TlsDoor(authority.issue("router.example"), embedded.port) as door:
        sentence = failure(at(form, door.port), Tls(ca=str(authority.file)))
        assert "the certificate is for another host" in sentence


def test_a_certificate_of_an_address_is_for_that_address(
    authority: Authority, embedded: EmbeddedRouter, form: str
) -> None:
    with TlsDoor(authority.issue("127.0.0.1"), embedded.port) as door:
        speaks(at(form, door.port, "127.0.0.1"), Tls(ca=str(authority.file)))
        assert "another host" in failure(at(form, door.port), Tls(ca=str(authority.file)))


def test_an_expired_certificate_is_refused(
    authority: Authority, embedded: EmbeddedRouter, form: str
) -> None:
    with TlsDoor(authority.issue("localhost", expired=True), embedded.port) as door:
        sentence = failure(at(form, door.port), Tls(ca=str(authority.file)))
        assert "certificate" in sentence


def test_without_verification_anybody_is_spoken_to(
    authority: Authority, embedded: EmbeddedRouter, door: TlsDoor, form: str
) -> None:
    speaks(at(form, door.port), Tls(verify=False))
    speaks(at(form, door.port, "127.0.0.1"), Tls(verify=False))
    with TlsDoor(authority.issue("localhost", expired=True), embedded.port) as expired:
        speaks(at(form, expired.port), Tls(verify=False))


def test_without_verification_a_warning_says_what_that_means(
    door: TlsDoor, form: str, script: Path
) -> None:
    url = at(form, door.port)
    done = wampapp("publish", "com.tls", "1", "--url", url, "--insecure")
    assert (done.returncode, done.stderr) == (0, warning(url))
    with Wampapp("run", script, "--url", url, "--insecure") as service:
        service.until("Press Ctrl-C")
        assert service.stop() == 0
    assert len([line for line in service.stderr if warning(url).rstrip() in line]) == 1


def test_with_verification_there_is_no_warning(
    authority: Authority, door: TlsDoor, embedded: EmbeddedRouter
) -> None:
    url = at(FORMS[0], door.port)
    done = wampapp("publish", "com.tls", "1", "--url", url, "--ca", authority.file)
    assert (done.returncode, done.stderr) == (0, "")
    # Nor is there one where no TLS is spoken.
    done = wampapp("publish", "com.tls", "1", "--url", embedded.rs_url, "--insecure")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_name_is_told_to_a_server_that_has_many(
    authority: Authority, embedded: EmbeddedRouter, form: str
) -> None:
    """Whether verified or not; an address is no name, and is not told."""
    with TlsDoor(authority.issue("localhost"), embedded.port) as door:
        names: list[str | None] = []
        door._context.sni_callback = lambda _socket, name, _context: names.append(name)
        speaks(at(form, door.port), Tls(ca=str(authority.file)))
        speaks(at(form, door.port), Tls(verify=False))
        speaks(at(form, door.port, "127.0.0.1"), Tls(verify=False))
    assert names == ["localhost", "localhost", None]


def test_without_tls_in_the_url_nothing_of_it_is_read(embedded: EmbeddedRouter) -> None:
    for url in (embedded.rs_url, embedded.ws_url):
        speaks(url, Tls(ca="/nowhere/ca.pem", certificate="/nowhere/own.pem"))


# Who we are.


def test_a_router_that_asks_for_a_certificate_gets_it(
    authority: Authority, strict: TlsDoor, form: str
) -> None:
    own = authority.issue("client.example")
    speaks(at(form, strict.port), Tls(ca=str(authority.file), certificate=str(own)))


def test_the_key_may_stand_in_another_file(
    authority: Authority, strict: TlsDoor, form: str
) -> None:
    certificate, key = authority.issue_pair("client.example")
    tls = Tls(ca=str(authority.file), certificate=str(certificate), key=str(key))
    speaks(at(form, strict.port), tls)


def test_in_one_file_either_may_come_first(
    authority: Authority, strict: TlsDoor, tmp_path: Path
) -> None:
    certificate, key = authority.issue_pair("client.example")
    own = tmp_path / "own.pem"
    for parts in ((certificate, key), (key, certificate)):
        own.write_bytes(b"# ours\n" + b"\n".join(part.read_bytes() for part in parts))
        speaks(at(FORMS[0], strict.port), Tls(ca=str(authority.file), certificate=str(own)))


def test_a_certificate_is_shown_without_verification_too(
    authority: Authority, strict: TlsDoor, form: str
) -> None:
    own = authority.issue("client.example")
    speaks(at(form, strict.port), Tls(certificate=str(own), verify=False))


def test_a_certificate_with_its_chain_is_shown_whole(
    authority: Authority, strict: TlsDoor, form: str, tmp_path: Path
) -> None:
    """The file holds what authorities send: our certificate, and the one that it is signed by."""
    between = Authority(tmp_path, authority)
    own = between.issue("client.example")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(own.read_bytes() + between.file.read_bytes())
    speaks(at(form, strict.port), Tls(ca=str(authority.file), certificate=str(chain)))


@pytest.mark.parametrize("verify", [True, False])
def test_a_router_that_asks_for_a_certificate_refuses_who_has_none(
    authority: Authority, strict: TlsDoor, form: str, verify: bool
) -> None:
    ca = str(authority.file) if verify else None
    sentence = failure(at(form, strict.port), Tls(ca=ca, verify=verify))
    assert "certificate" in sentence


def test_a_router_refuses_a_certificate_that_it_does_not_trust(
    authority: Authority, stranger: Authority, strict: TlsDoor, form: str
) -> None:
    own = stranger.issue("client.example")
    failure(at(form, strict.port), Tls(ca=str(authority.file), certificate=str(own)))


@pytest.fixture(scope="module")
def sealed(authority: Authority, new_crossbar: Callable[..., Crossbar]) -> Iterator[Crossbar]:
    """A Crossbar.io that speaks TLS by itself and asks clients for a certificate."""
    certificate, key = authority.issue_pair("localhost")
    config = node_configuration("realm1", "127.0.0.1")
    (worker,) = config["workers"]
    worker["transports"][0]["endpoint"]["tls"] = {
        "certificate": str(certificate),
        "key": str(key),
        "ca_certificates": [str(authority.file)],
    }
    with new_crossbar(config=config) as router:
        yield router


def test_crossbar_takes_who_has_a_certificate(
    authority: Authority, sealed: Crossbar, form: str
) -> None:
    own = authority.issue("client.example")
    speaks(at(form, sealed.port), Tls(ca=str(authority.file), certificate=str(own)))


def test_crossbar_refuses_who_has_none(authority: Authority, sealed: Crossbar, form: str) -> None:
    failure(at(form, sealed.port), Tls(ca=str(authority.file)))


# The command line, and the environment.


def test_options_say_who_is_trusted_and_who_we_are(
    authority: Authority, strict: TlsDoor, form: str
) -> None:
    url = at(form, strict.port)
    own = authority.issue("client.example")
    certificate, key = authority.issue_pair("other.example")
    assert publish(url, "--ca", authority.file, "--cert", own) == (0, "")
    words = ["--ca", authority.file, "--cert", certificate, "--cert-key", key]
    assert publish(url, *words) == (0, "")
    assert publish(url, "--insecure", "--cert", own) == (0, "")
    code, said = publish(url, "--ca", authority.file)
    assert code == 4
    one_sentence(said)


def test_variables_say_it_as_well(authority: Authority, strict: TlsDoor, form: str) -> None:
    url = at(form, strict.port)
    own = str(authority.issue("client.example"))
    certificate, key = map(str, authority.issue_pair("other.example"))
    ca = str(authority.file)
    assert publish(url, WAMPAPP_CA=ca, WAMPAPP_CERT=own) == (0, "")
    assert publish(url, WAMPAPP_CA=ca, WAMPAPP_CERT=certificate, WAMPAPP_CERT_KEY=key) == (0, "")
    assert publish(url, WAMPAPP_INSECURE="1", WAMPAPP_CERT=own) == (0, "")
    code, said = publish(url, WAMPAPP_INSECURE="0", WAMPAPP_CERT=own)
    assert code == 4
    one_sentence(said)


def test_options_come_before_variables(
    authority: Authority, stranger: Authority, door: TlsDoor
) -> None:
    url = at(FORMS[0], door.port)
    ours, theirs = str(authority.file), str(stranger.file)
    assert publish(url, "--ca", ours, WAMPAPP_CA=theirs) == (0, "")
    assert publish(url, "--insecure", WAMPAPP_CA=theirs) == (0, "")
    code, said = publish(url, "--ca", theirs, WAMPAPP_CA=ours)
    assert code == 4
    one_sentence(said)


def test_an_option_s_certificate_is_not_mixed_with_a_variable_s_key(
    authority: Authority, strict: TlsDoor
) -> None:
    url = at(FORMS[0], strict.port)
    own = authority.issue("client.example")
    certificate, key = map(str, authority.issue_pair("other.example"))
    variables = {"WAMPAPP_CERT": certificate, "WAMPAPP_CERT_KEY": key}
    assert publish(url, "--ca", authority.file, "--cert", own, **variables) == (0, "")


def test_a_variable_never_turns_an_authority_off_that_was_asked_for(
    stranger: Authority, door: TlsDoor
) -> None:
    url = at(FORMS[0], door.port)
    code, said = publish(url, "--ca", stranger.file, WAMPAPP_INSECURE="yes")
    assert code in (2, 4)
    one_sentence(said)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--ca", "a.pem", "--insecure"], "Error: Tls has an authority to trust, but verify="),
        (["--cert-key", "a.pem"], "Error: Tls has a key but no certificate; "),
    ],
)
def test_options_that_do_not_go_together(words: list[str], sentence: str, script: Path) -> None:
    for command in (["publish", "com.tls", "--url", "rss://localhost"], ["run", script]):
        done = wampapp(*command, *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(sentence)
        one_sentence(done.stderr)


def test_every_verb_takes_them(authority: Authority, door: TlsDoor, script: Path) -> None:
    words = ["--url", at(FORMS[0], door.port), "--ca", authority.file]
    with Wampapp("run", script, *words) as service:
        service.until("Press Ctrl-C")
        with Wampapp("subscribe", "com.tls.heard", *words) as listener:
            listener.until("Subscribed to com.tls.heard")
            done = wampapp("call", "com.tls.add", "2", "3", *words)
            assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
            done = wampapp("publish", "com.tls.heard", "7", *words)
            assert (done.returncode, done.stderr) == (0, "")
            listener.until("^7$")
            assert listener.stop() == 0
        assert service.stop() == 0


def test_nothing_said_is_no_tls_of_one_s_own() -> None:
    assert settle_tls(environ={}) is None
    assert settle_tls(environ={"WAMPAPP_INSECURE": "no", "WAMPAPP_CA": ""}) is None
    assert settle_tls(insecure=False, environ={"WAMPAPP_INSECURE": "1"}) is None


@pytest.mark.parametrize("field", ["ca", "certificate", "key"])
@pytest.mark.parametrize("value", ["", 7, b"file"])
def test_what_names_no_file_is_told(field: str, value: object) -> None:
    with pytest.raises(UsageError, match=rf"Tls\({field}=.*\) names no file"):
        Tls(**{field: value})  # type: ignore[arg-type]


# Files.


def make_files(folder: Path, authority: Authority) -> dict[str, Path]:
    """Files that are no use for one purpose or another."""
    certificate, key = authority.issue_pair("files.example")
    _, locked = authority.issue_pair("locked.example", passphrase=PASSPHRASE)
    made = {"certificate": certificate, "key": key, "locked": locked}
    contents = {
        "text": b"Grandmother's recipe\n",
        "empty": b"",
        "bytes": bytes(range(256)),
        "half": authority.file.read_bytes()[:200],
        "torn": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    }
    for name, data in contents.items():
        made[name] = folder / f"{name}.pem"
        made[name].write_bytes(data)
    made["folder"] = folder
    made["missing"] = folder / "missing.pem"
    return made


UNREADABLE = {"missing": "No such file or directory", "folder": "Is a directory"}


@pytest.mark.parametrize(
    "name", ["missing", "folder", "text", "empty", "bytes", "half", "torn", "key"]
)
@pytest.mark.parametrize("purpose", ["ca", "certificate"])
def test_a_file_that_holds_no_certificate(
    authority: Authority, door: TlsDoor, tmp_path: Path, purpose: str, name: str
) -> None:
    file = make_files(tmp_path, authority)[name]
    tls = Tls(**{purpose: str(file)})  # type: ignore[arg-type]
    sentence = failure(at(FORMS[0], door.port), tls, UsageError)
    if name in UNREADABLE:
        assert sentence == f"The certificate {file} cannot be read: {UNREADABLE[name]}."
    else:
        assert sentence.startswith(f"The file {file} contains no certificate; ")


@pytest.mark.parametrize(
    "name", ["missing", "folder", "text", "empty", "bytes", "certificate", "locked"]
)
def test_a_file_that_holds_no_key(
    authority: Authority, door: TlsDoor, tmp_path: Path, name: str
) -> None:
    made = make_files(tmp_path, authority)
    tls = Tls(certificate=str(made["certificate"]), key=str(made[name]), verify=False)
    sentence = failure(at(FORMS[0], door.port), tls, UsageError)
    if name in UNREADABLE:
        assert sentence == f"The private key {made[name]} cannot be read: {UNREADABLE[name]}."
    else:
        assert sentence.startswith(f"The file {made[name]} contains no private key; ")
        assert "without a passphrase" in sentence


def test_a_certificate_s_file_without_its_key(authority: Authority, door: TlsDoor) -> None:
    certificate, _ = authority.issue_pair("client.example")
    tls = Tls(certificate=str(certificate), verify=False)
    sentence = failure(at(FORMS[0], door.port), tls, UsageError)
    assert sentence.startswith(f"The file {certificate} contains no private key; ")


@pytest.mark.parametrize("verify", [True, False])
def test_a_key_of_another_certificate(authority: Authority, door: TlsDoor, verify: bool) -> None:
    certificate, _ = authority.issue_pair("client.example")
    _, key = authority.issue_pair("other.example")
    tls = Tls(certificate=str(certificate), key=str(key), verify=verify)
    sentence = failure(at(FORMS[0], door.port), tls, UsageError)
    assert str(key) in sentence


@pytest.mark.parametrize("command", ["publish", "run"])
@pytest.mark.parametrize("option", ["--ca", "--cert", "--cert-key"])
@pytest.mark.parametrize("name", ["missing", "text", "other"])
def test_a_wrong_file_ends_a_command_with_a_sentence(
    authority: Authority,
    door: TlsDoor,
    script: Path,
    tmp_path: Path,
    command: str,
    option: str,
    name: str,
) -> None:
    made = make_files(tmp_path, authority)
    _, made["other"] = authority.issue_pair("other.example")  # a key, and of no certificate here
    words: list[str | Path] = [option, made[name]]
    if option == "--cert-key":
        words += ["--cert", made["certificate"]]
    first = ["run", script] if command == "run" else ["publish", "com.tls"]
    done = wampapp(*first, "--url", at(FORMS[0], door.port), *words)
    assert done.returncode == 2, done.stderr
    assert str(made[name]) in done.stderr
    one_sentence(done.stderr)


def in_terminal(*words: str | Path) -> tuple[int, str]:
    """Run `wampapp …` on a terminal of its own; return its exit code and what was shown there."""
    master, slave = os.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "wampapp", *map(str, words)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
            while data := os.read(master, 4096):
                shown += data
                if b"phrase:" in data:
                    os.write(master, PASSPHRASE + b"\n")  # or it would wait for ever
        return process.wait(DEADLINE), shown.decode().replace("\r\n", "\n")
    finally:
        os.close(master)


def test_an_encrypted_key_is_refused_and_no_passphrase_is_asked_for(
    authority: Authority, door: TlsDoor
) -> None:
    certificate, key = authority.issue_pair("client.example", passphrase=PASSPHRASE)
    url = at(FORMS[0], door.port)
    words = ["--insecure", "--cert", certificate, "--cert-key", key]
    code, shown = in_terminal("publish", "com.tls", "1", "--url", url, *words)
    shown = shown.removeprefix(warning(url))
    assert (code, shown.partition(";")[0]) == (2, f"Error: The file {key} contains no private key")
    one_sentence(shown)


# Handshakes that come to nothing.

Way = Callable[[socket.socket], None]


def close_at_once(connection: socket.socket) -> None:
    connection.close()


def close_after_hello(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.close()


def reset_after_hello(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Faltering(Listener):
    """A wire to a port whose first connections break in the middle of the handshake.

    Args:
        target: the port behind it.
        way: how a connection is broken; or how many bytes of the answer pass before it is.
        times: how many connections are broken; the ones after that are passed on whole.
    """

    def __init__(self, target: int, way: Way | int, times: int) -> None:
        self._target = target
        self._way = way
        self._left = times
        super().__init__(self._pass_on)

    def _pass_on(self, outside: socket.socket) -> None:
        outside.settimeout(DEADLINE)
        limit = None
        if self._left:
            self._left -= 1
            if not isinstance(self._way, int):
                self._way(outside)
                return
            limit = self._way
        with outside, socket.create_connection(("127.0.0.1", self._target)) as inside:
            join_sockets(outside, inside, limit)


WAYS = [
    pytest.param(close_at_once, id="closed at once"),
    pytest.param(close_after_hello, id="closed after hello"),
    pytest.param(reset_after_hello, id="reset after hello"),
    pytest.param(3, id="in the first record's head"),
    pytest.param(60, id="in the server's hello"),
    pytest.param(300, id="in the certificate"),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_router_that_goes_away_in_the_handshake_is_unreachable(
    authority: Authority, door: TlsDoor, form: str, way: Way | int
) -> None:
    with Faltering(door.port, way, 1) as wire:
        code, said = publish(at(form, wire.port), "--ca", authority.file)
        assert code == 3, said
        one_sentence(said)


@pytest.mark.parametrize("way", WAYS)
def test_a_service_waits_for_a_router_that_goes_away_in_the_handshake(
    authority: Authority, door: TlsDoor, form: str, script: Path, way: Way | int
) -> None:
    with Faltering(door.port, way, 2) as wire:
        url = at(form, wire.port)
        with Wampapp("run", script, "--url", url, "--ca", authority.file) as service:
            service.until("Trying again until a router answers")
            service.until("Press Ctrl-C")
            assert service.stop() == 0
    assert "Traceback" not in service.text
    assert service.text.count("Trying again") == 1, service.text


def test_a_router_that_says_nothing_in_the_handshake_is_unreachable(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = at(form, silent.getsockname()[1])
        with pytest.raises(RouterUnreachable, match=r"within 0\.5 s"):
            connect(url, connect_timeout=0.5)
        code, said = publish(url, "--connect-timeout", "0.5")
    assert code == 3
    one_sentence(said)


@pytest.mark.parametrize("command", ["publish", "run"])
def test_an_untrusted_router_ends_a_command_at_once(
    door: TlsDoor, form: str, script: Path, command: str
) -> None:
    first = ["run", script] if command == "run" else ["publish", "com.tls"]
    url = at(form, door.port)
    done = wampapp(*first, "--url", url)
    assert done.returncode == 4
    assert done.stderr.startswith(f"Error: The router at {url} cannot be trusted: ")
    one_sentence(done.stderr)


def test_a_service_whose_router_is_not_trusted_any_more_ends(
    authority: Authority,
    stranger: Authority,
    embedded: EmbeddedRouter,
    form: str,
    script: Path,
) -> None:
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(Wire(embedded.port))
        with TlsDoor(authority.issue("localhost"), wire.port) as first:
            url = at(form, first.port)
            service = stack.enter_context(
                Wampapp("run", script, "--url", url, "--ca", authority.file)
            )
            service.until("Press Ctrl-C")
            first.shut()  # nobody comes in again
            wire.cut()
            service.until("Coming back")
        with TlsDoor(stranger.issue("localhost"), wire.port, port=first.port):
            assert service.wait() == 4
    assert service.stderr[-1].startswith(f"Error: The router at {url} cannot be trusted: ")
    assert "Traceback" not in service.text


def test_a_service_comes_back_over_tls(
    authority: Authority, embedded: EmbeddedRouter, form: str, script: Path
) -> None:
    with Wire(embedded.port) as wire, TlsDoor(authority.issue("localhost"), wire.port) as door:
        words = ["--url", at(form, door.port), "--ca", authority.file]
        with Wampapp("run", script, *words) as service:
            service.until("Press Ctrl-C")
            wire.cut()
            service.until("Joined again")
            with connect(embedded.rs_url, timeout=DEADLINE) as client:
                assert client.call("com.tls.add", 2, 3) == 5
            assert service.stop() == 0


def test_tls_to_a_plain_port_sends_nothing_in_the_clear(form: str) -> None:
    first: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            first.append(connection.recv(4096))

    with Listener(serve) as plain:
        code, said = publish(at(form, plain.port), "--insecure")
    assert first[0][:2] == b"\x16\x03"  # a TLS handshake record, not WAMP and not HTTP
    assert code == 3
    one_sentence(said)


@pytest.mark.parametrize("kind", ["embedded", "crossbar"])
def test_tls_to_a_router_that_speaks_none(
    request: pytest.FixtureRequest, kind: str, form: str
) -> None:
    router: EmbeddedRouter | Crossbar = request.getfixturevalue(kind)
    code, said = publish(at(form, router.port), "--insecure")
    assert code in (3, 4)
    one_sentence(said)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x7f\xf5\0\0", b"\0" * 99]
)
def test_an_answer_that_is_no_tls(form: str, answer: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    with Listener(serve) as plain:
        code, said = publish(at(form, plain.port), "--insecure")
    assert code in (3, 4)
    one_sentence(said)


# In a program's own loop.

#: passlib, which Autobahn imports where it is installed, asks for a module that goes with 3.13.
WARNINGS = ("-W", "error", "-W", "ignore:'crypt' is deprecated:DeprecationWarning")
PROGRAM = program("tls_program.py")


@pytest.mark.parametrize("kind", ["loop", "select", "poll", "epoll", "asyncio"])
def test_tls_in_a_program_s_own_loop(
    authority: Authority, door: TlsDoor, form: str, kind: str
) -> None:
    done = subprocess.run(
        [sys.executable, *WARNINGS, "-c", PROGRAM, kind, at(form, door.port), authority.file],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
