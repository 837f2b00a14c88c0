"""Services in processes of their own: ``wampapp run --reload`` and ``--workers``."""

import json
import os
import queue
import re
import select
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.process import EmbeddedRouter, Process, Wampapp, environment, run, wampapp
from tests.support.programs import program
from tests.support.terminal import WampappTerminal
from wampapp import App, Canceled, ConnectionLost, UsageError, connect
from wampapp.client.connect import ConnectedClient
from wampapp.crossbar import Crossbar
from wampapp.registry.records import Worker
from wampapp.runner.signals import ECHO
from wampapp.supervisor.watcher import Watcher

Router = EmbeddedRouter | Crossbar

SERVICE = program("reload_and_workers_service.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(SERVICE)
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "app.py"
    text = file.read_text()
    assert old in text
    # At once, or a busy machine would make two saves of it.
    (folder / ".app.py.new").write_text(text.replace(old, new))
    (folder / ".app.py.new").replace(file)


def joined(service: Process) -> ConnectedClient:
    """A client at the router that a service's banner names."""
    url = service.until(r"(rs://\S+)")[1]
    service.until("Press Ctrl-C")
    return connect(url, timeout=60)


@pytest.mark.parametrize(
    ("options", "named"), [(["--reload"], True), (["--debug"], True), ([], False)], ids=str
)
def test_a_handler_that_blocks_the_loop_is_named_in_development(
    tmp_path: Path, options: list[str], named: bool
) -> None:
    (tmp_path / "app.py").write_text(program("blocking_service.py"))
    with Wampapp("run", "app.py", "--port", "0", *options, cwd=tmp_path) as service:
        with joined(service) as client:
            assert client.call("com.example.report", 30.0 if named else 0.3) is named
        service.stop()
    assert ("com.example.report has blocked the event loop" in service.text) is named


def has_ended(pid: int) -> bool:
    """Wait for the end of a process that is not our child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 30)[0])
    finally:
        os.close(handle)


def pids(client: ConnectedClient, count: int) -> set[int]:
    """The processes that answer: each has its turn."""
    return {client.call("com.example.pid") for _ in range(count)}


# Reloading.


def test_a_save_starts_the_service_anew_and_the_router_stays(project: Path) -> None:
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client:
            session = client._current().session
            assert client.call("com.example.version") == 1
            edit(project, "return 1", "return 2")
            service.until(r"Reloaded in \d+\.\d\d s: app.py$")
            assert client.call("com.example.version") == 2
            edit(project, "def version()", "def edition(which: str = '')")
            service.until(r"^    - com.example.version\(\) -> int$")
            service.until(r"^    \+ com.example.edition\(which: str = ''\) -> int$")
            assert client.call("com.example.edition", "a") == 2
            assert client._current().session is session  # it was never lost
        assert service.stop() == 0, service.text
        assert service.text.count("Press Ctrl-C") == 1


def test_a_mistake_in_a_save_is_one_block_and_the_service_before_goes_on(project: Path) -> None:
    with Wampapp("run", "--reload", "--port", "0", "app:app", cwd=project) as service:
        with joined(service) as client:
            before = client.call("com.example.pid")
            edit(project, "def version() -> int:", "def version( -> int:")
            service.until("Waiting for the next save; meanwhile the service before goes on")
            at = service.stderr.index("Error: app.py:13: invalid syntax.")
            assert service.stderr[at + 1 : at + 4] == [
                "",
                "    def version( -> int:",
                "                 ^",
            ]
            assert client.call("com.example.pid") == before
            edit(project, "def version( -> int:", "def version() -> int:")
            service.until("Reloaded in")
            assert client.call("com.example.pid") != before
            edit(project, "return 1\n", "return 1\n\n\n1 / 0\n")
            service.until("ZeroDivisionError: division by zero")
            assert "Traceback" in service.text
        assert service.stop() == 0, service.text
        assert has_ended(before)


def test_a_service_that_never_started_waits_for_the_save_that_mends_it(project: Path) -> None:
    edit(project, "return 1", "return (")
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        service.until("Error: app.py:14: '\\(' was never closed.")
        service.until("Waiting for the next save; meanwhile nothing runs")
        edit(project, "return (", "return 3")
        with joined(service) as client:
            assert client.call("com.example.version") == 3
        assert service.stop(signal.SIGTERM) == 0, service.text


def test_a_target_that_no_save_makes_right_ends_at_once(project: Path) -> None:
    for options in (["--reload"], ["--workers", "3"], ["--reload", "--workers", "2"]):
        done = wampapp("run", *options, "ap:app", cwd=project)
        assert done.returncode == 2
        sentence = "There is no module 'ap' here or on Python's path. Did you mean app?"
        assert done.stderr == f"Error: {sentence}\n"


def test_a_port_that_something_else_holds_ends_at_once(project: Path, free_port: int) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", free_port))
        other.listen()
        done = wampapp(
            "run",
            "--reload",
            "--port",
            str(free_port),
            "--handshake-timeout",
            "1",
            "app",
            cwd=project,
        )
    assert done.returncode == 2
    assert re.fullmatch(f"Error: Port {free_port} on .* is taken .*\n", done.stderr), done.stderr


@pytest.mark.parametrize("how", ["not installed", "broken"])
def test_it_reloads_without_the_system_telling_of_saves(project: Path, how: str) -> None:
    env = environment()
    code = "import sys; from wampapp.cli.main import main; "
    if how == "not installed":
        code += "sys.modules['watchfiles'] = None; "
    else:
        stub = project / "stub"
        stub.mkdir()
        (stub / "watchfiles.py").write_text("def watch(*_, **__):\n    raise OSError('no more')\n")
        env["PYTHONPATH"] = os.pathsep.join([str(stub), *filter(None, [env.get("PYTHONPATH")])])
    words = [sys.executable, "-c", f"{code}main()", "run", "--reload", "--port", "0", "app.py"]
    with Process(*words, cwd=project, env=env) as service:
        with joined(service) as client:
            edit(project, "return 1", "return 2")
            service.until("Reloaded in")
            assert client.call("com.example.version") == 2
            assert ("The system does not report saves (no more)" in service.text) == (
                how == "broken"
            )
        assert service.stop() == 0, service.text


def test_a_service_that_hangs_while_it_starts_is_mended_by_a_save(project: Path) -> None:
    edit(project, "def begin() -> None:", "def begin() -> None:\n    app.log('hangs'); go.wait()")
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        service.until("hangs")
        edit(project, "go.wait()", "pass")
        with joined(service) as client:
            assert client.call("com.example.version") == 1
        assert service.stop() == 0, service.text


def test_a_service_whose_loop_is_blocked_is_killed(project: Path) -> None:
    edit(
        project,
        "@app.register\ndef slow",
        "@app.register(run='loop')\ndef block() -> None:\n    app.log('blocks'); go.wait()\n\n\n"
        "@app.register\ndef slow",
    )
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client, ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.call, "com.example.block")
            service.until("blocks")
            edit(project, "return 1", "return 2")
            service.until("The service has not stopped within 2 s; it was killed.")
            service.until("Reloaded in")
            assert isinstance(call.exception(30), Canceled)
            assert client.call("com.example.version") == 2
        assert service.stop() == 0, service.text


def test_a_crash_waits_for_the_next_save(project: Path) -> None:
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client:
            os.kill(client.call("com.example.pid"), signal.SIGKILL)
            service.until("The service was ended by SIGKILL; waiting for the next save")
            (project / "app.py").touch()
            service.until("Reloaded in")
            assert client.call("com.example.version") == 1
        assert service.stop() == 0, service.text


def test_a_service_that_writes_what_is_watched_is_no_storm(project: Path) -> None:
    edit(
        project,
        "def begin() -> None:",
        "def begin() -> None:\n    open('made.py', 'w').write(f'# {time.time_ns()}\\n')",
    )
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        service.until("made.py is saved with every start; the next is in 1 s")
        service.until("made.py is saved with every start; the next is in 2 s")
        assert service.stop() == 0, service.text


def test_not_even_where_it_writes_while_it_is_imported(project: Path) -> None:
    edit(
        project,
        "EVENTS = []",
        "EVENTS = []\nopen('made.py', 'w').write(f'# {time.time_ns()}\\n'); time.sleep(0.5)",
    )
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        service.until("made.py is saved with every start; the next is in 1 s")
        with joined(service) as client:
            assert client.call("com.example.version") == 1
        assert service.stop() == 0, service.text


def test_its_own_log_starts_nothing(project: Path) -> None:
    """Even where the log's folder is watched."""
    logs = project / "data"
    logs.mkdir()
    edit(
        project,
        "EVENTS = []",
        "EVENTS = []\nimport logging\napp.logger.addHandler(logging.FileHandler('data/app.txt'))\n"
        "app.logger.warning('here'); time.sleep(0.5)  # long enough for the watcher to see it",
    )
    words = ("run", "--reload", "--watch", "data", "--port", "0", "app.py")
    with Wampapp(*words, cwd=project) as service:
        with joined(service) as client:
            before = client.call("com.example.pid")
            for _ in range(20):
                client.call("com.example.slow", 0)
            assert "slow has begun" in (logs / "app.txt").read_text()
            (logs / "other.txt").write_text("a")
            service.until("Reloaded in")
            assert "Reloaded in" in service.text
            assert service.text.count("Reloaded in") == 1
            assert "data/other.txt" in service.text
            assert client.call("com.example.pid") != before
        assert service.stop() == 0, service.text


@pytest.mark.both_routers
def test_a_reloaded_app_joins_the_router_that_it_names(project: Path, router: Router) -> None:
    edit(project, 'App(prefix="com.example"', f'App("{router.rs_url}", prefix="com.example"')
    with Wampapp("run", "--reload", "app.py", cwd=project) as service:
        service.until("Press Ctrl-C")
        assert [line for line in service.stderr if "router " in line] == [
            f"  router      {router.rs_url}"
        ]
        with connect(router.rs_url, timeout=60) as client:
            for number in (2, 3):
                edit(project, f"return {number - 1}", f"return {number}")
                service.until(r"Reloaded in [^\n]*app.py")
                service.stderr.clear()
                assert client.call("com.example.version") == number
        assert service.stop() == 0, service.text


def test_several_saves_of_one_second_all_count(project: Path) -> None:
    """Though Python would take one's compiled module for the other's source."""
    second = time.time_ns() // 10**9 * 10**9
    file, new = project / "app.py", project / ".app.py.new"
    env = environment()
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    with Wampapp("run", "--reload", "--port", "0", "app:app", cwd=project, env=env) as service:
        with joined(service) as client:
            for number in (2, 3, 4):
                service.stderr.clear()
                new.write_text(file.read_text().replace(f"return {number - 1}", f"return {number}"))
                os.utime(new, ns=(second + number, second + number))
                new.replace(file)
                service.until("Reloaded in")
                assert client.call("com.example.version") == number
        assert service.stop() == 0, service.text


def test_ctrl_c_on_a_terminal_lets_handlers_finish(project: Path) -> None:
    for options in (["--reload"], ["--workers", "2"]):
        words = ("run", *options, "--port", "0", "app.py")
        with WampappTerminal(*words, cwd=project) as terminal:
            url = terminal.until(r"(rs://\S+)")[1]
            terminal.until("Press Ctrl-C")
            with connect(url, timeout=60) as client, ThreadPoolExecutor(1) as pool:
                call = pool.submit(client.call, "com.example.slow", 0.3)
                terminal.until("slow has begun")
                terminal.press("ctrl-c")
                assert call.result(60) == "done"
            assert terminal.wait() == 0, terminal.text
        assert "Stopping: running handlers may finish" in terminal.text
        assert "Traceback" not in terminal.text


def test_a_second_ctrl_c_ends_all_at_once(project: Path) -> None:
    with WampappTerminal("run", "--workers", "2", "--port", "0", "app.py", cwd=project) as terminal:
        url = terminal.until(r"(rs://\S+)")[1]
        terminal.until("Press Ctrl-C")
        with connect(url, timeout=60) as client, ThreadPoolExecutor(1) as pool:
            running = pids(client, 2)
            call = pool.submit(client.call, "com.example.slow", 60)
            terminal.until("slow has begun")
            terminal.press("ctrl-c")
            terminal.until("Stopping")
            time.sleep(ECHO)  # or it would be an echo of the first
            terminal.press("ctrl-c")
            assert terminal.wait() == 130, terminal.text
            assert isinstance(call.exception(30), ConnectionLost)
    assert all(map(has_ended, running))


@pytest.mark.parametrize("options", [["--reload"], ["--workers", "1"], ["--workers", "2"]], ids=str)
def test_the_processes_end_with_their_parent(project: Path, options: list[str]) -> None:
    with Wampapp("run", *options, "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client:
            running = pids(client, 2)
            service.stop(signal.SIGKILL)
        assert all(map(has_ended, running))


def test_what_is_asked_for_at_the_terminal_is_asked_once_and_shown_to_nobody(
    project: Path,
) -> None:
    words = ("run", "--workers", "2", "--port", "0", "--authmethod", "ticket", "--authid", "ada")
    with WampappTerminal(*words, "--ask-secret", "app.py", cwd=project) as terminal:
        terminal.until("Secret: ")
        terminal.type("open sesame")
        url = terminal.until(r"(rs://\S+)")[1]
        terminal.until("Press Ctrl-C")
        with connect(url, timeout=60) as client:
            running = pids(client, 2)
        assert len(running) == 2
        for pid in running:
            for file in ("cmdline", "environ"):
                assert b"sesame" not in Path(f"/proc/{pid}/{file}").read_bytes()
        terminal.press("ctrl-c")
        assert terminal.wait() == 0
        assert terminal.text.count("Secret: ") == 1


def test_a_program_that_runs_the_command_itself_does_not_multiply(project: Path) -> None:
    (project / "program.py").write_text(
        "from wampapp.cli.group import cli\n"
        "cli.main(['run', '--workers', '2', '--port', '0', 'app.py'], standalone_mode=False)\n"
    )
    done = run(sys.executable, "program.py", cwd=project)
    assert done.returncode == 1
    assert "are started only by the command 'wampapp run'" in done.stderr


# Watching.


@pytest.fixture
def saves(tmp_path: Path) -> Iterator[tuple[Path, queue.SimpleQueue[list[str]]]]:
    """A project with everything that may lie around, and what its watcher says."""
    for name in ("src", ".git", "__pycache__", "node_modules", "env", "pages", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "one.cfg").touch()
    news: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    watcher = Watcher(tmp_path, ["*.html", "pages", "one.cfg"])
    watcher.ignore([str(tmp_path / "pages" / "ignored.txt")])
    watcher.start(news.put)
    yield tmp_path, news
    watcher.stop()


@pytest.mark.parametrize(
    "name", ["app.py", "src/deep.py", "page.html", "src/page.html", "pages/a.txt", "one.cfg"]
)
def test_what_is_watched(saves: tuple[Path, queue.SimpleQueue[list[str]]], name: str) -> None:
    folder, news = saves
    for text in ("a", "ab"):  # a new file, and a changed one
        (folder / name).write_text(text)
        assert news.get(timeout=60) == [name]
    if name != "one.cfg":
        (folder / name).unlink()
        assert news.get(timeout=60) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        ".hidden.py",
        ".#app.py",
        "app.py~",
        "one.py.tmp",
        ".git/hook.py",
        "__pycache__/app.py",
        "node_modules/gyp.py",
        "env/lib.py",
        "pages/ignored.txt",
        "pages/app.log",
        "pages/db.sqlite-wal",
        "two.cfg",
    ],
)
def test_what_is_not(saves: tuple[Path, queue.SimpleQueue[list[str]]], name: str) -> None:
    folder, news = saves
    (folder / name).write_text("a")
    (folder / "src" / "last.py").write_text("a")
    assert news.get(timeout=60) == ["src/last.py"]


