"""Joining each router with each method, as a script, as an app and on the command line."""

import contextlib
import dataclasses
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.credentials import (
    MISTAKEN,
    PASSWORD,
    REALM,
    RIGHT,
    SECRET,
    SEED,
    TICKET,
    WRONG,
    WRONG_SEED,
    guarded_node,
    openssh,
    tagged,
    write_key,
)
from tests.support.process import EmbeddedRouter, Process, Wampapp, environment, wampapp
from tests.support.running import running
from wampapp import Anonymous, App, Cryptosign, Invocation, RouterRefused, Scram, Ticket, connect
from wampapp.crossbar import Crossbar
from wampapp.protocol.credentials import Credential

SECRETS = (TICKET, SECRET, PASSWORD, SEED, WRONG, WRONG_SEED)
Router = EmbeddedRouter | Crossbar
PATIENCE = 30.0  # seconds; Argon2 is slow on purpose


@pytest.fixture(params=["rs", "ws"])
def gate(request: pytest.FixtureRequest, gatekeeper: Router) -> str:
    """Each of its transports in turn."""
    return gatekeeper.rs_url if request.param == "rs" else gatekeeper.ws_url


def who_joins(url: str, credential: Credential) -> tuple[str | None, str | None]:
    """Join, and return who the router says we are when we call ourselves."""

    def who(call: Invocation) -> list[str | None]:
        return [call.caller_authid, call.caller_authrole]

    with connect(url, REALM, auth=credential, timeout=PATIENCE, connect_timeout=PATIENCE) as client:
        uri = f"com.authentication.who.{credential.method}"
        client.register(uri, who)
        authid, authrole = client.call(uri)
        return authid, authrole


def refused(url: str, credential: Credential) -> RouterRefused:
    """Fail to join, and return how; no secret is told."""
    with pytest.raises(RouterRefused) as caught:
        connect(url, REALM, auth=credential, connect_timeout=PATIENCE)
    assert not [secret for secret in SECRETS if secret in f"{caught.value!r} {caught.value}"]
    return caught.value


# Scripts.


@pytest.mark.parametrize("name", RIGHT)
def test_who_can_prove_it_joins(gate: str, name: str) -> None:
    assert who_joins(gate, RIGHT[name]) == (name, "member")


@pytest.mark.parametrize("name", RIGHT)
def test_an_app_that_says_its_name_joins_with_each_credential(
    gatekeeper: Router, name: str
) -> None:
    app = App(
        name="com.named", realm=REALM, auth=RIGHT[name], handshake_timeout=PATIENCE, prefix="com.a"
    )
    with running(app, gatekeeper.rs_url) as service:
        assert service.connection is not None
        assert service.connection.session is not None
        assert service.connection.session.details["authid"] == name


@pytest.mark.parametrize("name", MISTAKEN)
def test_who_cannot_prove_it_is_refused(gate: str, name: str, gatekeeper: Router) -> None:
    credential = MISTAKEN[name]
    error = refused(gate, credential)
    is_crossbar = isinstance(gatekeeper, Crossbar)
    if isinstance(credential, Anonymous):
        ours, its = "no_matching_auth_method", "no_auth_method"
        assert error.reason == f"wamp.error.{its if is_crossbar else ours}"
    else:
        ours, its = "authentication_failed", "not_authorized"
        assert error.reason == f"wamp.error.{its if is_crossbar else ours}"
        assert f"{credential.method} credential of {name!r}" in str(error)


def test_nobody_at_all_is_refused(gate: str) -> None:
    with pytest.raises(RouterRefused, match="--authmethod"):
        connect(gate, REALM)


def test_a_key_tells_who_joins(gate: str) -> None:
    assert who_joins(gate, Cryptosign(key=SEED)) == ("signing", "member")


@pytest.mark.parametrize("write", [lambda seed: seed.encode(), openssh, tagged])
def test_a_key_file_tells_who_joins(gatekeeper: Router, tmp_path: Path, write: object) -> None:
    assert callable(write)
    path = write_key(tmp_path, "key", write(SEED))
    assert who_joins(gatekeeper.rs_url, Cryptosign(key_file=path)) == ("signing", "member")


