"""How a realm's principals prove who they are, on the router's sans-I/O core."""

import dataclasses
import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.credentials import PASSWORD, SECRET, SEED, TICKET, WRONG, WRONG_SEED, public_key
from tests.support.links import ROLES, Client, Refused
from wampapp.config.access import Permission, Principal, RealmConfig, Role, RouterConfig
from wampapp.errors import AUTHENTICATION_FAILED, PROTOCOL_VIOLATION, RouterRefused
from wampapp.protocol.credentials import Anonymous, Credential, Cryptosign, Scram, Ticket, Wampcra
from wampapp.protocol.exchanges import ScramExchange
from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey
from wampapp.protocol.messages import ABORT, AUTHENTICATE, CALL, CHALLENGE, HELLO, WELCOME
from wampapp.router.access.policy import NO_MATCHING_AUTH_METHOD
from wampapp.router.router import Router

if TYPE_CHECKING:
    from collections.abc import Callable

PRINCIPALS = (
    Principal("ticketed", "member", ticket=TicketHash.of(TICKET)),
    Principal("shared", "member", wampcra=WampcraKey.plain(SECRET)),
    Principal("salted", "member", wampcra=WampcraKey.of(SECRET)),
    Principal("pbkdf2", "member", scram=ScramKeys.of(PASSWORD)),
    Principal("argon2", "member", scram=ScramKeys.of(PASSWORD, "argon2id-13")),
    Principal("signing", "member", cryptosign=[public_key(SEED)]),
)
MEMBER = Role("member", [Permission("com.", match="prefix", allow=["call"])])

RIGHT: dict[str, Credential] = {
    "ticketed": Ticket("ticketed", TICKET),
    "shared": Wampcra("shared", SECRET),
    "salted": Wampcra("salted", SECRET),
    "pbkdf2": Scram("pbkdf2", PASSWORD),
    "argon2": Scram("argon2", PASSWORD),
    "signing": Cryptosign("signing", SEED),
}
WRONG_ONES: dict[str, Credential] = {
    "ticketed": Ticket("ticketed", WRONG),
    "shared": Wampcra("shared", WRONG),
    "salted": Wampcra("salted", WRONG),
    "pbkdf2": Scram("pbkdf2", WRONG),
    "argon2": Scram("argon2", WRONG),
    "signing": Cryptosign("signing", WRONG_SEED),
}


def router_of(*principals: Principal, **more: Any) -> Router:
    realm = RealmConfig("realm1", [MEMBER], principals, **more)
    return Router("test", config=RouterConfig([realm]))


def refused(router: Router, credential: Credential) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        Client(router, credential=credential)
    return caught.value.reason, caught.value.text


@pytest.mark.parametrize("name", RIGHT)
def test_who_proves_it_joins(name: str) -> None:
    client = Client(router_of(*PRINCIPALS), credential=RIGHT[name])
    assert client.details["authid"] == name
    assert client.details["authrole"] == "member"
    assert client.details["authmethod"] == RIGHT[name].method
    assert client.ask(CALL, {}, "org.x")[4] == "wamp.error.not_authorized"
    assert client.ask(CALL, {}, "com.x")[4] == "wamp.error.no_such_procedure"


@pytest.mark.parametrize("name", WRONG_ONES)
def test_who_does_not_prove_it_is_refused(name: str) -> None:
    found = refused(router_of(*PRINCIPALS), WRONG_ONES[name])
    assert found == (AUTHENTICATION_FAILED, "The credential was not accepted.")


@pytest.mark.parametrize("name", RIGHT)
def test_who_is_unknown_is_refused_as_who_is_wrong(name: str) -> None:
    # The realm has one principal only, so that it is clear whom the stranger is taken for.
    (principal,) = (one for one in PRINCIPALS if one.authid == name)
    router = router_of(principal)
    stranger = dataclasses.replace(RIGHT[name], authid="stranger")
    assert refused(router, stranger) == refused(router, WRONG_ONES[name])