def test_several_files_at_once_are_one_save(
    saves: tuple[Path, queue.SimpleQueue[list[str]]],
) -> None:
    folder, news = saves
    names = [f"module_{number}.py" for number in range(30)]
    for name in names:
        (folder / name).write_text(name)
    seen: list[str] = []
    while len(seen) < len(names):
        seen += news.get(timeout=60)
    assert sorted(seen) == sorted(names)


def test_a_watched_thing_that_is_not_there_is_told(project: Path) -> None:
    with pytest.raises(UsageError, match="--watch gone: there is no such file or folder"):
        Watcher(project, ["gone"])
    done = wampapp("run", "--reload", "--watch", "gone", "app.py", cwd=project)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


# Workers.


def test_workers_share_what_an_app_declares() -> None:
    app = App(prefix="com.example")

    @app.register
    def shared() -> None: ...

    @app.register(invoke="single", force_reregister=True)
    def single() -> None: ...

    @app.register(invoke="last", force_reregister=True)
    def last() -> None: ...

    @app.subscribe
    def news() -> None: ...

    @app.subscribe(every_worker=True)
    def everybody() -> None: ...

    @app.every(1)
    def tick() -> None: ...

    @app.every(1, every_worker=True)
    def tock() -> None: ...

    @app.on_join
    def hook() -> None: ...

    def told(worker: Worker) -> tuple[list[tuple[str, str | None, bool]], list[str], list[str]]:
        registry = app.registry.for_worker(worker)
        assert len(registry.hooks("join")) == 1
        return (
            [(r.endpoint.__name__, r.invoke, r.force_reregister) for r in registry.registrations],
            [s.handler.__name__ for s in registry.subscriptions],
            [t.function.__name__ for t in registry.timers],
        )

    assert app.registry.for_worker(Worker()) is app.registry
    assert told(Worker(1, 2)) == (
        [("shared", "roundrobin", False), ("single", "single", True), ("last", "last", True)],
        ["news", "everybody"],
        ["tick", "tock"],
    )
    assert told(Worker(1, 2, again=True))[0] == [
        ("shared", "roundrobin", False),
        ("single", "single", False),
        ("last", "last", False),
    ]
    assert told(Worker(2, 2)) == (
        [("shared", "roundrobin", False), ("last", "last", False)],
        ["everybody"],
        ["tock"],
    )


