"""`wampapp router --tls-cert` and `run --tls-cert`: TLS at the router's own port."""

import http.client
import ssl
from pathlib import Path

import pytest

from tests.support.process import DEADLINE, Wampapp, wampapp
from tests.support.tls import Authority
from wampapp import RouterUnreachable, Tls, TlsFailed, connect

pytestmark = pytest.mark.processes


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_both_transports_and_the_page_speak_tls(authority: Authority) -> None:
    certificate = authority.issue("127.0.0.1")
    with Wampapp("router", "--port", "0", "--tls-cert", certificate) as router:
        port = int(router.until(r"RawSocket +rss://127\.0\.0\.1:(\d+)")[1])
        router.until(rf"WebSocket +wss://127\.0\.0\.1:{port}/ws")
        tls = Tls(ca=authority.file)
        with (
            connect(f"rss://127.0.0.1:{port}", tls=tls) as service,
            connect(f"wss://127.0.0.1:{port}/ws", tls=tls) as client,
        ):
            service.register("com.tls.echo", lambda value: value)
            for value in ("ü", "x" * 300_000):
                assert client.call("com.tls.echo", value) == value
        context = ssl.create_default_context(cafile=authority.file)
        link = http.client.HTTPSConnection("127.0.0.1", port, timeout=DEADLINE, context=context)
        link.request("GET", "/")
        page = link.getresponse().read().decode()
        assert f"wss://127.0.0.1:{port}/ws" in page
        link.close()
        assert router.stop() == 0


def test_who_does_not_trust_it_or_speaks_without_is_told(authority: Authority) -> None:
    certificate, key = authority.issue_pair("127.0.0.1")
    files = ("--tls-cert", certificate, "--tls-key", key)
    with Wampapp("router", "--port", "0", *files) as router:
        port = int(router.until(r"RawSocket +rss://127\.0\.0\.1:(\d+)")[1])
        with pytest.raises(TlsFailed):
            connect(f"rss://127.0.0.1:{port}")
        for url in (f"rs://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws"):
            with pytest.raises(RouterUnreachable):
                connect(url, connect_timeout=1.0)
        assert router.stop() == 0
        assert "Traceback" not in router.text


def test_a_renewed_certificate_is_shown_and_a_wrong_one_is_not(
    authority: Authority, tmp_path: Path
) -> None:
    certificate = authority.issue("127.0.0.1")
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    with Wampapp("router", "--port", "0", "--tls-cert", certificate) as router:
        port = int(router.until(r"RawSocket +rss://127\.0\.0\.1:(\d+)")[1])
        url, tls = f"rss://127.0.0.1:{port}", Tls(ca=authority.file)
        with connect(url, tls=tls) as first:
            certificate.write_text("nonsense")
            with connect(url, tls=tls):
                router.until("The router keeps the certificate that it has: .* no certificate")
            certificate.write_bytes(other.issue("127.0.0.1").read_bytes())
            with connect(url, tls=Tls(ca=other.file)) as second:
                router.until(f"The router has a new certificate, from {certificate}")
                second.register("com.tls.one", lambda: 1)
                assert first.call("com.tls.one") == 1  # who has joined stays
            with pytest.raises(TlsFailed):
                connect(url, tls=tls)
        assert router.stop() == 0


def test_an_app_carries_a_router_with_tls(authority: Authority) -> None:
    certificate = authority.issue("127.0.0.1")
    with Wampapp("run", "examples/hello.py", "--port", "0", "--tls-cert", certificate) as service:
        port = int(service.until(r"rss://127\.0\.0\.1:(\d+)")[1])
        with connect(f"rss://127.0.0.1:{port}", tls=Tls(ca=authority.file)) as client:
            assert client.call("com.example.add", 1, 2) == 3
        assert service.stop() == 0


def test_a_mistake_is_one_sentence(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue_pair("127.0.0.1")
    (tmp_path / "b").mkdir()
    _, foreign = Authority(tmp_path / "b").issue_pair("127.0.0.1")
    for options, sentence in (
        (["--tls-cert", tmp_path / "none.pem"], "none.pem cannot be read"),
        (["--tls-cert", key], "contains no certificate"),
        (["--tls-cert", certificate], "contains no private key"),
        (["--tls-cert", certificate, "--tls-key", foreign], "does not belong to the certificate"),
        (["--tls-key", key], "needs a certificate; give --tls-cert"),
    ):
        done = wampapp("router", "--port", "0", *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
    done = wampapp("run", "examples/hello.py", "--workers", "2", "--tls-cert", certificate)
    assert done.returncode == 2
    assert "start one with 'wampapp router --tls-cert …', and name it with --url" in done.stderr
