"""``wampapp inspect`` and ``wampapp doctor`` as processes, against real routers and real faults."""

import datetime as dt
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.answering import SESSION, AnsweringRouter
from tests.support.credentials import REALM, TICKET, WRONG
from tests.support.process import (
    FULL_DISK,
    EmbeddedRouter,
    Wampapp,
    environment,
    onto_a_full_disk,
    serving,
    wampapp,
)
from tests.support.programs import program
from tests.support.proxy import Wire
from tests.support.tls import Authority, TlsDoor
from wampapp import WampError
from wampapp.crossbar import Crossbar, node_configuration

Router = EmbeddedRouter | Crossbar

SERVICE = program("inspect_and_doctor_service.py")


@pytest.fixture
def service(url: str, tmp_path: Path) -> Iterator[Path]:
    """A service of its own process on each router, by each transport; its file."""
    file = tmp_path / "seen.py"
    file.write_text(SERVICE)
    with serving(file, "--url", url):
        yield file


def rows_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


# inspect


@pytest.mark.both_routers
def test_inspect_shows_what_a_router_holds_as_json(service: Path, url: str) -> None:
    done = wampapp("inspect", "--url", url, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = rows_of(done)
    ours = {row["uri"]: row for row in rows if str(row.get("uri")).startswith("com.seen")}
    callee = ours["com.seen.add"]["callees"]
    assert len(callee) == 1
    [session] = [row for row in rows if row.get("session") == callee[0]["session"]]
    assert session["kind"] == "session"
    assert (session["authrole"], session["authmethod"]) == ("anonymous", "anonymous")
    assert session["authid"] == callee[0]["authid"]
    assert session["app"] == callee[0]["app"] == "com.seen"
    assert session["transport"]["serializer"] == "msgpack"
    shown = {
        uri: (
            row["kind"],
            row["match"],
            row.get("invoke"),
            row.get("callees", row.get("subscribers")),
        )
        for uri, row in ours.items()
    }
    assert shown == {
        "com.seen.add": ("procedure", "exact", "single", callee),
        "com.seen.shared": ("procedure", "exact", "roundrobin", callee),
        "com.seen.each.": ("procedure", "wildcard", "single", callee),
        "com.seen.news": ("topic", "exact", None, callee),
        "com.seen.all": ("topic", "prefix", None, callee),
    }
    for row in ours.values():
        assert row["created"].endswith("Z")
        assert isinstance(row.get("registration", row.get("subscription")), int)


@pytest.mark.both_routers
def test_inspect_shows_what_a_router_holds_in_tables(service: Path, url: str) -> None:
    done = wampapp("inspect", "--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"realm1 at {url}")
    titles = [line for line in lines if re.fullmatch(r"\d+ (session|procedure|topic)s?", line)]
    assert len(titles) == 3
    # Aligned: what stands below a word of the header begins where it does.
    header = next(line for line in lines if line.startswith("  procedure "))
    row = next(line for line in lines if line.startswith("  com.seen.shared "))
    for word, value in {"match": "exact", "invoke": "roundrobin"}.items():
        assert row.index(value) == header.index(word)
    callees, arguments = header.index("callees"), header.index("arguments")
    assert re.match(r"\d+ \(com\.seen\)  +\($", row[callees : arguments + 1])
    topic = next(line for line in lines if line.startswith("  com.seen.all "))
    assert re.search(r"  prefix  \d+ \(com\.seen\)  +\(", topic)
    sessions = lines.index(next(line for line in lines if line.startswith("  session ")))
    assert lines[sessions].split()[:3] == ["session", "app", "authid"]
    assert any(line.split()[1:2] == ["com.seen"] for line in lines[sessions:])


def test_inspect_leaves_itself_out() -> None:
    with EmbeddedRouter() as router:
        done = wampapp("inspect", "--url", router.ws_url, "--json")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        done = wampapp("inspect", "--url", router.rs_url)
        assert done.stdout.splitlines()[1:] == [
            "",
            "0 sessions",
            "",
            "0 procedures",
            "",
            "0 topics",
        ]


def test_inspect_is_coloured_on_a_terminal_alone(embedded: EmbeddedRouter) -> None:
    for env, coloured in ((environment(), True), (environment(NO_COLOR="1"), False)):
        mine, its = os.openpty()
        words = [sys.executable, "-m", "wampapp", "inspect", "--url", embedded.rs_url]
        done = subprocess.run(words, stdout=its, env=env, timeout=60)
        os.close(its)
        shown = os.read(mine, 65536)
        os.close(mine)
        assert (done.returncode, b"\x1b[1mrealm1" in shown) == (0, coloured)


META = {
    "wamp.session.list": lambda: [SESSION, 1, 2],
    "wamp.session.get": lambda number: {"session": number, "authid": f"who{number}"},
    "wamp.registration.list": lambda: {"exact": [10, 11], "prefix": [], "wildcard": []},
    "wamp.registration.get": lambda number: {
        "id": number,
        "uri": f"com.p{number}",
        "match": "exact",
        "invoke": "single",
    },
    "wamp.registration.list_callees": lambda number: [1, 2],
    "wamp.subscription.list": lambda: {"exact": [20], "prefix": [], "wildcard": []},
    "wamp.subscription.get": lambda number: {"id": number, "uri": "com.t", "match": "exact"},
    "wamp.subscription.list_subscribers": lambda number: [1, SESSION],
}


def gone(what: str, *numbers: int) -> Any:
    """What answers as before, except for some ids that are gone."""

    def answer(number: int) -> Any:
        if number in numbers:
            raise WampError(f"wamp.error.no_such_{what.split('.')[1]}", "It is gone.")
        return META[what](number)

    return {what: answer}


def test_inspect_asks_many_things_at_a_time() -> None:
    many = list(range(10, 1010))
    procedures = {**META, "wamp.registration.list": lambda: {"exact": many}}
    withheld = {"wamp.registration.get": 300, "wamp.registration.list_callees": 300}
    with AnsweringRouter(procedures, withheld=withheld) as router:
        done = wampapp("inspect", "--url", router.url, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len([row for row in rows_of(done) if row["kind"] == "procedure"]) == 1000


def test_inspect_leaves_out_what_goes_meanwhile() -> None:
    procedures = {
        **META,
        **gone("wamp.session.get", 2),
        **gone("wamp.registration.list_callees", 10),
        **gone("wamp.subscription.get", 20),
    }
    with AnsweringRouter(procedures) as router:
        done = wampapp("inspect", "--url", router.url, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    session, procedure = rows_of(done)
    assert (session["session"], procedure["uri"]) == (1, "com.p11")
    # Who is a callee and whose session is gone is told without a name.
    assert procedure["callees"] == [
        {"session": 1, "app": None, "authid": "who1"},
        {"session": 2, "app": None, "authid": None},
    ]


def test_inspect_counts_itself_nowhere_and_names_a_few() -> None:
    crowd = [SESSION, *range(1, 8)]
    procedures = {
        **META,
        "wamp.session.list": lambda: crowd,
        "wamp.subscription.list_subscribers": lambda number: crowd,
    }
    with AnsweringRouter(procedures) as router:
        done = wampapp("inspect", "--url", router.url)
        as_json = wampapp("inspect", "--url", router.url, "--json")
    assert done.stdout.rstrip().endswith("1 (who1), 2 (who2), 3 (who3), 4 (who4), 3 more")
    assert str(SESSION) not in done.stdout + as_json.stdout
    assert len(rows_of(as_json)[-1]["subscribers"]) == 7


def test_inspect_obeys_no_name() -> None:
    procedures = {
        **META,
        "wamp.session.get": lambda number: {"authid": "\x1b[31mGrüße\n🎈", "transport": 7},
    }
    with AnsweringRouter(procedures, welcome={"agent": "old\x1b[2J"}) as router:
        done = wampapp("inspect", "--url", router.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\x1b[31mGrüße\\n🎈" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("procedures", "sentence"),
    [
        ({}, "has no wamp.session.list; WAMP's meta API of sessions"),
        (
            {k: v for k, v in META.items() if k.startswith("wamp.session")},
            "has no wamp.registration.list; WAMP's meta API of sessions",
        ),
        ({**META, "wamp.session.list": lambda: "nobody"}, "as WAMP's meta API does"),
        ({**META, "wamp.subscription.get": lambda number: 7}, "as WAMP's meta API does"),
    ],
)
def test_inspect_says_that_a_router_has_no_meta_api(
    procedures: dict[str, Any], sentence: str
) -> None:
    with AnsweringRouter(procedures) as router:
        done = wampapp("inspect", "--url", router.url)
    assert (done.returncode, done.stdout) == (5, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_inspect_waits_no_longer_than_told() -> None:
    with AnsweringRouter({}, silent=True) as router:
        done = wampapp("inspect", "--url", router.url, "--timeout", "0.3")
    assert (done.returncode, done.stdout) == (5, "")
    assert "did not answer everything within 0.3 s" in done.stderr


def test_inspect_is_interrupted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rs://127.0.0.1:{mute.getsockname()[1]}"
        mute.settimeout(30)
        with Wampapp("inspect", "--url", url) as process:
            connection, _ = mute.accept()
            with connection:
                assert process.stop(signal.SIGINT) == 130
    assert process.text.strip() == "Interrupted."


def test_inspect_ends_with_what_reads_it(embedded: EmbeddedRouter) -> None:
    assert onto_a_full_disk("inspect", "--url", embedded.rs_url) == (1, FULL_DISK)


@pytest.mark.parametrize("command", ["inspect", "doctor"])
def test_a_realm_that_is_no_name_is_a_usage_error(command: str) -> None:
    done = wampapp(command, "--realm", "a b")
    assert done.returncode == 2
    assert (
        done.stderr == "Error: The realm 'a b' is not a valid name; write one such as 'realm1'.\n"
    )


@pytest.fixture(scope="module")
def narrow(new_crossbar: Callable[..., Crossbar]) -> Iterator[Crossbar]:
    """A Crossbar.io where nobody may call the meta API."""
    config = node_configuration(REALM, "127.0.0.1")
    [role] = config["workers"][0]["realms"][0]["roles"]
    role["permissions"][0]["uri"] = "com."
    with new_crossbar(realm=REALM, config=config) as router:
        yield router


def test_inspect_says_which_permission_is_missing(narrow: Crossbar) -> None:
    done = wampapp("inspect", "--url", narrow.rs_url)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        f"Error: The router at {narrow.rs_url} does not let the role 'anonymous' call "
        "wamp.session.list; give it permission to call what begins with 'wamp.', or join with a "
        "role that has it.\n"
    )


# doctor

STEPS = ["versions", "URL", "DNS", "TCP", "handshake", "realm", "clock", "router", "round trip"]


def steps_of(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {row["step"]: row for row in rows_of(done)}


def examined(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return wampapp("doctor", *words, "--json", **options)


def failed_at(
    done: subprocess.CompletedProcess[str], step: str, code: int, *parts: str
) -> dict[str, dict[str, Any]]:
    """Check that a step failed, with words of its sentence, and none before it; later ones did not
    happen."""
    steps = steps_of(done)
    names = list(steps)
    before, after = names[: names.index(step)], names[names.index(step) + 1 :]
    assert {steps[name]["status"] for name in before} <= {"ok", "warning"}, done.stdout
    assert steps[step]["status"] == "failed"
    assert {steps[name]["status"] for name in after} <= {"skipped"}, done.stdout
    assert after[-1:] == ["round trip"]
    for part in parts:
        assert part in steps[step]["detail"]
    assert done.returncode == steps[step]["exit_code"] == code
    last = done.stderr.splitlines()[-1]
    assert last == f"Error: The step {step!r} failed; {steps[step]['advice']}."
    return steps


@pytest.mark.both_routers
def test_doctor_finds_a_router_well(router: Router, url: str) -> None:
    done = examined("--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    steps = steps_of(done)
    assert list(steps) == STEPS
    statuses = {name: row["status"] for name, row in steps.items()}
    # Of Crossbar.io only a port with web pages tells the time, and this one has none.
    clock = "ok" if isinstance(router, EmbeddedRouter) else "skipped"
    assert statuses == {**dict.fromkeys(STEPS, "ok"), "clock": clock}
    assert steps["URL"]["source"] == "given by --url"
    assert steps["DNS"]["addresses"] == ["127.0.0.1"]
    spoken = "RawSocket" if url.startswith("rs") else "WebSocket"
    assert (steps["handshake"]["transport"], steps["handshake"]["serializer"]) == (
        spoken,
        "msgpack",
    )
    assert steps["realm"]["session"] > 0
    assert (steps["realm"]["realm"], steps["realm"]["authrole"]) == ("realm1", "anonymous")
    assert steps["realm"]["authid"]
    agent = "wampapp-" if isinstance(router, EmbeddedRouter) else "Crossbar.io, "
    assert steps["router"]["detail"].startswith(agent)
    assert "registration_meta_api" in steps["router"]["features"]["dealer"]
    for name in ("TCP", "handshake", "realm", "round trip"):
        assert 0 < steps[name]["ms"] < 30_000


def test_doctor_prints_a_line_for_each_step(embedded: EmbeddedRouter) -> None:
    done = wampapp("doctor", "--url", embedded.rs_url, env=environment(COLUMNS="60"))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    found = [re.match(r"(.{10})  (ok|skipped|warning)  *\S", line) for line in lines]
    assert [match[1].strip() for match in found if match] == STEPS
    assert max(len(line) for line in done.stdout.splitlines() if line.startswith(" ")) <= 60
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("words", "env", "source"),
    [
        (["--url", "{url}"], {"WAMPAPP_URL": "rs://127.0.0.1:1"}, "given by --url"),
        ([], {"WAMPAPP_URL": "{url}"}, "given by WAMPAPP_URL"),
        (["{app}"], {}, "given by App(url=…)"),
        (["{app}"], {"WAMPAPP_URL": "{url}"}, "given by WAMPAPP_URL"),
    ],
)
def test_doctor_says_where_the_url_comes_from(
    embedded: EmbeddedRouter, tmp_path: Path, words: list[str], env: dict[str, str], source: str
) -> None:
    file = tmp_path / "app.py"
    file.write_text(f"from wampapp import App\napp = App(url={embedded.rs_url!r})\n")
    put = {"url": embedded.rs_url, "app": str(file)}
    done = examined(
        *(word.format(**put) for word in words),
        env=environment(**{name: value.format(**put) for name, value in env.items()}),
    )
    steps = steps_of(done)
    assert (done.returncode, steps["URL"]["source"]) == (0, source)
    assert steps["URL"]["url"] == embedded.rs_url
    assert list(steps) == [*STEPS[:1], *(["target"] if words == ["{app}"] else []), *STEPS[1:]]


def test_doctor_takes_the_default_url_where_nothing_else_is_said() -> None:
    steps = steps_of(examined())
    assert (steps["URL"]["url"], steps["URL"]["source"]) == ("rs://127.0.0.1:8080", "the default")


def test_doctor_finds_a_url_that_is_none() -> None:
    failed_at(examined("--url", "http://127.0.0.1"), "URL", 2, "no known scheme", "--url")
    done = examined(env=environment(WAMPAPP_URL="rs://"))
    failed_at(done, "URL", 2, "names no host", "It is given by WAMPAPP_URL.")


def test_doctor_finds_a_name_without_address() -> None:
    done = examined("--url", "rs://router.invalid:8080")
    failed_at(done, "DNS", 3, "'router.invalid'", "has no address")


def test_doctor_repeats_a_name_that_is_no_text() -> None:
    steps = failed_at(examined("--url", "rs://\udcff.invalid:1"), "DNS", 3, "has no address")
    assert steps["URL"]["url"] == "rs://\udcff.invalid:1"


def test_doctor_finds_a_port_that_is_closed(free_port: int) -> None:
    done = examined("--url", f"ws://localhost:{free_port}/ws")
    steps = failed_at(done, "TCP", 3, "the connection was refused")
    assert "127.0.0.1" in steps["DNS"]["addresses"]


def test_doctor_finds_a_socket_that_is_not_there(tmp_path: Path) -> None:
    done = examined("--url", f"unix://{tmp_path}/nothing")
    failed_at(done, "socket", 3, "No such file or directory")


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_doctor_finds_what_is_no_wamp_router(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(30)
        url = f"{scheme}://127.0.0.1:{other.getsockname()[1]}"
        with Wampapp("doctor", "--json", "--url", url) as process:
            knock, _ = other.accept()
            knock.close()
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            code = process.wait()
    done = subprocess.CompletedProcess(
        process.words, code, "\n".join(process.stdout), "\n".join(process.stderr)
    )
    failed_at(done, "handshake", 3, "is not a WAMP router")


def test_doctor_finds_a_wrong_path(embedded: EmbeddedRouter) -> None:
    done = examined("--url", f"ws://127.0.0.1:{embedded.port}/")
    failed_at(done, "handshake", 3, "the WebSocket is at /ws")


@pytest.mark.parametrize("scheme", ["rs", "ws", "rss", "wss"])
def test_doctor_finds_a_server_that_says_nothing(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"{scheme}://127.0.0.1:{mute.getsockname()[1]}"
        done = examined("--url", url, "--connect-timeout", "2")
    step = "TLS" if scheme.endswith("ss") else "handshake"
    failed_at(done, step, 3, "within 2 s")


def test_doctor_is_interrupted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rs://127.0.0.1:{mute.getsockname()[1]}"
        with Wampapp("doctor", "--url", url) as process:
            process.until("^TCP +ok")
            assert process.stop(signal.SIGINT) == 130
    assert "\n".join(process.stderr).strip() == "Interrupted."


def test_doctor_shows_a_certificate_and_warns_before_it_ends(
    embedded: EmbeddedRouter, authority: Authority
) -> None:
    with TlsDoor(authority.issue("localhost"), embedded.port) as door:
        url = f"wss://localhost:{door.port}/ws"
        done = examined("--url", url, "--ca", str(authority.file))
    assert (done.returncode, done.stderr) == (0, "")
    steps = steps_of(done)
    assert list(steps) == [*STEPS[:4], "TLS", *STEPS[4:]]
    assert steps["TLS"]["names"] == ["localhost"]
    assert steps["TLS"]["issuer"].startswith("wampapp tests")
    # The authority's certificates are valid for a day.
    ends = dt.datetime.fromisoformat(steps["TLS"]["ends"])
    assert dt.timedelta(hours=23) < ends - dt.datetime.now(dt.UTC) < dt.timedelta(days=1)
    assert (steps["TLS"]["status"], steps["clock"]["status"]) == ("warning", "ok")
    assert "have it renewed" in steps["TLS"]["detail"]


def test_doctor_finds_a_certificate_long_valid_well(
    embedded: EmbeddedRouter, authority: Authority
) -> None:
    with TlsDoor(authority.issue("localhost", days=15), embedded.port) as door:
        url = f"rss://localhost:{door.port}"
        done = examined("--url", url, "--ca", str(authority.file))
    assert (done.returncode, steps_of(done)["TLS"]["status"]) == (0, "ok")


def test_doctor_finds_certificates_that_are_not_trusted(
    embedded: EmbeddedRouter, authority: Authority
) -> None:
    with TlsDoor(authority.issue("localhost"), embedded.port) as door:
        done = examined("--url", f"wss://localhost:{door.port}/ws")
        failed_at(done, "TLS", 4, "verify failed", "for localhost, by wampapp tests")
        done = examined("--url", f"wss://127.0.0.1:{door.port}/ws", "--ca", str(authority.file))
        failed_at(done, "TLS", 4, "the certificate is for another host", "for localhost")
        done = examined("--url", f"wss://127.0.0.1:{door.port}/ws", "--insecure")
        assert done.returncode == 0
        assert "not checked because of --insecure" in steps_of(done)["TLS"]["detail"]
        assert steps_of(done)["TLS"]["status"] == "warning"
    with TlsDoor(authority.issue("localhost", expired=True), embedded.port) as door:
        done = examined("--url", f"rss://localhost:{door.port}", "--ca", str(authority.file))
        failed_at(done, "TLS", 4, "verify failed", "expired on")


def test_doctor_finds_that_a_certificate_of_ours_is_asked_for(
    embedded: EmbeddedRouter, authority: Authority
) -> None:
    with TlsDoor(authority.issue("localhost"), embedded.port, clients=authority.file) as door:
        words = ("--url", f"wss://localhost:{door.port}/ws", "--ca", str(authority.file))
        steps = failed_at(examined(*words), "handshake", 4, "TLS failed")
        assert "--cert" in steps["handshake"]["advice"]
        mine = str(authority.issue("client"))
        assert examined(*words, "--cert", mine).returncode == 0


def test_doctor_finds_a_file_that_is_not_there(embedded: EmbeddedRouter) -> None:
    done = examined("--url", f"wss://127.0.0.1:{embedded.port}/ws", "--ca", "/nowhere.pem")
    steps = failed_at(done, "TLS", 2, "/nowhere.pem cannot be read")
    assert steps["TLS"]["advice"].startswith("correct the name of the file")


def test_doctor_finds_a_router_without_tls(embedded: EmbeddedRouter) -> None:
    done = examined("--url", f"wss://127.0.0.1:{embedded.port}/ws")
    steps = failed_at(done, "TLS", 3, "does not speak TLS")
    assert "write ws:// or rs://" in steps["TLS"]["advice"]


def test_doctor_finds_a_realm_that_is_refused(crossbar: Crossbar) -> None:
    done = examined("--url", crossbar.ws_url, "--realm", "nowhere")
    steps = failed_at(done, "realm", 4, "refused the realm 'nowhere'")
    assert steps["handshake"]["status"] == "ok"


def test_doctor_finds_a_credential_that_is_wrong(guarded: Crossbar) -> None:
    words = ("--url", guarded.rs_url, "--authmethod", "ticket", "--authid", "ticketed")
    done = examined(*words, env=environment(WAMPAPP_SECRET=WRONG))
    failed_at(done, "realm", 4, "the ticket credential of 'ticketed'")
    assert WRONG not in done.stdout + done.stderr
    done = examined(*words, env=environment(WAMPAPP_SECRET=TICKET))
    assert done.returncode == 0
    joined = steps_of(done)["realm"]
    assert (joined["authid"], joined["authrole"], joined["authmethod"]) == (
        "ticketed",
        "member",
        "ticket",
    )
    assert TICKET not in done.stdout + done.stderr


class Misdated(Wire):
    """A wire whose far end has another idea of the time."""

    late = dt.timedelta(hours=1)

    def _pass(self, source: socket.socket) -> None:
        try:
            asks = source.recv(5, socket.MSG_PEEK) == b"HEAD "
        except OSError:
            asks = False
        if not asks:
            super()._pass(source)
            return
        source.recv(65536)
        date = format_datetime(dt.datetime.now(dt.UTC) - self.late, usegmt=True)
        source.sendall(f"HTTP/1.1 200 OK\r\nServer: x\r\nDate: {date}\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("late", "words"), [(3600, "360. s ahead of"), (-90, "(89|90) s behind"), (3, "agrees")]
)
def test_doctor_compares_the_clocks(embedded: EmbeddedRouter, late: int, words: str) -> None:
    with Misdated(embedded.port) as wire:
        wire.late = dt.timedelta(seconds=late)
        done = examined("--url", wire.ws_url)
    clock = steps_of(done)["clock"]
    assert done.returncode == 0
    assert re.search(words, clock["detail"]), clock
    assert clock["status"] == ("ok" if words == "agrees" else "warning")


def test_doctor_finds_a_router_that_stops_to_answer() -> None:
    with AnsweringRouter({}, silent=True) as router:
        done = examined("--url", router.url, "--connect-timeout", "2")
    steps = steps_of(done)
    assert (done.returncode, steps["round trip"]["status"]) == (3, "failed")
    assert "its answers did not come" in steps["round trip"]["detail"]
    assert steps["router"]["detail"] == "it does not say what it is"


def test_doctor_finds_what_is_too_old(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    old = tmp_path / "msgspec-0.1.2.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: msgspec\nVersion: 0.1.2\n")
    done = examined("--url", embedded.rs_url, env=environment(PYTHONPATH=str(tmp_path)))
    found = steps_of(done)["versions"]
    assert (done.returncode, found["status"]) == (0, "warning")
    assert (
        "msgspec 0.1.2 is older than 0.20; pip install --upgrade 'msgspec>=0.20'"
        in (found["detail"])
    )


# doctor TARGET


@pytest.mark.both_routers
def test_doctor_looks_at_a_target_without_running_it(service: Path, url: str) -> None:
    done = examined(service, "--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    target = steps_of(done)["target"]
    assert (target["status"], target["procedures"], target["topics"]) == ("ok", 3, 2)
    assert "3 procedures, 2 topics" in target["detail"]


def test_doctor_finds_a_target_that_is_none(tmp_path: Path) -> None:
    done = examined("missing.py", cwd=tmp_path, env=environment())
    failed_at(done, "target", 2, "There is no file 'missing.py'")
    (tmp_path / "empty.py").write_text("")
    done = examined("empty.py", cwd=tmp_path, env=environment())
    failed_at(done, "target", 2, "empty.py has no App")


def test_doctor_finds_a_target_that_raises(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import json\njson.loads('')\n")
    done = examined("broken.py", cwd=tmp_path)
    failed_at(done, "target", 1, "it raised json.decoder.JSONDecodeError")
    assert "broken.py" in done.stderr
    assert "wampapp/" not in done.stderr


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """An app that has a router of its own."""
    file = tmp_path / "own.py"
    file.write_text(
        "from wampapp import App\napp = App()\n"
        "@app.on_startup\ndef start(): raise RuntimeError('it ran')\n"
    )
    return file


def test_doctor_finds_an_own_router_s_port_free(own: Path, free_port: int) -> None:
    done = examined(own, "--port", str(free_port))
    assert (done.returncode, done.stderr) == (0, "")
    steps = steps_of(done)
    assert list(steps) == ["versions", "target", "URL", "port"]
    assert "free; the app starts its own router there" in steps["port"]["detail"]


def test_doctor_finds_a_router_at_an_own_router_s_port(own: Path, embedded: EmbeddedRouter) -> None:
    done = examined(own, env=environment(WAMPAPP_PORT=str(embedded.port)))
    assert (done.returncode, done.stderr) == (0, "")
    steps = steps_of(done)
    assert list(steps) == ["versions", "target", "URL", "port", *STEPS[2:]]
    assert steps["port"]["url"] == embedded.rs_url
    assert "runs there; the app joins it" in steps["port"]["detail"]
    if sys.platform == "linux":
        assert f"process {embedded.pid})" in steps["port"]["detail"]


@pytest.mark.slow
def test_doctor_finds_an_own_router_s_port_taken(own: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = examined(own, "--port", port, "--connect-timeout", "2")
    steps = failed_at(done, "port", 2, f"Port {port} on 127.0.0.1 is taken", "not a WAMP router")
    if sys.platform == "linux":
        assert f"process {os.getpid()}." in steps["port"]["detail"]