@pytest.mark.both_routers
def test_workers_answer_in_turn(project: Path, router: Router) -> None:
    words = ("run", "--workers", "3", "--url", router.rs_url, "app.py")
    with Wampapp(*words, cwd=project) as service:
        service.until("Press Ctrl-C")
        assert "  workers     3; events and timers are for worker 1" in service.stderr
        assert (
            "              com.example.lonely is single: only worker 1 registers it"
            in service.stderr
        )
        # Workers 2 and 3 start beside each other.
        starts = [re.sub(r"^.*  com", "com", line) for line in service.stderr if "starts" in line]
        assert sorted(starts) == [f"com.example[{n}]  starts as {n} of 3" for n in (1, 2, 3)]
        with connect(router.rs_url, timeout=60) as client:
            turns = Counter(client.call("com.example.pid") for _ in range(9))
            assert sorted(turns.values()) == [3, 3, 3]
            first = client.call("com.example.lonely")
            assert first in turns
            for number in range(10):
                client.publish("com.example.news", str(number))
                client.publish("com.example.everybody", str(number))
            for pid in turns:
                service.until(f"everybody 9 for {pid}$")
            service.until(f"news 9 for {first}$")
            heard = [line for line in service.stderr if "  news " in line]
            assert [line.partition("news ")[2] for line in heard] == [
                f"{number} for {first}" for number in range(10)
            ]
        assert service.stop(signal.SIGTERM) == 0, service.text


