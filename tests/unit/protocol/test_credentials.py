"""Credentials: what users write, what challenges are answered, and what is refused."""

import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import wampapp
from tests.support.credentials import (
    PASSWORD,
    RIGHT,
    SECRET,
    SEED,
    TICKET,
    write_key,
)
from tests.support.refusals import SECRETS, refusal
from wampapp.protocol import credentials
from wampapp.protocol.credentials import (
    NEEDS_SECRET,
    Anonymous,
    ClientCertificate,
    Credential,
    Cryptosign,
    Scram,
    Ticket,
    Wampcra,
    credential_from,
)

EACH = pytest.mark.parametrize("credential", [Anonymous("any"), *RIGHT.values()], ids=repr)


# What users write.

NO_SEED = "The key of Cryptosign is not an Ed25519 seed; give 32 bytes, or 64 hexadecimal digits."


@EACH
def test_no_secret_shows(credential: Credential) -> None:
    for shown in (repr(credential), str(credential), f"{credential}", repr([credential])):
        assert not [secret for secret in SECRETS if secret in shown]
        assert repr(credential.authid) in shown
    assert "secret" not in repr(credential.begin()).lower()


@EACH
def test_a_credential_is_an_immutable_value(credential: Credential) -> None:
    for name in ("authid", "method", "anything"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(credential, name, "other")
    other = pickle.loads(pickle.dumps(credential))
    assert other == credential
    assert hash(other) == hash(credential)
    assert dataclasses.replace(credential, authid="other") != credential
    assert dataclasses.replace(credential, authrole="admin").authrole == "admin"
    assert credential.authrole is None


def test_each_method_has_its_name() -> None:
    kinds = (Anonymous, Ticket, Wampcra, Scram, Cryptosign, ClientCertificate)
    names = ["anonymous", "ticket", "wampcra", "scram", "cryptosign", "tls"]
    assert [kind.method for kind in kinds] == names
    assert frozenset(names[1:4]) == NEEDS_SECRET


def test_who_joins_may_be_left_to_the_router() -> None:
    assert Anonymous().authid is None
    assert Cryptosign(key=SEED).authid is None
    for kind in (Ticket, Wampcra, Scram):
        assert refusal(lambda kind=kind: kind(None, "x")) == (
            f"{kind.__name__} has no authid; give one."
        )


def test_credentials_with_different_secrets_differ() -> None:
    assert Ticket("a", "1") != Ticket("a", "2")
    assert Ticket("a", "1") != Wampcra("a", "1")
    assert Cryptosign(key=SEED) != Cryptosign(key="00" * 32)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Ticket("", TICKET), "The authid of Ticket is empty; give one."),
        (lambda: Ticket("a", ""), "The ticket of Ticket is empty; give one."),
        (lambda: Ticket("a", None), "Ticket has no ticket; give one."),  # type: ignore[arg-type]
        (
            lambda: Ticket("a", TICKET.encode()),  # type: ignore[arg-type]
            "The ticket of Ticket is of type bytes; give a string.",
        ),
        (
            lambda: Wampcra(7, SECRET),  # type: ignore[arg-type]
            "The authid of Wampcra is of type int; give a string.",
        ),
        (
            lambda: Wampcra("a", SECRET + "\ud800"),
            "The secret of Wampcra is not valid UTF-8; give text that is.",
        ),
        (lambda: Scram("a", ""), "The password of Scram is empty; give one."),
        (
            lambda: Ticket("a", TICKET, authrole=""),
            "The authrole of Ticket is empty; give one.",
        ),
        (
            lambda: Anonymous(1),  # type: ignore[arg-type]
            "The authid of Anonymous is of type int; give a string.",
        ),
        (
            lambda: Scram("a\0b", PASSWORD),
            "The authid 'a\\x00b' has characters that SCRAM does not allow.",
        ),
        (
            lambda: Scram("\u0627\u0031", PASSWORD),
            "The authid '\u06271' has characters that SCRAM does not allow.",
        ),
        (
            lambda: Scram("\u00ad", PASSWORD),  # a soft hyphen, which is mapped to nothing
            "The authid '\\xad' has characters that SCRAM does not allow.",
        ),
        (Cryptosign, "Cryptosign has no key; give key=… or key_file=…."),
        (
            lambda: Cryptosign(key=SEED, key_file="a"),
            "Cryptosign has both a key and a key file; give one of them.",
        ),
        (
            lambda: Cryptosign(key=SEED + "0"),
            NO_SEED,
        ),
        (
            lambda: Cryptosign(key=b"short"),
            NO_SEED,
        ),
        (
            lambda: Cryptosign(key=7),  # type: ignore[arg-type]
            "The key of Cryptosign is of type int; give 64 hexadecimal digits.",
        ),
        (
            lambda: Cryptosign(key_file=7),  # type: ignore[arg-type]
            "Cryptosign(key_file=7) names no file; give the file's path.",
        ),
        (
            lambda: Cryptosign(key_file=""),
            "Cryptosign(key_file='') names no file; give the file's path.",
        ),
        (
            lambda: Cryptosign("", key=SEED),
            "The authid of Cryptosign is empty; give one.",
        ),
    ],
)
def test_what_cannot_be_a_credential_is_refused(make: Callable[[], object], sentence: str) -> None:
    assert refusal(make) == sentence


