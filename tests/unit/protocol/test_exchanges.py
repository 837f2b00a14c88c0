"""What is said in a join: which challenges are answered, and which are refused."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.credentials import (
    PASSWORD,
    RIGHT,
    SECRET,
    SEED,
    TICKET,
    derived,
)
from tests.support.names import shown
from tests.support.refusals import refused, spoken
from wampapp.errors import RouterRefused, UsageError
from wampapp.protocol.credentials import (
    Anonymous,
    Credential,
    Cryptosign,
    Scram,
    Ticket,
    Wampcra,
)

EACH = pytest.mark.parametrize("credential", [Anonymous("any"), *RIGHT.values()], ids=repr)


def test_joining_as_nobody_has_no_answer_to_a_challenge() -> None:
    exchange = Anonymous().begin()
    assert exchange.extra == {}
    exchange.verify({})
    assert refused(lambda: exchange.answer("anonymous", {})) == (
        "The router sent a challenge, and 'anonymous' has no answer to one."
    )


def test_a_ticket_is_sent_as_it_is() -> None:
    exchange = Ticket("a", TICKET).begin()
    assert exchange.extra == {}
    assert exchange.answer("ticket", {"anything": 1}) == (TICKET, {})
    exchange.verify({})


@EACH
def test_a_method_that_was_not_offered_is_refused(credential: Credential) -> None:
    for method in ("ticket", "wampcra", "scram", "cryptosign", "x" * 999):
        if method != credential.method:
            exchange = credential.begin()
            said = refused(lambda exchange=exchange, method=method: exchange.answer(method, {}))
            assert len(said) < 200
            assert said.endswith(f"and {credential.method!r} was offered.")


def test_a_second_challenge_is_refused() -> None:
    credential = Ticket("a", TICKET)
    exchange = credential.begin()
    exchange.answer("ticket", {})
    assert refused(lambda: exchange.answer("ticket", {})) == "The router sent a second challenge."
    assert credential.begin().answer("ticket", {}) == (TICKET, {})  # one join knows of no other


# WAMP-CRA. The challenge is the specification's, and so are salt, length and iterations.

CHALLENGE = (
    '{ "nonce": "LHRTC9zeOIrt_9U3", "authprovider": "userdb", "authid": "peter", '
    '"timestamp": "2014-06-22T16:36:25.448Z", "authrole": "user", "authmethod": "wampcra", '
    '"session": 3251278072152162}'
)
SALTING = {"salt": "salt123", "keylen": 32, "iterations": 1000}


def wampcra(secret: str, **extra: Any) -> str:
    exchange = Wampcra("peter", secret).begin()
    assert exchange.extra == {}
    signature, more = exchange.answer("wampcra", extra)
    assert more == {}
    exchange.verify({})
    return signature


def signed(key: str, challenge: str = CHALLENGE) -> str:
    return base64.b64encode(hmac.digest(key.encode(), challenge.encode(), "sha256")).decode()


def test_wampcra_signs_the_challenge() -> None:
    assert wampcra("secret1", challenge=CHALLENGE) == "g3rbrS3LXjzaG0ZMGw5j6di+rkK5pbpkzm2R8O7LfxQ="
    # Autobahn's own vector.
    assert wampcra("L3L1YUE8Txlw", challenge="[1, 2, 3]") == (
        "1njQtmmeYO41N5EWEzD2kAjjEKRZ5kPZt/TzpYXOzR0="
    )
    assert wampcra(SECRET, challenge="Grüße") == signed(SECRET, "Grüße")
    assert wampcra(SECRET, challenge=CHALLENGE, salt=None) == signed(SECRET)


def test_wampcra_salts_the_secret() -> None:
    # The key that Crossbar.io's and Autobahn's documentation give for these.
    published = "prq7+YkJ1/KlW1X0YczMHw=="
    assert derived("secret1", "salt123", 100, 16) == published
    assert wampcra(
        "secret1", challenge=CHALLENGE, salt="salt123", iterations=100, keylen=16
    ) == signed(published)
    assert wampcra(SECRET, challenge=CHALLENGE, **SALTING) == signed(
        derived(SECRET, "salt123", 1000, 32)
    )
    assert wampcra(SECRET, challenge=CHALLENGE, salt="", iterations=1, keylen=100) == signed(
        derived(SECRET, "", 1, 100)
    )


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({}, "The router's challenge is malformed: it has no challenge."),
        ({"challenge": b"1"}, "The router's challenge is malformed: its challenge is not text."),
        (
            {"challenge": "\ud800"},
            "The router's challenge is malformed: its challenge is not valid UTF-8.",
        ),
        ({"salt": 1}, "The router's challenge is malformed: its salt is not text."),
        ({"salt": "x"}, "The router's challenge is malformed: it has no iterations."),
        (
            {"salt": "x", "iterations": True},
            "The router's challenge is malformed: its iterations is not a number.",
        ),
        (
            {**SALTING, "iterations": 10_000_001},
            (
                "The router's challenge asks for iterations outside of what is accepted, "
                "1 to 10000000."
            ),
        ),
        (
            {**SALTING, "keylen": 0},
            "The router's challenge asks for keylen outside of what is accepted, 1 to 1024.",
        ),
        (
            {**SALTING, "iterations": 9_000_000, "keylen": 1024},
            (
                "The router's challenge is malformed: its iterations and its keylen ask for too "
                "much work."
            ),
        ),
    ],
)
def test_a_malformed_wampcra_challenge_is_refused(extra: dict[str, Any], sentence: str) -> None:
    exchange = Wampcra("peter", SECRET).begin()
    extra = {"challenge": CHALLENGE, **extra} if extra and "challenge" not in extra else extra
    assert refused(lambda: exchange.answer("wampcra", extra)) == sentence


# SCRAM.


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class ScramRouter:
    """A router's side of SCRAM, as Crossbar.io has it. It knows two keys, and no password."""

    def __init__(self, stored_key: bytes, server_key: bytes, **parameters: Any) -> None:
        self.stored_key, self.server_key = stored_key, server_key
        self.parameters = parameters
        self.nonce = b""
        self.said = b""

    def challenge(self, authextra: dict[str, Any]) -> dict[str, Any]:
        assert authextra.keys() == {"nonce", "channel_binding"}
        assert authextra["channel_binding"] is None
        self.client_nonce = authextra["nonce"]
        self.nonce = base64.b64decode(self.client_nonce, validate=True) + os.urandom(16)
        return {"nonce": b64(self.nonce), **self.parameters}

    def check(self, authid: str, proof: str) -> bool:
        nonce, salt = b64(self.nonce), self.parameters["salt"]
        rounds = self.parameters["iterations"]
        self.said = (
            f"n={authid},r={self.client_nonce},r={nonce},s={salt},i={rounds},c=,r={nonce}".encode()
        )
        signature = hmac.digest(self.stored_key, self.said, "sha256")
        given = base64.b64decode(proof, validate=True)
        key = bytes(a ^ b for a, b in zip(given, signature, strict=True))
        return hashlib.sha256(key).digest() == self.stored_key

    def welcome(self) -> str:
        return b64(hmac.digest(self.server_key, self.said, "sha256"))