@pytest.mark.both_routers
def test_a_crashed_worker_is_replaced(project: Path, router: Router) -> None:
    words = ("run", "--workers", "2", "--url", router.rs_url, "app.py")
    with Wampapp(*words, cwd=project) as service:
        service.until("Press Ctrl-C")
        with connect(router.rs_url, timeout=60) as client:
            before = pids(client, 2)
            assert len(before) == 2
            killed = client.call("com.example.lonely")
            os.kill(killed, signal.SIGKILL)
            service.until(r"Worker 1 was ended by SIGKILL; another takes its place in 0.2 s")
            service.until("Worker 1 is up again")
            after = pids(client, 2)
            assert len(after) == 2
            assert after & before == before - {killed}
            assert client.call("com.example.lonely") in after - before
        assert service.stop() == 0, service.text


def test_a_worker_that_keeps_crashing_is_started_ever_more_seldom(project: Path) -> None:
    edit(
        project,
        "def begin() -> None:",
        "def begin() -> None:\n    if app.worker.again: os._exit(7)",
    )
    with Wampapp("run", "--workers", "2", "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client:
            os.kill(client.call("com.example.lonely"), signal.SIGKILL)
            for seconds in ("0.4", "0.8", "1.6"):
                service.until(f"Worker 1 ended with exit code 7; another .* in {seconds} s")
            assert len(pids(client, 2)) == 1  # the other one serves on
        assert service.stop() == 0, service.text


def test_what_ails_every_worker_is_told_once(project: Path) -> None:
    edit(project, "def begin() -> None:", "def begin() -> None:\n    raise KeyError('no')")
    done = wampapp("run", "--workers", "3", "--port", "0", "app.py", cwd=project)
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(told) == 1, done.stderr
    assert re.search(r"The startup hook begin \(.*app.py:\d+\) failed: KeyError: 'no'.$", told[0])


@pytest.mark.both_routers
def test_a_procedure_of_another_service_ends_all_workers_with_4(
    project: Path, router: Router
) -> None:
    with connect(router.rs_url, timeout=60) as client:
        client.register("com.example.lonely", lambda: 0)
        words = ("run", "--workers", "2", "--url", router.rs_url, "app.py")
        done = wampapp(*words, cwd=project)
    assert done.returncode == 4
    assert "has registered 'com.example.lonely' already" in done.stderr
    # The others were not told to join, so one startup hook has run.
    assert len(done.stderr.splitlines()) == 2, done.stderr


def test_workers_as_json(project: Path) -> None:
    words = ("run", "--workers", "2", "--log-format", "json", "--port", "0", "app.py")
    with Wampapp(*words, cwd=project) as service:
        service.until('"message":"com.example is up"')
        assert service.stop() == 0, service.text
    lines = [json.loads(line) for line in service.stderr]
    assert {line.get("worker") for line in lines if "starts" in line["message"]} == {1, 2}


def test_both_reload_and_workers(project: Path) -> None:
    words = ("run", "--workers", "2", "--reload", "--port", "0", "app.py")
    with Wampapp(*words, cwd=project) as service:
        with joined(service) as client:
            before = pids(client, 2)
            edit(project, "return 1", "return 2")
            service.until("Reloaded in")
            assert client.call("com.example.version") == 2
            after = pids(client, 2)
            assert len(before) == len(after) == 2
            assert not before & after
        assert service.stop() == 0, service.text
