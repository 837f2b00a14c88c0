"""What a process manager sends a run, and what a run tells a process manager."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.commands.test_reload_and_workers import edit, has_ended, joined, pids
from tests.support.process import DEADLINE, Process, Wampapp, environment
from tests.support.programs import program

SERVICE = program("managed_service.py")

RUNS = {
    "single": (),
    "workers 1": ("--workers", "1"),
    "workers 2": ("--workers", "2"),
    "reload": ("--reload",),
}
ALL = pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
WORKERS = pytest.mark.parametrize(
    "options", [RUNS["workers 1"], RUNS["workers 2"]], ids=["workers 1", "workers 2"]
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(SERVICE)
    return tmp_path


# Signals.


@ALL
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_group_and_once_more_to_its_parent_is_one(
    project: Path, options: tuple[str, ...], first: int
) -> None:
    """A process manager signals the group, and the program in between passes its own on."""
    words = ("run", *options, "--port", "0", "app.py")
    second = signal.SIGTERM if first == signal.SIGINT else signal.SIGINT
    with Wampapp(*words, cwd=project, terminal=True) as service:
        with joined(service) as client, ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.call, "com.example.wait")
            service.until("wait has begun")
            # While it is stopped, both are kept for it, and it finds them at the same time.
            os.kill(service.pid, signal.SIGSTOP)
            service.send(first)
            os.kill(service.pid, second)
            os.kill(service.pid, signal.SIGCONT)
            service.until("Stopping")
            (project / "go").touch()
            assert call.result(DEADLINE) == "done"
        assert service.wait() == 0, service.text
    assert "Stopped at once" not in service.text
    assert "Traceback" not in service.text


@ALL
def test_a_second_ctrl_c_later_than_that_ends_all_at_once(
    project: Path, options: tuple[str, ...]
) -> None:
    words = ("run", *options, "--port", "0", "app.py")
    with Wampapp(*words, cwd=project, terminal=True) as service:
        with joined(service) as client, ThreadPoolExecutor(1) as pool:
            running = pids(client, 2)
            call = pool.submit(client.call, "com.example.wait")
            service.until("wait has begun")
            service.send(signal.SIGINT)
            service.until("Stopping")
            service.send_again()
            assert service.wait() == 130, service.text
            assert call.exception(DEADLINE) is not None
    assert "Stopped at once." in service.stderr
    assert all(map(has_ended, running))


@ALL
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_echo_that_comes_while_it_exits_changes_nothing(
    project: Path, options: tuple[str, ...], number: int
) -> None:
    """However soon the run is over: here the echo counts for a minute, and comes all the time."""
    (project / "command.py").write_text(program("slow_echo.py"))
    words = (sys.executable, "command.py", "run", *options, "--port", "0", "app.py")
    with subprocess.Popen(
        words,
        cwd=project,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        told = []
        for line in process.stderr:
            told.append(line)
            if "Press Ctrl-C" in line:
                break
        while process.poll() is None:
            process.send_signal(number)
            time.sleep(0.001)  # it has something to do besides
        told += process.stderr
    assert process.returncode == 0, "".join(told)
    assert "Traceback" not in "".join(told)


# A worker that ends, and a parent that does.


def test_the_only_worker_is_replaced_when_it_dies(project: Path) -> None:
    with Wampapp("run", "--workers", "1", "--port", "0", "app.py", cwd=project) as service:
        assert not any(line.startswith("  workers") for line in service.stderr)
        with joined(service) as client:
            before = client.call("com.example.pid")
            assert before != service.pid
            os.kill(before, signal.SIGKILL)
            service.until("Worker 1 was ended by SIGKILL; another takes its place in 0.2 s")
            service.until("Worker 1 is up again")
            assert client.call("com.example.pid") not in (before, service.pid)
        assert service.stop() == 0, service.text


def test_without_workers_the_service_runs_in_the_process_itself(project: Path) -> None:
    with Wampapp("run", "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client:
            assert client.call("com.example.pid") == service.pid
        assert service.stop() == 0, service.text


@WORKERS
def test_sigterm_with_a_call_in_flight_lets_it_finish(
    project: Path, options: tuple[str, ...]
) -> None:
    with Wampapp("run", *options, "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client, ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.call, "com.example.wait")
            service.until("wait has begun")
            service.send(signal.SIGTERM)
            service.until("Stopping")
            (project / "go").touch()
            assert call.result(DEADLINE) == "done"
        assert service.wait() == 0, service.text


@WORKERS
def test_a_killed_parent_leaves_no_orphan_even_with_a_call_in_flight(
    project: Path, options: tuple[str, ...]
) -> None:
    with Wampapp("run", *options, "--port", "0", "app.py", cwd=project) as service:
        with joined(service) as client, ThreadPoolExecutor(1) as pool:
            running = pids(client, 2)
            call = pool.submit(client.call, "com.example.wait")
            service.until("wait has begun")
            os.kill(service.pid, signal.SIGKILL)
            assert call.exception(DEADLINE) is not None  # the router was in the parent
            (project / "go").touch()
            assert all(map(has_ended, running))


# --exit-with-stdin.


@ALL
def test_it_stops_in_good_order_when_the_standard_input_ends(
    project: Path, options: tuple[str, ...]
) -> None:
    words = ("run", *options, "--port", "0", "--exit-with-stdin", "app.py")
    with Wampapp(*words, cwd=project, stdin=True) as service:
        with joined(service) as client, ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.call, "com.example.wait")
            service.until("wait has begun")
            service.end_stdin()
            service.until("Stopping")
            (project / "go").touch()
            assert call.result(DEADLINE) == "done"
        assert service.wait() == 0, service.text


@ALL
def test_it_ends_with_a_program_that_is_killed(project: Path, options: tuple[str, ...]) -> None:
    words = (sys.executable, "-m", "wampapp", "run", *options, "--port", "0", "app.py")
    starter = subprocess.Popen(
        [sys.executable, "-c", program("starter.py"), *words, "--exit-with-stdin"],
        cwd=project,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert starter.stdout.readline() == "it runs\n"
        starter.kill()
    assert has_ended(pid)


def test_a_router_and_a_worker_of_tasks_stop_with_the_standard_input(
    project: Path, free_port: int
) -> None:
    (project / "tasks.py").write_text(
        "from wampapp import App\nfrom wampapp.components.tasks import Tasks\n"
        "app = App(prefix='com.example')\ntasks = Tasks(app)\n"
        "@tasks.task\ndef mail(): ...\n"
    )
    port = str(free_port)
    router = Wampapp("router", "--port", port, "--exit-with-stdin", stdin=True)
    words = ("worker", "tasks.py", "--port", port, "--exit-with-stdin")
    env = environment(WAMPAPP_PORT=port)
    with router, Wampapp(*words[:2], words[4], cwd=project, env=env, stdin=True) as worker:
        router.until("Press Ctrl-C")
        worker.until("Press Ctrl-C")
        worker.end_stdin()
        assert worker.wait() == 0, worker.text
        router.end_stdin()
        assert router.wait() == 0, router.text


def test_without_the_option_the_end_of_the_standard_input_is_nothing(project: Path) -> None:
    with Wampapp("run", "--port", "0", "app.py", cwd=project, stdin=True) as service:
        with joined(service) as client:
            service.end_stdin()
            assert client.call("com.example.pid") == service.pid
        assert service.stop() == 0, service.text


# sd_notify.


class Manager:
    """A process manager's socket."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(DEADLINE)
        self.heard: list[dict[str, str]] = []

    def until(self, name: str, value: str | None = None) -> dict[str, str]:
        """Wait for a message with a variable, and return the message."""
        while True:
            lines = self._socket.recv(65536).decode().splitlines()
            message = dict(line.split("=", 1) for line in lines)
            self.heard.append(message)
            if name in message and value in (None, message[name]):
                return message

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.close()