def pencil(**changes: Any) -> ScramRouter:
    """What a server keeps of the password of RFC 7677's example, which is `pencil`."""
    parameters = {
        "kdf": "pbkdf2",
        "salt": "W22ZaJ0SNY7soEsUEjb6gQ==",
        "iterations": 4096,
        "memory": None,
    }
    return ScramRouter(
        base64.b64decode("WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="),
        base64.b64decode("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="),
        **(parameters | changes),
    )


def argon2() -> ScramRouter:
    """What Crossbar.io keeps of the password `p4ssw0rd`."""
    # By the argon2 command line: argon2 1234567890abcdef -id -t 32 -m 9 -p 1 -l 32
    octets = "ee4a8acf9d5958354fb79a95ae20692d05e42591ba49fae85eb6700e8b0ed293"
    salted = b64(bytes.fromhex(octets)).rstrip("=").encode()
    return ScramRouter(
        hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest(),
        hmac.digest(salted, b"Server Key", "sha256"),
        kdf="argon2id-13",
        salt=b64(b"1234567890abcdef"),
        iterations=32,
        memory=512,
    )


KNOWN = pytest.mark.parametrize(
    ("make", "password"), [(pencil, "pencil"), (argon2, "p4ssw0rd")], ids=["pbkdf2", "argon2"]
)


