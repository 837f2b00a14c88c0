"""Autobahn's and AutobahnJS's clients at our own router, with each credential that they have."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.credentials import PASSWORD, SECRET, SEED, TICKET, WRONG, WRONG_SEED
from tests.support.node import NodePeer
from tests.support.peer import Peer, PeerGoneError
from tests.support.process import EmbeddedRouter
from tests.support.stock import ComponentPeer
from wampapp.crossbar import Progress

Start = Callable[[str, str, str], Peer]

SECRETS = {
    "ticketed": ("ticket", TICKET, WRONG),
    "shared": ("wampcra", SECRET, WRONG),
    "salted": ("wampcra", SECRET, WRONG),
    "argon2": ("scram", PASSWORD, WRONG),
    "signing": ("cryptosign", SEED, WRONG_SEED),
}
#: What Autobahn calls the secret.
KEYS = {"ticket": "ticket", "wampcra": "secret", "scram": "password", "cryptosign": "privkey"}
CASES = [
    (kind, name)
    for kind in ("autobahn", "autobahn-js")
    for name in SECRETS
    if (kind, name) != ("autobahn-js", "argon2")  # it has no SCRAM
]


@pytest.fixture
def start(guarded_embedded: EmbeddedRouter, progress: Progress) -> Callable[..., Peer]:
    """Makes a client of a kind, with a credential."""

    def start(kind: str, method: str, authid: str, secret: str) -> Peer:
        url = guarded_embedded.ws_url
        if kind == "autobahn-js":
            auth = {"method": method, "authid": authid, "secret": secret}
            return NodePeer(url, "realm1", progress, auth)
        given: dict[str, Any] = {"authid": authid, KEYS[method]: secret}
        if method == "cryptosign":
            given["authextra"] = {"channel_binding": None}
        return ComponentPeer(url, "realm1", {method: given})

    return start


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_who_proves_it_joins(start: Callable[..., Peer], kind: str, name: str) -> None:
    method, secret, _ = SECRETS[name]
    with start(kind, method, name, secret) as peer:
        about = peer.call("wamp.session.get", peer.session).args[0]
    assert (about["authid"], about["authrole"], about["authmethod"]) == (name, "member", method)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_who_does_not_prove_it_is_refused(start: Callable[..., Peer], kind: str, name: str) -> None:
    method, _, wrong = SECRETS[name]
    with pytest.raises(PeerGoneError, match="authentication_failed"):
        with start(kind, method, name, wrong):
            pass