class Bare(Client):
    """A client that has said nothing yet."""

    def _join(self, *_nothing: Any) -> list[Any]:
        return [WELCOME, 0, {}]

    def hello(self, **details: Any) -> list[Any]:
        """Send a HELLO and return the answer."""
        self.say(HELLO, "realm1", {"roles": ROLES, **details})
        return self.heard()

    def ask(self, code: int, *rest: Any) -> list[Any]:
        """Send a message and return the answer."""
        self.say(code, *rest)
        return self.heard()


def challenge_of(router: Router, credential: Credential, authid: str) -> dict[str, Any]:
    """Ask for a challenge, and return what it carries."""
    extra = credential.begin().extra
    answer = Bare(router).hello(authmethods=[credential.method], authid=authid, authextra=extra)
    assert answer[:2] == [CHALLENGE, credential.method]
    return dict(answer[2])


@pytest.mark.parametrize("name", RIGHT)
def test_a_challenge_does_not_tell_who_is_known(name: str) -> None:
    (principal,) = (one for one in PRINCIPALS if one.authid == name)
    router = router_of(principal)

    def seen(authid: str) -> dict[str, Any]:
        extra = challenge_of(router, RIGHT[name], authid)
        extra.pop("nonce", None)
        extra.pop("challenge", None)
        return extra

    # What differs each time is cut out: then the same is seen each time somebody asks.
    assert seen("stranger") == seen("stranger")
    known, unknown = seen(name), seen("stranger")
    assert (known.pop("salt", None) == unknown.pop("salt", None)) is ("salt" not in seen(name))
    assert known == unknown


def test_a_stranger_is_shown_a_method_that_somebody_has() -> None:
    router = router_of(*PRINCIPALS)
    offered = ["ticket", "wampcra", "scram", "cryptosign"]
    found = set()
    for number in range(60):
        credential = Scram(f"stranger{number}", PASSWORD)
        client = Bare(router)
        extra = {**credential.begin().extra, "pubkey": public_key(SEED)}
        answer = client.hello(authmethods=offered, authid=credential.authid, authextra=extra)
        assert answer[0] == CHALLENGE
        found.add(answer[1])
    assert found == set(offered)


@pytest.mark.parametrize("method", ["ticket", "wampcra", "scram", "cryptosign"])
def test_everybody_is_shown_a_method_that_somebody_has(method: str) -> None:
    router = router_of(*PRINCIPALS)
    for authid in [*RIGHT, "stranger"]:
        answer = Bare(router).hello(
            authmethods=[method], authid=authid, authextra={"nonce": "x", "pubkey": "y"}
        )
        assert answer[:2] == [CHALLENGE, method]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ticketed", "pbkdf2", "salted", "signing"])
def test_it_takes_no_longer_to_refuse_who_is_known(name: str) -> None:
    (principal,) = (one for one in PRINCIPALS if one.authid == name)
    router = router_of(principal)
    times: dict[str, list[float]] = {name: [], "stranger": []}

    def differ() -> bool:
        known, unknown = (min(taken) for taken in times.values())
        return abs(known - unknown) >= max(statistics.median(times[name]) / 2, 0.0005)

    while len(times[name]) < 15 or (differ() and len(times[name]) < 150):
        for authid, taken in times.items():
            client = Bare(router)
            extra = RIGHT[name].begin().extra
            method = RIGHT[name].method
            start = time.perf_counter()
            client.hello(authmethods=[method], authid=authid, authextra=extra)
            assert client.ask(AUTHENTICATE, "00" * 96, {})[0] == ABORT
            taken.append(time.perf_counter() - start)
    assert not differ(), times  # however often it is tried, if other programs get in between


# The ways to say who one is.


def test_a_key_tells_who_joins() -> None:
    client = Client(router_of(*PRINCIPALS), credential=Cryptosign(key=SEED))
    assert client.details["authid"] == "signing"


def test_a_key_is_of_nobody_else() -> None:
    other = Principal("other", "member", cryptosign=[public_key(WRONG_SEED)])
    router = router_of(*PRINCIPALS, other)
    assert refused(router, Cryptosign("other", SEED))[0] == AUTHENTICATION_FAILED