@KNOWN
@pytest.mark.parametrize("key", ["verifier", "scram_server_signature"])
@pytest.mark.parametrize("prefix", ["", "v="])
def test_scram_proves_both_sides(
    make: Callable[[], ScramRouter], password: str, key: str, prefix: str
) -> None:
    router = make()
    exchange = Scram("user", password).begin()
    proof, more = exchange.answer("scram", router.challenge(exchange.extra))
    assert more == {"nonce": b64(router.nonce), "channel_binding": None, "cbind_data": None}
    assert router.check("user", proof)
    exchange.verify({"authextra": {key: prefix + router.welcome(), "x_cb_node": "other"}})


@KNOWN
def test_scram_with_a_wrong_password_proves_nothing(
    make: Callable[[], ScramRouter], password: str
) -> None:
    router = make()
    exchange = Scram("user", password + " ").begin()
    proof, _ = exchange.answer("scram", router.challenge(exchange.extra))
    assert not router.check("user", proof)


def test_scram_prepares_the_authid_and_leaves_commas_alone() -> None:
    for authid, prepared in {"\u2168": "IX", "a\u00adb": "ab", "a,b=c d": "a,b=c d"}.items():
        router = pencil()
        exchange = Scram(authid, "pencil").begin()
        proof, _ = exchange.answer("scram", router.challenge(exchange.extra))
        assert router.check(prepared, proof)


def test_each_scram_join_has_its_own_nonce() -> None:
    credential = Scram("user", PASSWORD)
    nonces = {credential.begin().extra["nonce"] for _ in range(20)}
    assert len(nonces) == 20
    assert {len(base64.b64decode(nonce, validate=True)) for nonce in nonces} == {24}


WRONG_SIGNATURE = "The router did not prove that it knows us: its signature is wrong."
NO_SIGNATURE = "The router did not prove that it knows us: it gave no signature."


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({}, NO_SIGNATURE),
        ({"authextra": None}, NO_SIGNATURE),
        ({"authextra": []}, NO_SIGNATURE),
        ({"authextra": {"verifier": None}}, NO_SIGNATURE),
        ({"authextra": {"verifier": b"bytes"}}, NO_SIGNATURE),
        ({"authextra": {"verifier": ""}}, WRONG_SIGNATURE),
        ({"authextra": {"verifier": "no Base64"}}, WRONG_SIGNATURE),
        ({"authextra": {"verifier": "é"}}, WRONG_SIGNATURE),
        ({"authextra": {"scram_server_signature": b64(bytes(32))}}, WRONG_SIGNATURE),
    ],
)
def test_a_router_that_does_not_know_us_is_refused(details: Any, sentence: str) -> None:
    router = pencil()
    exchange = Scram("user", "pencil").begin()
    exchange.answer("scram", router.challenge(exchange.extra))
    assert refused(lambda: exchange.verify(details)) == sentence


def test_a_signature_of_another_join_is_refused() -> None:
    router = pencil()
    for _ in range(2):
        exchange = Scram("user", "pencil").begin()
        proof, _ = exchange.answer("scram", router.challenge(exchange.extra))
        if router.said:
            details = {"authextra": {"verifier": router.welcome()}}
            assert refused(lambda: exchange.verify(details)) == WRONG_SIGNATURE  # noqa: B023
        assert router.check("user", proof)


