"""`wampapp crossbar`: the configuration that it writes is checked, started and joined for real."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.ports import free_port
from tests.support.process import DEADLINE, ROOT, Wampapp, environment, wampapp
from tests.support.tls import Authority
from wampapp import (
    App,
    ConnectedClient,
    Cryptosign,
    RouterRefused,
    Ticket,
    Tls,
    Wampcra,
    WampError,
    connect,
)
from wampapp.protocol.credentials import Credential

pytestmark = [pytest.mark.processes, pytest.mark.crossbar, pytest.mark.slow]

SHOP = ROOT / "tests" / "programs" / "deploy" / "shop.py"
SECRETS = {"SHOP_SERVICE_SECRET": "secret-Grüße", "SHOP_CLIENT_TICKET": "ticket-Grüße"}


class Node:
    """A folder with a node's configuration, and what is typed there."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()

    def typed(self, *words: str | Path, code: int = 0, **env: str) -> str:
        done = wampapp("crossbar", *words, cwd=self.folder, env=environment(**{**SECRETS, **env}))
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    @property
    def config(self) -> Path:
        return self.folder / ".crossbar" / "config.yaml"

    @contextmanager
    def running(self) -> Iterator[Wampapp]:
        env = environment(**SECRETS)
        with Wampapp("crossbar", "start", cwd=self.folder, env=env) as process:
            process.until("NODE_BOOT_COMPLETE", 2 * DEADLINE)
            yield process

    def join(self, auth: Credential | None, scheme: str = "rs", **options: Tls) -> ConnectedClient:
        path = "/ws" if scheme.startswith("ws") else ""
        url = f"{scheme}://127.0.0.1:{self.port}{path}"
        return connect(url, "realm1", auth=auth, timeout=DEADLINE, **options)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    node = Node(tmp_path)
    said = node.typed("init", SHOP, "--port", str(node.port))
    assert said == (
        "wrote  .crossbar/config.yaml\n"
        "Set SHOP_SERVICE_SECRET and SHOP_CLIENT_TICKET, and run 'wampapp crossbar start'.\n"
    )
    return node


def test_who_joins_and_what_each_may_do(node: Node) -> None:
    assert node.typed("check", SHOP) == (
        ".crossbar/config.yaml is valid, and some role may register each of 2 procedures.\n"
    )
    with node.running() as process:
        service = ("--authmethod", "wampcra", "--authid", "service")
        env = environment(WAMPAPP_SECRET=SECRETS["SHOP_SERVICE_SECRET"])
        url = f"rs://127.0.0.1:{node.port}"
        with Wampapp("run", SHOP, "--url", url, *service, cwd=node.folder, env=env) as shop:
            shop.until("Press Ctrl-C", DEADLINE)
            with node.join(Ticket("client", SECRETS["SHOP_CLIENT_TICKET"]), "ws") as client:
                assert client.call("com.shop.slow", 0) == "done"
                with pytest.raises(WampError, match="not_authorized"):
                    client.call("wamp.session.list")
                with pytest.raises(WampError, match="not_authorized"):
                    client.register("com.shop.other", lambda: None)
                with pytest.raises(WampError, match="not_authorized"):
                    client.subscribe("com.shop.anything", print)
        with node.join(Wampcra("service", SECRETS["SHOP_SERVICE_SECRET"])) as other:
            with pytest.raises(WampError, match="not_authorized"):
                other.register("com.elsewhere.procedure", lambda: None)
            # 2 MB go through; the limit is 16 MiB.
            other.register("com.shop.echo", lambda text: f"{text}!")
            assert len(other.call("com.shop.echo", "x" * 2_000_000)) == 2_000_001
        for wrong in (
            None,
            Wampcra("service", "wrong"),
            Wampcra("nobody", "wrong"),
            Ticket("client", "wrong"),
        ):
            with pytest.raises(RouterRefused):
                node.join(wrong)
        assert process.stop() == 0
        assert not any(secret in process.text for secret in SECRETS.values())