def test_a_role_that_is_asked_for_changes_nothing() -> None:
    credential = dataclasses.replace(RIGHT["ticketed"], authrole="admin")
    assert Client(router_of(*PRINCIPALS), credential=credential).details["authrole"] == "member"


def test_anonymous_sessions_are_let_in_where_they_have_a_role() -> None:
    client = Client(router_of(*PRINCIPALS, anonymous="member"))
    assert client.details["authrole"] == "member"
    # It has not proved that it is anybody.
    client = Client(router_of(*PRINCIPALS, anonymous="member"), credential=Anonymous("ticketed"))
    assert client.details["authid"] != "ticketed"


def test_anonymous_sessions_are_refused_where_they_have_none() -> None:
    assert refused(router_of(*PRINCIPALS), Anonymous()) == (
        NO_MATCHING_AUTH_METHOD,
        "The realm takes ticket, wampcra, wamp-scram, scram, cryptosign with an authid.",
    )


def test_the_first_method_that_somebody_may_use_is_taken() -> None:
    router = router_of(*PRINCIPALS, anonymous="member")
    both = ["wampcra", "ticket", "anonymous"]
    assert Bare(router).hello(authmethods=both, authid="ticketed")[1] == "ticket"
    assert Bare(router).hello(authmethods=["nonsense", 7, "anonymous"])[0] == WELCOME
    assert Bare(router).hello(authmethods=["anonymous", "ticket"], authid="ticketed")[0] == WELCOME
    # Without a name it cannot be a ticket.
    assert Bare(router).hello(authmethods=["ticket", "anonymous"])[0] == WELCOME
    assert Bare(router).hello(authmethods=["ticket"])[0] == ABORT


@pytest.mark.parametrize("authextra", [{}, {"nonce": 7}, {"nonce": "a,b"}, {"nonce": "x" * 999}, 7])
def test_scram_needs_a_nonce(authextra: Any) -> None:
    answer = Bare(router_of(*PRINCIPALS)).hello(
        authmethods=["scram"], authid="pbkdf2", authextra=authextra
    )
    assert answer == [ABORT, {"message": "HELLO has no nonce for SCRAM."}, AUTHENTICATION_FAILED]


