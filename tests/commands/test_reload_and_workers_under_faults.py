"""``wampapp run --reload`` and ``--workers`` where something goes wrong beside them."""

import asyncio
import os
import queue
import shutil
import signal
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.commands.test_reload_and_workers import edit, has_ended, joined, pids
from tests.support.process import EmbeddedRouter, Process, Wampapp, wampapp
from tests.support.programs import program
from wampapp import NoSuchProcedure, WampError, connect
from wampapp.supervisor import watcher as watching
from wampapp.supervisor.child import Child
from wampapp.supervisor.ended import ServiceEnded
from wampapp.supervisor.parent import Parent
from wampapp.supervisor.pipe import Start

SERVICE = program("reload_and_workers_under_faults_service.py")

ALL = pytest.mark.parametrize("options", [[], ["--workers", "2"], ["--reload"]])
SUPERVISED = pytest.mark.parametrize("options", [["--workers", "2"], ["--reload"]])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(SERVICE)
    return tmp_path


@ALL
def test_a_service_without_standard_streams_runs_all_the_same(
    project: Path, options: list[str]
) -> None:
    """What is opened first would get their numbers: the pipe between the processes, say."""
    words = [sys.executable, "-m", "wampapp", "run", *options, "--port", "0", "app.py"]
    with Process("sh", "-c", 'exec "$@" <&- 2>&-', "sh", *words, cwd=project) as service:
        service.until("has joined")
        assert service.stop() == 0, service.text
        assert set(service.stdout) == {"has joined"}