def test_tls_and_keys(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue_pair("127.0.0.1")
    seed = Ed25519PrivateKey.generate()
    public = seed.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    private = seed.private_bytes(
        serialization.Encoding.Raw,
        serialization.PrivateFormat.Raw,
        serialization.NoEncryption(),
    )
    node = Node(tmp_path)
    words = ("--tls-cert", certificate, "--tls-key", key, "--public-key", public.hex())
    node.typed("init", SHOP, "--port", str(node.port), *words)
    node.typed("check", SHOP)
    with node.running():
        tls = Tls(ca=str(authority.file))
        for scheme in ("rss", "wss"):
            with node.join(Cryptosign("service", private.hex()), scheme, tls=tls) as client:
                assert client.call("wamp.session.count") == 1
        other = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.Raw,
            serialization.PrivateFormat.Raw,
            serialization.NoEncryption(),
        )
        with pytest.raises(RouterRefused):
            node.join(Cryptosign("service", other.hex()), "rss", tls=tls)


def test_what_no_role_may_do_is_found(node: Node) -> None:
    text = node.config.read_text()
    assert text.startswith("# Written by wampapp; changes by hand are noticed. ")
    node.config.write_text(text.replace('uri: "com.shop."', 'uri: "com.shop.slow"'))
    found = wampapp("crossbar", "check", SHOP, cwd=node.folder, env=environment(**SECRETS))
    assert (found.returncode, found.stdout) == (1, "No role may register com.shop.process.\n")
    assert found.stderr == "Error: 1 thing that the apps do would be refused.\n"


def test_mistakes(node: Node) -> None:
    assert node.typed("check", SHOP, code=2, SHOP_CLIENT_TICKET="") == (
        "Error: .crossbar/config.yaml takes secrets from variables that are not set: "
        "SHOP_CLIENT_TICKET.\n"
    )
    assert "that are not set: SHOP_SERVICE_SECRET" in node.typed(
        "start", code=2, SHOP_SERVICE_SECRET=""
    )
    assert "There is no configuration in 'absent'" in node.typed(
        "start", "--cbdir", "absent", code=2
    )
    assert "TLS takes both" in node.typed("init", SHOP, "--tls-cert", "a", code=2)
    assert "'xyz' is not a public key" in node.typed("init", SHOP, "--public-key", "xyz", code=2)
    assert "absent.py" in node.typed("init", "absent.py", code=2)
    node.config.write_text(node.config.read_text().replace("type: router", "type: rooter"))
    said = node.typed("check", SHOP, code=2)
    assert said.startswith("Error: Crossbar.io says that the configuration is not valid: ")
    assert "rooter" in said
    assert said.count("\n") == 1
    # What was changed by hand is kept.
    refused = node.typed("init", SHOP, "--port", str(node.port), code=1)
    assert "Changed by hand: .crossbar/config.yaml; nothing was written." in refused


def test_uris_beyond_the_prefix() -> None:
    from wampapp.cli.crossbar.checking import refused
    from wampapp.cli.crossbar.configuration import Offer

    app = App(prefix="com.shop")

    @app.register("org.else.<name>.price")
    def price(name: str) -> int:
        return len(name)

    @app.subscribe("org.else.news")
    async def news() -> None: ...

    offer = Offer()
    offer.add(app)
    assert offer.procedures == [("wildcard", "org.else..price")]

    def config(uri: str, match: str, *verbs: str) -> dict[str, object]:
        permission = {"uri": uri, "match": match, "allow": dict.fromkeys(verbs, True)}
        return {"workers": [{"realms": [{"roles": [{"permissions": [permission]}]}]}]}

    both = ["No role may register org.else..price.", "No role may subscribe to org.else.news."]
    assert refused(config("com.shop.", "prefix", "register", "subscribe"), offer) == both
    assert refused(config("org.", "prefix", "register", "subscribe"), offer) == []
    assert refused(config("org.else..price", "wildcard", "register"), offer) == both[1:]
    assert refused(config("org.else.news", "exact", "subscribe"), offer) == both[:1]
