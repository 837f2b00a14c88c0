"""A router with a file: `wampapp router --config`, `run --router-config`, check and hash."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import DEADLINE, ROOT, EmbeddedRouter, Wampapp, environment, wampapp
from wampapp import RouterRefused, Scram, Ticket, Wampcra, WampError, connect

pytestmark = pytest.mark.processes

SERVICE = """
from wampapp import App, Invocation

app = App(prefix="com.shop")


@app.register
def whoami(call: Invocation) -> list:
    return [call.caller_authid, call.caller_authrole]
"""
FILE = """\
[realms.realm1]
anonymous = "guest"

[realms.realm1.roles.guest]
permissions = [{ uri = "com.shop.whoami", allow = ["call"], disclose = ["caller"] }]
"""


def hashed(method: str, secret: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wampapp", "router", "hash", method, *more],
        input=secret,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=DEADLINE,
    )


def written(folder: Path, text: str = FILE, mode: int = 0o600) -> Path:
    path = folder / "router.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_what_hash_makes_lets_its_owner_in(tmp_path: Path) -> None:
    lines = [FILE, "[realms.realm1.principals.alice]", 'role = "guest"']
    for method in ("ticket", "wampcra", "scram"):
        done = hashed(method, "hush\n")
        assert (done.returncode, done.stderr) == (0, "")
        assert "hush" not in done.stdout
        lines.append(f'{method} = "{done.stdout.rstrip()}"')
    path = written(tmp_path, "\n".join(lines))
    done = wampapp("router", "check", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "realm1: 1 role, 1 principal, anonymous sessions are guest\nOther realms are refused.\n"
    )
    with EmbeddedRouter(0, "--config", path) as router:
        for credential in (
            Ticket("alice", "hush"),
            Wampcra("alice", "hush"),
            Scram("alice", "hush"),
        ):
            with connect(router.rs_url, auth=credential, timeout=DEADLINE) as client:
                with pytest.raises(WampError) as caught:
                    client.call("com.shop.secret")
                assert str(caught.value) == (
                    "wamp.error.not_authorized: The role 'guest' may not call 'com.shop.secret'."
                )
        with pytest.raises(RouterRefused, match="The credential was not accepted"):
            connect(router.rs_url, auth=Ticket("alice", "wrong"))
        assert router.stop() == 0
        assert "hush" not in router.text


def test_hash_makes_argon2_and_refuses_nothing(tmp_path: Path) -> None:
    assert hashed("scram", "hush", "--argon2").stdout.startswith("$scram$argon2id-13,")
    done = hashed("ticket", "")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("write it there in one line.\n")
    assert hashed("ticket", "hush", "--argon2").returncode == 2
    assert hashed("password", "hush").returncode == 2


@pytest.mark.parametrize(
    "words", [["router", "check"], ["router", "--port", "0", "--config"]], ids=["check", "run"]
)
def test_a_mistake_in_the_file_ends_with_its_place(tmp_path: Path, words: list[str]) -> None:
    path = written(tmp_path, FILE.replace("allow", "alow"))
    done = wampapp(*words, path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {path}, line 5, column 43: A permission does not have 'alow'; did you mean "
        "'allow'?\n"
    )


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    ticket = hashed("ticket", "x").stdout.rstrip()
    principal = f'[realms.realm1.principals.a]\nrole = "guest"\nticket = "{ticket}"'
    path = written(tmp_path, FILE + principal, 0o644)
    done = wampapp("router", "--port", "0", "--config", path)
    assert done.returncode == 2
    assert done.stderr.endswith(f"can be read by others; run: chmod 600 {path}\n")


@pytest.mark.parametrize("more", [[], ["--workers", "2"], ["--reload"]], ids=str)
def test_an_app_is_trusted_by_its_own_router(
    tmp_path: Path, free_port: int, more: list[str]
) -> None:
    (tmp_path / "shop.py").write_text(SERVICE)
    words = ["--port", str(free_port), "--router-config", written(tmp_path), *more]
    with Wampapp("run", tmp_path / "shop.py", *words) as process:
        process.until("Press Ctrl-C")
        with connect(f"rs://127.0.0.1:{free_port}", timeout=DEADLINE) as client:
            authid, role = client.call("com.shop.whoami")
            assert (bool(authid), role) == (True, "guest")
            with pytest.raises(WampError, match="may not register"):
                client.register("com.shop.mine", lambda: 1)
        assert process.stop() == 0, process.text


def test_a_router_with_a_file_does_not_join_another(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SERVICE)
    with EmbeddedRouter() as other:
        port = str(other.port)
        done = wampapp(
            "run", tmp_path / "shop.py", "--port", port, "--router-config", written(tmp_path)
        )
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: Port {port} on 127.0.0.1 is taken, and a router with a configuration or a "
        "certificate needs a port of its own; choose another with --port, or stop what holds it.\n"
    )


@pytest.mark.parametrize("option", ["--router-config", "--tls-cert"])
def test_a_file_does_not_go_with_a_url(option: str, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SERVICE)
    words = ["--url", "rs://127.0.0.1:1", option, str(written(tmp_path))]
    done = wampapp("run", tmp_path / "shop.py", *words)
    assert done.returncode == 2
    assert "leave one of them out" in done.stderr


# SIGHUP has the file read again.

needs_sighup = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
KEEPS = "The router keeps the configuration that it has"
CHANGES = "The router has a new configuration"


@needs_sighup
def test_sighup_has_a_router_read_its_file_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    with EmbeddedRouter(0, "--config", path) as router:
        with connect(router.rs_url, timeout=DEADLINE) as client:
            with pytest.raises(WampError, match="may not register"):
                client.register("com.shop.whoami", lambda: 1)
            written(tmp_path, FILE.replace('["call"]', '["call", "register"]'))
            router.send(signal.SIGHUP)
            router.until(f"{CHANGES}, by which 0 sessions end")
            client.register("com.shop.whoami", lambda: 1)
        assert router.stop() == 0


@needs_sighup
def test_a_mistake_in_the_file_leaves_the_router_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path)
    with EmbeddedRouter(0, "--config", path) as router:
        written(tmp_path, FILE.replace("allow", "alow"))
        router.send(signal.SIGHUP)
        router.until(f"{KEEPS}.*line 5, column 43: A permission does not have 'alow'")
        path.unlink()
        router.send(signal.SIGHUP)
        router.until(f"{KEEPS}.*cannot be read: No such file")
        with connect(router.rs_url, timeout=DEADLINE) as client:
            with pytest.raises(WampError, match="may not register"):
                client.register("com.shop.whoami", lambda: 1)
        assert router.stop() == 0
        assert "Traceback" not in router.text


@needs_sighup
@pytest.mark.parametrize("more", [[], ["--workers", "2"], ["--reload"]], ids=str)
@pytest.mark.parametrize("is_variable", [False, True], ids=["option", "variable"])
def test_sighup_has_an_app_s_router_read_its_file_again(
    tmp_path: Path, free_port: int, more: list[str], is_variable: bool
) -> None:
    (tmp_path / "shop.py").write_text(SERVICE)
    path = written(tmp_path)
    named = [] if is_variable else ["--router-config", path]
    env = environment(**({"WAMPAPP_ROUTER_CONFIG": str(path)} if is_variable else {}))
    words = ["--port", str(free_port), *named, *more]
    with Wampapp("run", tmp_path / "shop.py", *words, env=env) as process:
        process.until("Press Ctrl-C")
        with connect(f"rs://127.0.0.1:{free_port}", timeout=DEADLINE) as client:
            written(tmp_path, FILE.replace('["call"]', '["subscribe"]'))
            process.send(signal.SIGHUP)
            process.until(CHANGES)
            with pytest.raises(WampError, match="may not call"):
                client.call("com.shop.whoami")
        assert process.stop() == 0, process.text


OPENS = "beyond this machine, and everybody could .*; take open_realms out of its configuration"


def test_a_file_that_opens_realms_is_not_for_other_machines(tmp_path: Path) -> None:
    path = written(tmp_path, "open_realms = true\n" + FILE)
    done = wampapp("router", "--host", "0.0.0.0", "--port", "0", "--config", path)
    assert done.returncode == 2
    assert re.search(OPENS, done.stderr)


@needs_sighup
@pytest.mark.parametrize("more", [None, [], ["--workers", "2"], ["--reload"]], ids=str)
def test_a_file_read_again_does_not_open_a_router_to_other_machines(
    tmp_path: Path, free_port: int, more: list[str] | None
) -> None:
    path = written(tmp_path)
    words: list[str | Path] = ["router", "--config", path]
    if more is not None:
        (tmp_path / "shop.py").write_text(SERVICE)
        words = ["run", tmp_path / "shop.py", "--router-config", path, *more]
    with Wampapp(*words, "--host", "0.0.0.0", "--port", str(free_port)) as process:
        process.until("Press Ctrl-C")
        written(tmp_path, "open_realms = true\n" + FILE)
        process.send(signal.SIGHUP)
        process.until(f"{KEEPS}.*{OPENS}|{CHANGES}")
        with pytest.raises(RouterRefused, match="There is no realm 'elsewhere'"):
            connect(f"rs://127.0.0.1:{free_port}", realm="elsewhere", timeout=DEADLINE)
        assert process.stop() == 0, process.text


@needs_sighup
def test_a_router_for_everybody_may_get_open_realms(tmp_path: Path) -> None:
    path = written(tmp_path)
    words = ["--host", "0.0.0.0", "--allow-anonymous", "--config", path]
    with EmbeddedRouter(0, *words) as router:
        written(tmp_path, "open_realms = true\n" + FILE)
        router.send(signal.SIGHUP)
        router.until(CHANGES)
        url = f"rs://127.0.0.1:{router.port}"
        connect(url, realm="elsewhere", timeout=DEADLINE).close()
        assert router.stop() == 0