def test_a_welcome_without_a_challenge_is_refused() -> None:
    exchange = Scram("user", PASSWORD).begin()
    assert refused(lambda: exchange.verify({"authextra": {"verifier": b64(bytes(32))}})) == (
        "The router welcomed us before we proved who we are."
    )


def accepted(name: str, lowest: int, highest: int) -> str:
    return (
        f"The router's challenge asks for {name} outside of what is accepted, {lowest} to "
        f"{highest}."
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"nonce": None}, "its nonce is not text"),
        ({"nonce": "AAAA"}, "its nonce does not begin with ours"),
        ({"salt": 7}, "its salt is not text"),
        ({"salt": "x"}, "its salt is not Base64"),
        ({"salt": "é"}, "its salt is not Base64"),
        ({"kdf": None}, "its kdf is not text"),
        ({"kdf": "md5"}, "The router asks for the key derivation 'md5', which is unknown."),
        ({"iterations": "4096"}, "its iterations is not a number"),
        ({"iterations": 4095}, accepted("iterations", 4096, 10_000_000)),
        ({"iterations": 10_000_001}, accepted("iterations", 4096, 10_000_000)),
        ({"iterations": 2**9999}, accepted("iterations", 4096, 10_000_000)),
        (
            {"channel_binding": "tls-unique"},
            "The router asks for channel binding, which was not offered.",
        ),
        ({"kdf": "argon2id-13"}, "its memory is not a number"),
        ({"kdf": "argon2id-13", "memory": 7}, accepted("memory", 8, 1_048_576)),
        ({"kdf": "argon2id-13", "memory": 2**40}, accepted("memory", 8, 1_048_576)),
        ({"kdf": "argon2id-13", "memory": 2**20}, accepted("iterations", 1, 32)),
        (
            {"kdf": "argon2id-13", "memory": 8, "iterations": 1023},
            (
                "The router asks for a hash of the password with 1023 iterations in 8 KiB, from "
                "which the password would be guessed too soon."
            ),
        ),
        ({"kdf": "argon2id-13", "memory": 8, "salt": "AAAA"}, "its salt is too short"),
    ],
)
def test_a_malformed_scram_challenge_is_refused(changes: dict[str, Any], sentence: str) -> None:
    exchange = Scram("user", PASSWORD).begin()
    challenge = pencil().challenge(exchange.extra) | changes
    if not sentence.endswith("."):
        sentence = f"The router's challenge is malformed: {sentence}."
    assert refused(lambda: exchange.answer("scram", challenge)) == sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"iterations": 4096},
        {"salt": "", "iterations": 4096},
        {"kdf": "argon2id-13", "memory": 8, "iterations": 1024},
        {"kdf": "argon2id-13", "memory": 8192, "iterations": 1},
        {"kdf": "argon2id-13", "memory": 4096, "iterations": 2},
        {"kdf": "argon2id-13", "memory": 8192, "iterations": 1, "salt": b64(bytes(8))},
    ],
    ids=shown,
)
def test_the_least_that_a_scram_challenge_may_ask_for_is_answered(changes: dict[str, Any]) -> None:
    exchange = Scram("user", PASSWORD).begin()
    challenge = pencil(**changes).challenge(exchange.extra)
    proof, _ = exchange.answer("scram", challenge)
    assert len(base64.b64decode(proof, validate=True)) == 32


