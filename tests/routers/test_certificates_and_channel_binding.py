"""Joining by a client certificate, and signatures that hold for one TLS connection only."""

import contextlib
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.credentials import SEED, TICKET, public_key
from tests.support.process import EmbeddedRouter, Wampapp, environment, wampapp
from tests.support.programs import FOLDER
from tests.support.tls import Authority, TlsDoor
from wampapp import (
    ClientCertificate,
    Cryptosign,
    RouterRefused,
    Ticket,
    Tls,
    TlsFailed,
    UsageError,
    connect,
)
from wampapp.crossbar import Crossbar, node_configuration
from wampapp.protocol.channel import BINDINGS
from wampapp.protocol.credentials import Credential
from wampapp.protocol.hashes import TicketHash

pytestmark = pytest.mark.processes

DEADLINE = 60.0  # seconds
FORMS = ["rss://localhost:{}", "wss://localhost:{}/ws"]

RULES = """
{top}
[realms.realm1]
anonymous = "guest"
[realms.realm1.roles.guest]
[realms.realm1.roles.member]
permissions = [{{ uri = "wamp.", match = "prefix", allow = ["call"] }}]
[realms.realm1.principals.till]
role = "member"
tls = [{certificates}]
cryptosign = ["{key}"]
[realms.realm1.principals.lamp]
role = "member"
ticket = "{ticket}"
"""


def fingerprint(file: Path) -> str:
    """What `openssl x509 -fingerprint -sha256` prints behind its sign of equality."""
    octets = x509.load_pem_x509_certificate(file.read_bytes()).fingerprint(SHA256())
    return octets.hex(":").upper()


def rules(folder: Path, *certificates: str, top: str = "") -> Path:
    file = folder / "router.toml"
    text = RULES.format(
        top=top,
        certificates=", ".join(f'"{one}"' for one in certificates),
        key=public_key(SEED),
        ticket=TicketHash.of(TICKET).text,
    )
    file.write_text(text)
    file.chmod(0o600)
    return file


@contextlib.contextmanager
def sealed(authority: Authority, file: Path) -> Iterator[int]:
    """Run a router that speaks TLS; yield its port."""
    options = ("--tls-cert", authority.issue("localhost"), "--config", file)
    with Wampapp("router", "--port", "0", *options) as router:
        yield int(router.until(r"RawSocket +rss://127\.0\.0\.1:(\d+)")[1])
        assert router.stop() == 0
        assert "Traceback" not in router.text


def who(url: str, auth: Credential, tls: Tls) -> tuple[str, str]:
    """Join, and return who the router says we are: the method and the authid."""
    with connect(url, auth=auth, tls=tls, timeout=DEADLINE, connect_timeout=DEADLINE) as client:
        while len(sessions := client.call("wamp.session.list")) > 1:
            pass  # the one before may be leaving
        details = client.call("wamp.session.get", sessions[0])
        return details["authmethod"], details["authid"]


@pytest.mark.parametrize("form", FORMS, ids=["rss", "wss"])
def test_a_certificate_that_is_known_joins(form: str, authority: Authority, tmp_path: Path) -> None:
    """It is known by its fingerprint; who has signed it does not matter."""
    (tmp_path / "unknown").mkdir()
    certificate, key = Authority(tmp_path / "unknown").issue_pair("till")
    tls = Tls(ca=authority.file, certificate=certificate, key=key)
    with sealed(authority, rules(tmp_path, fingerprint(certificate))) as port:
        url = form.format(port)
        assert who(url, ClientCertificate(), tls) == ("tls", "till")
        assert who(url, ClientCertificate("till"), tls) == ("tls", "till")
        # To show one hinders nobody from joining in another way.
        assert who(url, Ticket("lamp", TICKET), tls) == ("ticket", "lamp")
        with pytest.raises(RouterRefused, match="certificate was not accepted"):
            who(url, ClientCertificate("lamp"), tls)
        stranger = Tls(ca=authority.file, certificate=authority.issue("till"))
        with pytest.raises(RouterRefused, match="certificate was not accepted"):
            who(url, ClientCertificate(), stranger)
        with pytest.raises(UsageError, match="needs one; give tls="):
            who(url, ClientCertificate(), Tls(ca=authority.file))