@ALL
def test_it_says_when_it_is_ready_and_when_it_stops(
    project: Path, options: tuple[str, ...], manager: Manager
) -> None:
    env = environment(NOTIFY_SOCKET=manager.path)
    with Wampapp("run", *options, "--port", "0", "app.py", cwd=project, env=env) as service:
        service.until("hook has begun")
        (project / "started").touch()
        where = " in 2 processes" if "2" in options else ""
        ready = {"READY": "1", "STATUS": f"com.example is up{where}."}
        assert manager.until("READY") == ready
        with joined(service) as client, ThreadPoolExecutor(1) as pool:
            # Neither the processes of the service nor what they start would be taken for it.
            assert client.call("com.example.variables") == []
            call = pool.submit(client.call, "com.example.wait")
            service.until("wait has begun")
            service.send(signal.SIGTERM)
            assert manager.until("STOPPING")["STOPPING"] == "1"
            assert not call.done()
            (project / "go").touch()
            assert call.result(DEADLINE) == "done"
        assert service.wait() == 0, service.text
    assert len(manager.heard) == 2


def test_a_script_s_own_run_says_it_too(project: Path, manager: Manager) -> None:
    (project / "main.py").write_text("from app import app\napp.run()\n")
    (project / "started").touch()
    env = environment(NOTIFY_SOCKET=manager.path, WAMPAPP_PORT="0")
    with Process(sys.executable, "main.py", cwd=project, env=env) as script:
        assert manager.until("READY")["STATUS"] == "com.example is up."
        script.send(signal.SIGTERM)
        manager.until("STOPPING")
        assert script.wait() == 0, script.text