def weak(memory: int, rounds: int) -> str:
    return (
        f"The router asks for a hash of the password with {rounds} iterations in {memory} KiB, "
        "from which the password would be guessed too soon."
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"iterations": 4095}, accepted("iterations", 4096, 10_000_000)),
        ({"kdf": "argon2id-13", "memory": 7, "iterations": 1171}, accepted("memory", 8, 1_048_576)),
        ({"kdf": "argon2id-13", "memory": 8, "iterations": 1023}, weak(8, 1023)),
        ({"kdf": "argon2id-13", "memory": 8191, "iterations": 1}, weak(8191, 1)),
        ({"kdf": "argon2id-13", "memory": 8192, "iterations": 0}, accepted("iterations", 1, 4096)),
        (
            {"kdf": "argon2id-13", "memory": 8192, "iterations": 1, "salt": b64(bytes(7))},
            "The router's challenge is malformed: its salt is too short.",
        ),
    ],
    ids=shown,
)
def test_one_less_than_the_least_is_refused(changes: dict[str, Any], sentence: str) -> None:
    exchange = Scram("user", PASSWORD).begin()
    challenge = pencil(**changes).challenge(exchange.extra)
    assert refused(lambda: exchange.answer("scram", challenge)) == sentence


@pytest.mark.parametrize("key", ["nonce", "salt", "kdf", "iterations"])
def test_a_scram_challenge_that_lacks_something_is_refused(key: str) -> None:
    exchange = Scram("user", PASSWORD).begin()
    challenge = pencil().challenge(exchange.extra)
    del challenge[key]
    assert refused(lambda: exchange.answer("scram", challenge)) == (
        f"The router's challenge is malformed: it has no {key}."
    )


@pytest.mark.parametrize("addition", ["", ",r=x", " ", "\n", "é"])
def test_a_nonce_without_the_routers_part_is_refused(addition: str) -> None:
    exchange = Scram("user", PASSWORD).begin()
    challenge = pencil().challenge(exchange.extra)
    challenge["nonce"] = exchange.extra["nonce"] + addition
    assert refused(lambda: exchange.answer("scram", challenge)) == (
        "The router's challenge is malformed: its nonce has no part of the router's."
    )


# Cryptosign. Seeds, challenges and signatures are Autobahn's.


@pytest.mark.parametrize(
    ("seed", "challenge", "signature"),
    [
        (
            "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            (
                "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0c"
                "ae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03"
            ),
        ),
        (
            "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
            "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
            (
                "d4209ad10d5aff6bfbc009d7e924795de138a63515efc7afc6b01b7fe5201372"
                "190374886a70207b042294af5bd64ce725cd8dceb344e6d11c09d1aaaf4d660f"
            ),
        ),
        (
            "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
            "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
            (
                "7beb282184baadd08f166f16dd683b39cab53816ed81e6955def951cb2ddad1e"
                "c184e206746fd82bda075af03711d3d5658fc84a76196b0fa8d1ebc92ef9f30b"
            ),
        ),
    ],
)
def test_cryptosign_signs_the_challenge(seed: str, challenge: str, signature: str) -> None:
    for key in (seed, f" {seed.upper()}\n", bytes.fromhex(seed)):
        exchange = Cryptosign(key=key).begin()
        given = exchange.answer("cryptosign", {"challenge": challenge, "channel_binding": None})
        assert given == (signature + challenge, {})
        exchange.verify({})


class Bound:
    """The TLS of a link whose identifier is known."""

    certificate = None

    def __init__(self, identifier: str) -> None:
        self._identifier = bytes.fromhex(identifier)

    def binding(self, kind: str) -> bytes:
        assert kind == "tls-unique"
        return self._identifier


@pytest.mark.parametrize(
    ("seed", "challenge", "signature"),
    [  # the specification's, "Test Vectors"
        (
            "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            (
                "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3"
                "e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f"
                "9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00"
            ),
        ),
        (
            "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
            "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
            (
                "ee3c7644fd8070532bc1fde3d70d742267da545d8c8f03e63bda63f1ad4214f4"
                "d2c4bfdb4eb9526def42deeb7e31602a6ff99eba893e0a4ad4d45892ca75e608"
                "d2b75e24a189a7f78ca776ba36fc53f6c3e31c32f251f2c524f0a44202f2902d"
            ),
        ),
    ],
)
def test_cryptosign_signs_a_challenge_that_is_bound(
    seed: str, challenge: str, signature: str
) -> None:
    exchange = Cryptosign(key=seed, channel_binding="tls-unique").begin()
    exchange.bind(Bound("62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff"))
    assert exchange.extra["channel_binding"] == "tls-unique"
    asked = {"challenge": challenge, "channel_binding": "tls-unique"}
    assert exchange.answer("cryptosign", asked) == (signature, {})