@pytest.mark.parametrize("form", FORMS, ids=["rss", "wss"])
def test_a_name_that_an_authority_has_signed_joins(
    form: str, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "staff").mkdir()
    staff = Authority(tmp_path / "staff")
    till = Tls(ca=authority.file, certificate=staff.issue("till.example"))
    lamp = Tls(ca=authority.file, certificate=staff.issue("lamp.example"))
    forged = Tls(ca=authority.file, certificate=authority.issue("till.example"))
    expired = Tls(ca=authority.file, certificate=staff.issue("till.example", expired=True))
    file = rules(tmp_path, "CN=till.example", top=f'tls_client_ca = "{staff.file}"')
    with sealed(authority, file) as port:
        url = form.format(port)
        assert who(url, ClientCertificate(), till) == ("tls", "till")
        with pytest.raises(RouterRefused, match="certificate was not accepted"):
            who(url, ClientCertificate(), lamp)
        for wrong in (forged, expired):
            with pytest.raises(TlsFailed, match="does not take our certificate"):
                who(url, ClientCertificate(), wrong)
        # Who has none is let in, to join in another way.
        assert who(url, Ticket("lamp", TICKET), Tls(ca=authority.file)) == ("ticket", "lamp")


def test_the_command_line_joins_by_a_certificate(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue_pair("till")
    with sealed(authority, rules(tmp_path, fingerprint(certificate))) as port:
        call = ("call", "wamp.registration.lookup", "com.nothing")
        url = ("--url", f"rss://localhost:{port}", "--ca", authority.file)
        own = ("--authmethod", "tls", "--cert", certificate, "--cert-key", key)
        done = wampapp(*call, *url, *own)
        assert (done.stdout, done.stderr, done.returncode) == ("null\n", "", 0)
        done = wampapp(*call, *url, "--authmethod", "tls")
        assert done.returncode == 2
        assert "Joining by a client certificate needs one" in done.stderr
        by_variables = environment(
            WAMPAPP_AUTHMETHOD="tls", WAMPAPP_CERT=str(certificate), WAMPAPP_CERT_KEY=str(key)
        )
        done = wampapp(*call, *url, env=by_variables)
        assert (done.stdout, done.stderr, done.returncode) == ("null\n", "", 0)


# Channel binding.


@pytest.mark.parametrize("form", FORMS, ids=["rss", "wss"])
@pytest.mark.parametrize("binding", BINDINGS)
def test_a_signature_is_bound_to_its_connection(
    binding: str, form: str, authority: Authority, tmp_path: Path
) -> None:
    bound = Cryptosign("till", SEED, channel_binding=binding)
    tls = Tls(ca=authority.file)
    inside = ssl.create_default_context(cafile=authority.file)
    with (
        sealed(authority, rules(tmp_path)) as port,
        # Somebody in between, whose certificate is trusted too.
        TlsDoor(authority.issue("localhost"), port, onward=inside) as between,
    ):
        assert who(form.format(port), bound, tls) == ("cryptosign", "till")
        free = Cryptosign("till", SEED)
        assert who(form.format(between.port), free, tls) == ("cryptosign", "till")
        with pytest.raises(RouterRefused, match="The credential was not accepted"):
            who(form.format(between.port), bound, tls)


def test_without_tls_a_bound_signature_is_not_given(
    embedded: EmbeddedRouter, authority: Authority, tmp_path: Path
) -> None:
    bound = Cryptosign("till", SEED, channel_binding="tls-exporter")
    with EmbeddedRouter(0, "--config", rules(tmp_path)) as router:
        with pytest.raises(RouterRefused, match=r"needs TLS; give a wss:// or rss:// URL"):
            who(router.rs_url, bound, Tls())
        # What ends TLS in front of the router cannot speak for it.
        with TlsDoor(authority.issue("localhost"), router.port) as door:
            url = f"rss://localhost:{door.port}"
            with pytest.raises(RouterRefused, match="not know the channel binding tls-exporter"):
                who(url, bound, Tls(ca=authority.file))


def test_a_component_of_autobahn_is_bound(authority: Authority, tmp_path: Path) -> None:
    with sealed(authority, rules(tmp_path)) as port:
        command = [sys.executable, FOLDER / "bound_component.py", str(port), authority.file, SEED]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert "joined as till\n" in done.stdout, done.stderr


@pytest.mark.both_routers
def test_crossbar_takes_a_signature_that_is_bound(
    authority: Authority, new_crossbar: Callable[..., Crossbar]
) -> None:
    certificate, key = authority.issue_pair("localhost")
    node = node_configuration("realm1", "127.0.0.1")
    (worker,) = node["workers"]
    transport = worker["transports"][0]
    transport["endpoint"]["tls"] = {"certificate": str(certificate), "key": str(key)}
    principals = {"till": {"authorized_keys": [public_key(SEED)], "role": "anonymous"}}
    for part in (transport["websocket"]["ws"], transport["rawsocket"]):
        part["auth"] = {"cryptosign": {"type": "static", "principals": principals}}
    with new_crossbar(config=node) as crossbar:
        for form in FORMS:
            bound = Cryptosign("till", SEED, channel_binding="tls-unique")
            found = who(form.format(crossbar.port), bound, Tls(ca=authority.file))
            assert found == ("cryptosign", "till")