@ALL
def test_it_gives_signs_of_life(project: Path, options: tuple[str, ...], manager: Manager) -> None:
    env = environment(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="100000")
    (project / "started").touch()
    with Wampapp("run", *options, "--port", "0", "app.py", cwd=project, env=env) as service:
        manager.until("READY")
        for _ in range(3):
            manager.until("WATCHDOG", "1")
        service.send(signal.SIGTERM)
        manager.until("STOPPING")
        assert service.wait() == 0, service.text


def test_it_says_that_a_save_reloads_it(project: Path, manager: Manager) -> None:
    env = environment(NOTIFY_SOCKET=manager.path)
    (project / "started").touch()
    words = ("run", "--reload", "--port", "0", "app.py")
    with Wampapp(*words, cwd=project, env=env) as service:
        manager.until("READY")
        before = time.monotonic_ns() // 1000
        edit(project, "return 1", "return 2")
        reloading = manager.until("RELOADING")
        assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert manager.until("READY")["STATUS"] == "com.example is up."
        edit(project, "return 2", "return (")
        manager.until("RELOADING")
        assert manager.until("READY")["STATUS"] == (
            "Waiting for the next save; meanwhile the service before goes on."
        )
        assert service.stop() == 0, service.text


@pytest.mark.parametrize("command", ["router", "run", "workers"])
def test_it_says_that_it_reads_the_router_s_file_again(
    project: Path, manager: Manager, command: str
) -> None:
    env = environment(NOTIFY_SOCKET=manager.path)
    (project / "started").touch()
    file = project / "router.toml"
    file.write_text('[realms.realm1]\nanonymous = "all"\n[realms.realm1.roles.all]\n')
    words = {
        "router": ("router", "--port", "0", "--config", file),
        "run": ("run", "--port", "0", "--router-config", file, "app.py"),
        "workers": ("run", "--workers", "2", "--port", "0", "--router-config", file, "app.py"),
    }[command]
    with Wampapp(*words, cwd=project, env=env) as service:
        manager.until("READY")
        for text in (file.read_text(), "nonsense"):  # a mistake ends the reload too
            file.write_text(text)
            service.send(signal.SIGHUP)
            manager.until("RELOADING")
            assert manager.until("READY") == {"READY": "1"}
        service.until("The router keeps the configuration that it has")
        assert service.stop() == 0, service.text
        manager.until("STOPPING")


def test_it_says_that_a_worker_has_ended_and_is_back(project: Path, manager: Manager) -> None:
    env = environment(NOTIFY_SOCKET=manager.path)
    (project / "started").touch()
    words = ("run", "--workers", "1", "--port", "0", "app.py")
    with Wampapp(*words, cwd=project, env=env) as service:
        manager.until("READY")
        with joined(service) as client:
            os.kill(client.call("com.example.pid"), signal.SIGKILL)
            manager.until("STATUS", "Worker 1 was ended by SIGKILL; another takes its place.")
            manager.until("STATUS", "com.example is up.")
        assert service.stop() == 0, service.text


def test_a_manager_that_is_not_there_is_told_at_debug_once(project: Path) -> None:
    env = environment(NOTIFY_SOCKET=str(project / "nobody"), WATCHDOG_USEC="20000")
    (project / "started").touch()
    words = ("run", "--port", "0", "--log-level", "debug", "app.py")
    with Wampapp(*words, cwd=project, env=env) as service:
        service.until("Press Ctrl-C")
        assert service.stop() == 0, service.text
    assert service.text.count("The process manager at") == 1