@pytest.mark.parametrize("missing", ["argon2", "passlib"])
def test_scram_without_its_packages_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    found = credentials.find_spec
    monkeypatch.setattr(
        credentials, "find_spec", lambda name: None if name == missing else found(name)
    )
    assert refusal(lambda: Scram("a", PASSWORD)) == (
        "SCRAM needs a package that is not installed; run: pip install 'wampapp[scram]'."
    )
    assert Wampcra("a", SECRET)


def test_making_credentials_imports_nothing_heavy() -> None:
    code = (
        "import sys, wampapp\n"
        "wampapp.Ticket('a', 'b'), wampapp.Wampcra('a', 'b'), wampapp.Scram('a', 'b')\n"
        "wampapp.Cryptosign(key='00' * 32)\n"
        "heavy = {'autobahn', 'twisted', 'nacl', 'argon2', 'passlib', 'cryptography'}\n"
        "print(heavy & {name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_the_classes_are_in_the_package() -> None:
    for kind in (Anonymous, Ticket, Wampcra, Scram, Cryptosign):
        assert getattr(wampapp, kind.__name__) is kind


# Settings.


def settings(**given: str | None) -> Credential | None:
    base: dict[str, str | None] = {"method": None, "authid": None, "secret": None, "key_file": None}
    return credential_from(**(base | given))  # type: ignore[arg-type]


def test_nothing_set_is_no_credential() -> None:
    assert settings() is None


def test_settings_make_each_credential(tmp_path: Path) -> None:
    path = str(write_key(tmp_path, "key", SEED.encode()))
    assert settings(method="anonymous") == Anonymous()
    assert settings(method="anonymous", authid="a", authrole="b") == Anonymous("a", authrole="b")
    assert settings(method="ticket", authid="a", secret="s") == Ticket("a", "s")
    assert settings(method="wampcra", authid="a", secret="s") == Wampcra("a", "s")
    assert settings(method="scram", authid="a", secret="s", authrole="r") == Scram(
        "a", "s", authrole="r"
    )
    assert settings(method="cryptosign", key_file=path) == Cryptosign(key_file=path)
    assert settings(method="cryptosign", secret=SEED) == Cryptosign(key=SEED)
    assert settings(key_file=path, authid="a") == Cryptosign("a", key_file=path)


def test_to_join_as_nobody_passes_secrets_over() -> None:
    assert settings(method="anonymous", secret=SECRET, key_file="missing") == Anonymous()


def needs(method: str) -> str:
    return (
        f"Authentication by {method} needs a secret; give --secret-file, --ask-secret or "
        "WAMPAPP_SECRET."
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"secret": SECRET},
            (
                "There is a secret and no authentication method; give --authmethod "
                "(WAMPAPP_AUTHMETHOD)."
            ),
        ),
        (
            {"authid": "a", "secret": SECRET},
            (
                "There is an authid and no authentication method; give --authmethod "
                "(WAMPAPP_AUTHMETHOD)."
            ),
        ),
        (
            {"authrole": "a"},
            "There is a role and no authentication method; give --authmethod (WAMPAPP_AUTHMETHOD).",
        ),
        (
            {"method": "password", "secret": SECRET},
            (
                "There is no authentication method 'password'; use one of anonymous, ticket, "
                "wampcra, scram, cryptosign, tls."
            ),
        ),
        *(({"method": method, "authid": "a"}, needs(method)) for method in sorted(NEEDS_SECRET)),
        *(
            (
                {"method": method, "secret": SECRET},
                (
                    f"Authentication by {method} needs to know who joins; give --authid "
                    "(WAMPAPP_AUTHID)."
                ),
            )
            for method in sorted(NEEDS_SECRET)
        ),
        (
            {"method": "ticket", "authid": "a", "secret": SECRET, "key_file": "k"},
            "Authentication by ticket takes no key file; leave out --key-file (WAMPAPP_KEY_FILE).",
        ),
        (
            {"method": "cryptosign", "authid": "a"},
            "Authentication by cryptosign needs a private key; give --key-file (WAMPAPP_KEY_FILE).",
        ),
        (
            {"key_file": "k", "secret": SECRET},
            (
                "There are both a key file and a secret; for cryptosign give --key-file "
                "only (WAMPAPP_KEY_FILE)."
            ),
        ),
        (
            {"method": "ticket", "authid": "a", "secret": ""},
            "The ticket of Ticket is empty; give one.",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: dict[str, str], sentence: str) -> None:
    assert refusal(lambda: settings(**given)) == sentence