@pytest.mark.parametrize("given", [None, "tls-exporter", 1])
def test_cryptosign_does_not_sign_without_the_binding_that_it_asked_for(given: object) -> None:
    exchange = Cryptosign(key=SEED, channel_binding="tls-unique").begin()
    exchange.bind(Bound("00" * 32))
    asked = {"challenge": "ff" * 32, "channel_binding": given}
    assert refused(lambda: exchange.answer("cryptosign", asked)) == (
        "The router does not know the channel binding tls-unique."
    )


def test_a_channel_binding_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="it can be 'tls-unique' or 'tls-exporter'"):
        Cryptosign(key=SEED, channel_binding="tls-server-end-point")


@pytest.mark.parametrize(
    ("seed", "public"),
    [  # RFC 8032, section 7.1, tests 1 and 2
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ),
    ],
)
def test_cryptosign_tells_the_public_key(seed: str, public: str) -> None:
    assert Cryptosign(key=seed).begin().extra == {"pubkey": public, "channel_binding": None}


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({}, "The router's challenge is malformed: it has no challenge."),
        ({"challenge": 1}, "The router's challenge is malformed: its challenge is not text."),
        (
            {"challenge": "ff"},
            "The router's challenge is malformed: it is not 64 hexadecimal digits.",
        ),
        (
            {"challenge": "ff " * 32},
            "The router's challenge is malformed: it is not 64 hexadecimal digits.",
        ),
        (
            {"challenge": "ff" * 32, "channel_binding": "tls-unique"},
            "The router asks for channel binding, which was not offered.",
        ),
    ],
)
def test_a_malformed_cryptosign_challenge_is_refused(extra: Any, sentence: str) -> None:
    exchange = Cryptosign(key=SEED).begin()
    assert refused(lambda: exchange.answer("cryptosign", extra)) == sentence


# Whatever a router sends.

# Few characters: all of Unicode takes a second to list, which Hypothesis holds against the test.
TEXT = st.text("aZ9+/=, \nü\ud800", max_size=8)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    # Nothing that asks for much work, which is tested above.
    | st.sampled_from([-1, 0, 1, 2, 100, 2**31, 2**64])
    | st.floats()
    | TEXT
    | st.binary(max_size=8)
    | st.sampled_from(["pbkdf2", "argon2id-13", "AAAA", "ff" * 32]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
KEYS = st.sampled_from(
    ["challenge", "salt", "iterations", "keylen", "nonce", "kdf", "memory", "channel_binding"]
)


@EACH
@given(extra=st.dictionaries(KEYS, JUNK), ours=st.booleans())
def test_any_challenge_is_answered_or_refused(
    credential: Credential, extra: dict[str, Any], ours: bool
) -> None:
    exchange = credential.begin()
    if ours and "nonce" in exchange.extra:
        extra["nonce"] = exchange.extra["nonce"] + "AAAA"
    try:
        signature, more = exchange.answer(credential.method, extra)
    except RouterRefused as error:
        spoken(error)
    else:
        assert json.dumps([signature, more])


@given(details=st.dictionaries(st.sampled_from(["authextra"]), JUNK), value=JUNK)
def test_any_welcome_is_refused_by_scram_unless_it_is_signed(
    details: dict[str, Any], value: Any
) -> None:
    exchange = Scram("user", PASSWORD).begin()
    exchange._signature = b"signature"  # type: ignore[attr-defined]
    for each in (details, {"authextra": {"verifier": value}}):
        refused(lambda each=each: exchange.verify(each))