@ALL
def test_processes_that_a_handler_forks_end_with_the_service(
    project: Path, options: list[str]
) -> None:
    """Python's exit ends them by SIGTERM and waits: they must not take that for our own."""
    with Wampapp("run", *options, "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client:
            forked = client.call("com.example.fork")
        try:
            assert service.stop() == 0, service.text
            assert has_ended(forked)
        finally:
            if not has_ended_by_now(forked):
                os.kill(forked, signal.SIGKILL)


def has_ended_by_now(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@SUPERVISED
def test_an_import_that_never_ends_does_so_with_the_parent(
    project: Path, options: list[str]
) -> None:
    edit(project, "go = ", "print('pid', os.getpid(), flush=True)\ngo = ")
    edit(project, "go = threading.Event()", "go = threading.Event()\ngo.wait()")
    with Wampapp("run", *options, "--port", "0", "app.py", cwd=project) as service:
        pid = int(service.until(r"pid (\d+)")[1])
        os.kill(service.pid, signal.SIGKILL)
        assert has_ended(pid)


@pytest.mark.slow
def test_a_save_while_the_port_is_looked_at_changes_nothing_of_the_verdict(
    project: Path, free_port: int
) -> None:
    with socket.create_server(("127.0.0.1", free_port)) as other:
        words = ("--port", str(free_port), "--handshake-timeout", "1", "app.py")
        with Wampapp("run", "--reload", *words, cwd=project) as service:
            silent, _ = other.accept()
            edit(project, "return 1", "return 2")
            code = service.wait()
            silent.close()
    assert code == 2
    assert f"Error: Port {free_port} on 127.0.0.1 is taken" in service.text


def test_a_worker_that_comes_back_leaves_the_others_what_they_share(project: Path) -> None:
    """Though it took the procedure by force when it came first."""
    with EmbeddedRouter() as router:
        words = ("run", "--workers", "2", "--url", router.rs_url, "app.py")
        with Wampapp(*words, cwd=project) as service:
            service.until("Press Ctrl-C")
            with connect(router.rs_url, timeout=60) as client:
                both = pids(client, 2)
                assert len(both) == 2
                first = client.call("com.example.lonely")
            # Worker 1 comes back after the other.
            router.stop(signal.SIGKILL)
            os.kill(first, signal.SIGSTOP)
            try:
                with EmbeddedRouter(router.port) as again:
                    service.until("Joined again")
                    os.kill(first, signal.SIGCONT)
                    with connect(again.rs_url, timeout=60) as client:
                        service.until(r"\[1\].*Joined again")
                        service.until(r"\[2\].*Joined again")
                        assert pids(client, 4) == both
                    assert service.stop() == 0, service.text
            finally:
                if not has_ended_by_now(first):
                    os.kill(first, signal.SIGCONT)


@pytest.mark.slow
def test_a_save_that_cuts_a_change_short_is_told_as_it_is(project: Path) -> None:
    """The old service has been told to leave, so it does not go on."""
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client, ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.call, "com.example.slow")
            service.until("slow has begun")
            edit(project, "return 1", "return 2")
            with pytest.raises(NoSuchProcedure):
                while client.call("com.example.version") == 1:
                    pass
            edit(project, "return 2", "return (")
            service.until("'\\(' was never closed")
            service.until("Waiting for the next save; meanwhile nothing runs")
            assert call.exception(30)
            edit(project, "return (", "return 3")
            service.until("Reloaded in")
            assert client.call("com.example.version") == 3
        assert service.stop() == 0, service.text
        assert "The service ended" not in service.text


@SUPERVISED
def test_a_long_word_of_a_service_is_heard_to_its_end(project: Path, options: list[str]) -> None:
    """One that the pipe holds in pieces."""
    edit(project, "go = threading.Event()", "raise KeyError('x' * 2_000_000)")
    with Wampapp("run", *options, "--port", "0", "app.py", cwd=project) as service:
        service.until("^KeyError: 'x{2000000}'$")
        if options == ["--reload"]:
            service.until("meanwhile nothing runs")
            assert service.stop() == 0, service.text
        else:
            assert service.wait() == 1


def test_a_target_in_no_folder_is_one_sentence(project: Path) -> None:
    done = wampapp("run", "--reload", "nowhere/app.py", cwd=project)
    assert done.returncode == 2
    assert done.stderr == "Error: There is no file 'nowhere/app.py'. Did you mean app.py?\n"


def test_a_signal_to_the_whole_group_is_no_failure_of_those_it_ends_first() -> None:
    class Group(Parent):
        async def _work(self, children: list[Child]) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            raise ServiceEnded(-signal.SIGTERM)

    def message(*_: object) -> Start:
        raise AssertionError

    asyncio.run(Group(message, {}, as_json=True).run([]))


# A service that ends with exit code 0, though nobody has stopped it.


def test_a_worker_that_ends_with_0_is_replaced(project: Path) -> None:
    with Wampapp("run", "--workers", "2", "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client:
            with pytest.raises(WampError):
                client.call("com.example.end")
            number = service.until(r"Worker (\d) ended with exit code 0; another takes its place")[
                1
            ]
            service.until(f"Worker {number} is up again")
            assert len(pids(client, 2)) == 2
        assert service.stop() == 0, service.text


def test_a_reloaded_service_that_ends_with_0_waits_for_the_next_save(project: Path) -> None:
    with Wampapp("run", "--reload", "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client:
            with pytest.raises(WampError):
                client.call("com.example.end")
            service.until("The service ended with exit code 0; waiting for the next save")
            edit(project, "return 1", "return 2")
            service.until("Reloaded in")
            assert client.call("com.example.version") == 2
        assert service.stop() == 0, service.text


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("os._exit(0)", "ended with exit code 0"),
        ("os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
    ],
)
def test_workers_that_end_before_they_serve_end_the_run_with_a_sentence(
    project: Path, end: str, how: str
) -> None:
    edit(project, "go = ", f"{end}\ngo = ")
    done = wampapp("run", "--workers", "2", "--port", "0", "app.py", cwd=project)
    assert done.returncode == 1
    assert done.stderr == f"Error: The service {how}.\n"


# Watching.


def test_a_folder_that_cannot_be_read_is_left_out() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "app.py").touch()
        (folder / "data").mkdir(0)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            watcher = watching.Watcher(folder)
        finally:
            if root:
                os.seteuid(0)
            (folder / "data").chmod(0o700)
        assert list(watcher._state) == [str(folder.resolve() / "app.py")]


def test_a_pattern_may_name_a_folder(tmp_path: Path) -> None:
    for name in ("templates/a.html", "src/templates/b.html", "c.html", "templates/d.txt"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for pattern in ("templates/*.html", "./templates/*.html", "**/templates/*.html"):
        watcher = watching.Watcher(tmp_path, [pattern])
        assert sorted(Path(path).name for path in watcher._state) == ["a.html", "b.html"]


def test_a_folder_that_comes_with_files_in_it_is_heard_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the system's word, not by looking now and then."""
    for seconds in ("_INTERVAL", "_LONG_INTERVAL"):
        monkeypatch.setattr(watching, seconds, 3600.0)
    (tmp_path / ".hidden" / "package").mkdir(parents=True)
    (tmp_path / ".hidden" / "package" / "module.py").touch()
    news: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    watcher = watching.Watcher(tmp_path)
    watcher.start(news.put)
    try:
        wait_until_it_listens(tmp_path, news)
        shutil.move(tmp_path / ".hidden" / "package", tmp_path / "package")
        assert news.get(timeout=60) == ["package/module.py"]
    finally:
        watcher.stop()


def wait_until_it_listens(folder: Path, news: Any) -> None:
    while True:
        (folder / "first.py").touch()
        try:
            assert news.get(timeout=0.5) == ["first.py"]
        except queue.Empty:
            continue
        return