def test_a_router_that_does_not_know_us_is_refused(gate: str) -> None:
    # It would let us in: what it keeps of the password proves us right, but itself wrong.
    error = refused(gate, Scram("impostor", PASSWORD))
    assert error.reason == "wamp.error.authentication_failed"
    assert str(error) == "The router did not prove that it knows us: its signature is wrong."


def test_one_credential_serves_many_joins(gatekeeper: Router) -> None:
    for _ in range(3):
        assert who_joins(gatekeeper.rs_url, RIGHT["pbkdf2"]) == ("pbkdf2", "member")


def test_a_role_that_is_asked_for_goes_to_the_router(gatekeeper: Router) -> None:
    # Crossbar.io gives the role that it has for the principal, whatever was asked for.
    credential = dataclasses.replace(RIGHT["ticketed"], authrole="admin")
    assert who_joins(gatekeeper.rs_url, credential) == ("ticketed", "member")


# Apps.

APP = """
from wampapp import App, {kind}

app = App(auth={credential}, handshake_timeout={patience})


@app.register("com.authentication.served.{name}")
def served() -> str:
    return "served"


if __name__ == "__main__":
    app.run(url={url!r})
"""


def write_app(folder: Path, url: str, name: str, credential: Credential) -> Path:
    """Write an app whose credential is written out in it."""
    parts = [repr(credential.authid)]
    for field in dataclasses.fields(credential):
        value = getattr(credential, field.name)
        if field.name in ("ticket", "secret", "password", "key") and value is not None:
            parts.append(repr(value))
    kind = type(credential).__name__
    path = folder / f"{name}_app.py"
    path.write_text(
        APP.format(
            kind=kind,
            credential=f"{kind}({', '.join(parts)})",
            patience=PATIENCE,
            name=name,
            url=url,
        )
    )
    return path


@pytest.mark.parametrize("name", RIGHT)
def test_an_app_joins(gate: str, tmp_path: Path, name: str) -> None:
    path = write_app(tmp_path, gate, name, RIGHT[name])
    with Process(sys.executable, path) as process:
        process.until("Press Ctrl-C")
        with connect(gate, REALM, auth=RIGHT["ticketed"], timeout=PATIENCE) as client:
            assert client.call(f"com.authentication.served.{name}") == "served"
        assert process.stop() == 0, process.text
    assert not [secret for secret in SECRETS if secret in process.text]


@pytest.mark.parametrize("name", MISTAKEN)
def test_an_app_with_a_wrong_credential_ends(gatekeeper: Router, tmp_path: Path, name: str) -> None:
    path = write_app(tmp_path, gatekeeper.rs_url, name, MISTAKEN[name])
    with Process(sys.executable, path) as process:
        assert process.wait() == 4, process.text
    (said,) = process.stderr
    assert said.startswith("Error: The router refused "), said
    assert not [secret for secret in SECRETS if secret in process.text]


def test_wampapp_run_with_a_wrong_credential_ends(gatekeeper: Router, tmp_path: Path) -> None:
    path = write_app(tmp_path, gatekeeper.rs_url, "salted", MISTAKEN["salted"])
    done = wampapp("run", path, "--url", gatekeeper.rs_url)
    assert done.returncode == 4
    assert done.stderr.startswith("Error: The router refused the wampcra credential of 'salted'")
    assert len(done.stderr.splitlines()) == 1
    assert WRONG not in done.stderr + done.stdout


@pytest.mark.slow
def test_an_app_comes_back_with_its_credential(
    new_crossbar: Callable[..., Crossbar], tmp_path: Path
) -> None:
    with new_crossbar(realm=REALM, config=guarded_node()) as router:
        path = write_app(tmp_path, router.rs_url, "pbkdf2", RIGHT["pbkdf2"])
        with Process(sys.executable, path) as process:
            process.until("Press Ctrl-C")
            router.kill()
            process.until("Coming back")
            router.start()
            process.until("Joined again")
            with connect(router.rs_url, REALM, auth=RIGHT["ticketed"], timeout=PATIENCE) as client:
                assert client.call("com.authentication.served.pbkdf2") == "served"
            assert process.stop() == 0, process.text