@pytest.mark.parametrize(
    ("method", "authid", "signature"),
    [
        ("ticket", "ticketed", ""),
        ("ticket", "ticketed", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")),
        ("wampcra", "salted", "ß" * 10_000),
        ("scram", "pbkdf2", "not Base64"),
        ("scram", "pbkdf2", "AAAA"),
        ("cryptosign", "signing", "00" * 96),
        ("cryptosign", "signing", "zz" * 96),
    ],
)
def test_any_signature_may_come(method: str, authid: str, signature: str) -> None:
    client = Bare(router_of(*PRINCIPALS))
    extra = {"nonce": "abc", "pubkey": public_key(SEED)}
    assert client.hello(authmethods=[method], authid=authid, authextra=extra)[0] == CHALLENGE
    answer = client.ask(AUTHENTICATE, signature, {"nonce": 7})
    assert answer == [
        ABORT,
        {"message": "The credential was not accepted."},
        AUTHENTICATION_FAILED,
    ]
    assert client.closed


def test_nothing_is_signed_twice() -> None:
    router = router_of(*PRINCIPALS)
    first, second = Bare(router), Bare(router)
    exchange = RIGHT["signing"].begin()
    hello = {"authmethods": ["cryptosign"], "authid": "signing", "authextra": exchange.extra}
    signature, extra = exchange.answer(*first.hello(**hello)[1:])
    second.hello(**hello)
    assert second.ask(AUTHENTICATE, signature, extra)[0] == ABORT
    assert first.ask(AUTHENTICATE, signature, extra)[0] == WELCOME


@pytest.mark.parametrize(
    "message", [[HELLO, "realm1", {"roles": ROLES}], [CALL, 1, {}, "com.x"]], ids=["hello", "call"]
)
def test_a_challenge_is_answered_by_nothing_else(message: list[Any]) -> None:
    client = Bare(router_of(*PRINCIPALS))
    client.hello(authmethods=["ticket"], authid="ticketed")
    assert client.ask(*message)[::2] == [ABORT, PROTOCOL_VIOLATION]


def test_nobody_authenticates_without_a_challenge() -> None:
    client = Bare(router_of(*PRINCIPALS))
    assert client.ask(AUTHENTICATE, TICKET, {})[::2] == [ABORT, PROTOCOL_VIOLATION]


# The router proves itself in turn.


@pytest.mark.parametrize("name", ["pbkdf2", "argon2"])
def test_a_router_that_does_not_know_the_password_is_found_out(name: str) -> None:
    (principal,) = (one for one in PRINCIPALS if one.authid == name)
    assert principal.scram is not None
    keys = dataclasses.replace(principal.scram, crossbar_server=b"x" * 32)
    with pytest.raises(RouterRefused, match="did not prove that it knows us"):
        Client(router_of(dataclasses.replace(principal, scram=keys)), credential=RIGHT[name])


class StrictExchange(ScramExchange):
    """SCRAM by the letter of the specification, written from it."""

    def _answer(self, extra: dict[str, Any], /) -> tuple[str, dict[str, Any]]:
        import base64
        import hashlib
        import hmac

        from argon2.low_level import Type, hash_secret_raw

        nonce, salt, rounds = extra["nonce"], base64.b64decode(extra["salt"]), extra["iterations"]
        if extra["kdf"] == "pbkdf2":
            salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, rounds)
        else:
            salted = hash_secret_raw(
                PASSWORD.encode(), salt, rounds, extra["memory"], 1, 32, Type.ID, version=0x13
            )
        name = self._authid.replace("=", "=3D").replace(",", "=2C")
        said = (
            f"n={name},r={self._nonce},r={nonce},s={extra['salt']},i={rounds},c=biws,r={nonce}"
        ).encode()
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        stamp = hmac.digest(hashlib.sha256(client_key).digest(), said, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, stamp, strict=True))
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), said, "sha256")
        return base64.b64encode(proof).decode(), {"nonce": nonce, "channel_binding": None}


@pytest.mark.parametrize("kdf", ["pbkdf2", "argon2id-13"])
def test_scram_is_spoken_by_the_specification_too(kdf: str) -> None:
    authid = "a=b,c"  # escaped there, and nowhere else
    router = router_of(Principal(authid, "member", scram=ScramKeys.of(PASSWORD, kdf)))
    exchange = StrictExchange("wamp-scram", authid, PASSWORD)
    client = Bare(router)
    _, method, extra = client.hello(
        authmethods=["wamp-scram", "scram"], authid=authid, authextra=exchange.extra
    )
    assert method == "wamp-scram"
    code, _, details = client.ask(AUTHENTICATE, *exchange.answer(method, extra))
    assert code == WELCOME
    assert details["authextra"].keys() == {"verifier"}
    exchange.verify(details)
    assert Client(router, credential=Scram(authid, PASSWORD)).details["authmethod"] == "scram"


# Work that takes long.


def test_a_secret_is_checked_aside_and_the_session_waits() -> None:
    waiting: list[Callable[[], None]] = []
    realm = RealmConfig("realm1", [MEMBER], PRINCIPALS)
    router = Router(
        "test",
        config=RouterConfig([realm]),
        aside=lambda work, done: waiting.append(lambda: done(work())),
    )
    staying, going, rude = Bare(router), Bare(router), Bare(router)
    for client in (staying, going, rude):
        client.hello(authmethods=["ticket"], authid="ticketed")
        client.say(AUTHENTICATE, TICKET, {})
        assert client.inbox == []
    going.leave()
    assert rude.ask(AUTHENTICATE, TICKET, {})[::2] == [ABORT, PROTOCOL_VIOLATION]
    for finish in waiting:
        finish()
    assert staying.heard()[0] == WELCOME
    assert going.inbox == rude.inbox == []
    assert list(router.realms["realm1"].sessions.values()) == [staying.session]