# The command line.

PROOFS = {
    "ticketed": ("ticket", TICKET),
    "shared": ("wampcra", SECRET),
    "salted": ("wampcra", SECRET),
    "argon2": ("scram", PASSWORD),
    "pbkdf2": ("scram", PASSWORD),
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_secret_comes_from_the_environment(gatekeeper: Router, name: str) -> None:
    method, secret = PROOFS[name]
    who = {
        "WAMPAPP_URL": gatekeeper.ws_url,
        "WAMPAPP_AUTHMETHOD": method,
        "WAMPAPP_AUTHID": name,
    }
    done = wampapp("publish", "com.news", "1", env=environment(**who, WAMPAPP_SECRET=secret))
    assert (done.returncode, done.stderr) == (0, "")
    done = wampapp("publish", "com.news", "1", env=environment(**who, WAMPAPP_SECRET=WRONG))
    assert done.returncode == 4
    assert done.stderr.startswith(f"Error: The router refused the {method} credential of {name!r}")
    assert len(done.stderr.splitlines()) == 1
    assert WRONG not in done.stderr + done.stdout


def test_a_secret_comes_from_a_file(gatekeeper: Router, tmp_path: Path) -> None:
    path = write_key(tmp_path, "secret", TICKET.encode() + b"\n")
    words = ["--url", gatekeeper.rs_url, "--authmethod", "ticket", "--authid", "ticketed"]
    done = wampapp("publish", "com.news", "1", *words, "--secret-file", path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_key_comes_from_a_file(gate: str, tmp_path: Path) -> None:
    for seed, code in ((SEED, 0), (WRONG_SEED, 4)):
        path = write_key(tmp_path, "key", openssh(seed))
        done = wampapp("publish", "com.news", "1", "--url", gate, "--key-file", path)
        assert done.returncode == code, done.stderr
        assert len(done.stderr.splitlines()) == bool(code)
        assert seed not in done.stderr


def test_a_method_without_a_secret_says_what_to_give(gatekeeper: Router) -> None:
    words = ["--url", gatekeeper.rs_url, "--authmethod", "scram", "--authid", "argon2"]
    done = wampapp("publish", "com.news", "1", *words)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "Error: Authentication by scram needs a secret; give --secret-file, --ask-secret or "
        "WAMPAPP_SECRET."
    )


def test_an_app_takes_its_credential_from_the_environment(
    gatekeeper: Router, tmp_path: Path
) -> None:
    path = write_app(tmp_path, gatekeeper.rs_url, "environment", Ticket("ticketed", WRONG))
    env = environment(
        WAMPAPP_URL=gatekeeper.rs_url,
        WAMPAPP_AUTHMETHOD="ticket",
        WAMPAPP_AUTHID="ticketed",
        WAMPAPP_SECRET=TICKET,
    )
    with Wampapp("run", path, env=env) as process:
        process.until("Press Ctrl-C")
        assert process.stop() == 0, process.text


@pytest.mark.parametrize(("typed", "code"), [(TICKET, 0), (WRONG, 4)])
def test_a_secret_typed_at_the_terminal(gatekeeper: Router, typed: str, code: int) -> None:
    """It is asked for, not echoed, and not taken from the command line."""
    command = [
        *(sys.executable, "-m", "wampapp", "publish", "com.authentication.typed", "--ask-secret"),
        *("--authmethod", "ticket", "--authid", "ticketed", "--url", gatekeeper.rs_url),
    ]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, command, environment())
    said = b""
    with contextlib.suppress(OSError):  # what a terminal gives whose other side has ended
        while b"Secret:" not in said:
            said += os.read(terminal, 1024)
        os.write(terminal, f"{typed}\n".encode())
        while data := os.read(terminal, 1024):
            said += data
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == code, said.decode()
    assert typed not in said.decode()
    assert ("Error: The router refused the ticket credential" in said.decode()) == (code == 4)
