"""Several apps in one process, components that run by themselves, and workers."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import ROOT, Wampapp, environment, serving, wampapp
from wampapp import ConnectedClient, connect
from wampapp.components import Tasks

pytestmark = pytest.mark.processes

PROGRAMS = ROOT / "tests" / "programs" / "tasks"
SHOP = PROGRAMS / "shop.py"
OWNER = PROGRAMS / "owner.py"
QUEUE = "wampapp.components.tasks"


def url_of(process: Wampapp) -> str:
    return process.until(r"rs://127\.0\.0\.1:\d+")[0]


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Wampapp]:
    with serving(OWNER, "--port", "0", cwd=tmp_path, env=environment()) as process:
        yield process


@pytest.fixture
def client(owner: Wampapp) -> Iterator[ConnectedClient]:
    with connect(url_of(owner), timeout=60) as client:
        yield client


def worker(owner: Wampapp, *words: str) -> Wampapp:
    process = Wampapp("worker", SHOP, "--url", url_of(owner), *words, env=environment())
    process.until("Press Ctrl-C")
    return process


def rows_of(process: Wampapp) -> list[str]:
    """The rows of a banner."""
    lines = [line.strip() for line in process.stderr]
    begin = next(n for n, line in enumerate(lines) if line.startswith("router "))
    end = lines.index("Press Ctrl-C to stop.")
    return [line for line in lines[begin:end] if line]


def test_an_app_and_its_queue_in_one_process(tmp_path: Path) -> None:
    with serving(SHOP, QUEUE, "--port", "0", cwd=tmp_path, env=environment()) as process:
        text = process.text
        assert re.search(r"^wampapp \S+  com\.mill, com\.mill\.tasks$", text, re.MULTILINE)
        assert "  components  com.mill.tasks  3 tasks, 1 at a time, served elsewhere" in text
        assert "  components  com.mill.tasks  kept in instance/tasks.sqlite" in text
        assert "com.mill.tasks.enqueue" not in text
        with connect(url_of(process), timeout=60) as client:
            assert client.call("com.mill.order") == process.pid


def test_a_queue_alone(tmp_path: Path) -> None:
    words = (QUEUE, "--prefix", "com.mill.tasks", "--store", "here.sqlite")
    with serving(*words, "--port", "0", cwd=tmp_path, env=environment()) as process:
        with connect(url_of(process), timeout=60) as client:
            assert client.call("com.mill.tasks.queues")[0]["name"] == "default"
    assert (tmp_path / "here.sqlite").exists()


def test_a_banner_for_programs(tmp_path: Path) -> None:
    words = (OWNER, "--port", "0", "--log-format", "json")
    with Wampapp("run", *words, cwd=tmp_path, env=environment()) as process:
        line = json.loads(process.until(r"\{.*is up.*\}")[0])
        assert line["components"] == {"com.mill.tasks": "kept in instance/tasks.sqlite"}
        assert line["procedures"] == []
        process.stop()


def test_a_queue_of_several_processes_is_served_by_the_first(tmp_path: Path) -> None:
    words = (OWNER, "--workers", "2", "--port", "0")
    with serving(*words, cwd=tmp_path, env=environment()) as process:
        single = [row for row in rows_of(process) if "is single" in row]
        assert single == ["com.mill.tasks is single: only worker 1 registers it"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([QUEUE], "wampapp.components.tasks is a component, and needs a prefix"),
        ([SHOP, SHOP], "name the same; give it once"),
        ([OWNER, QUEUE], "com.mill serves com.mill.tasks already"),
        ([SHOP, "--prefix", "com.x"], "--prefix is for one component"),
        ([SHOP, QUEUE, "--workers", "2"], "--workers is for one TARGET"),
        ([SHOP, "nowhere:app"], "There is no module 'nowhere'"),
    ],
)
def test_what_does_not_run_together(tmp_path: Path, words: list[str | Path], sentence: str) -> None:
    done = wampapp("run", *words, "--port", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not done.stdout


def test_an_owner_that_cannot_open_its_file(tmp_path: Path, owner: Wampapp) -> None:
    done = wampapp("run", OWNER, "--url", url_of(owner), cwd=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(
        r"Error: instance/tasks\.sqlite is in use by process \d+; stop that one first, or name "
        r"another file\.\n",
        done.stderr,
    )


def test_a_worker_runs_tasks_and_serves_nothing(owner: Wampapp, client: ConnectedClient) -> None:
    with worker(owner, "--slots", "3") as process:
        assert "the shop's process begins" in process.text
        assert rows_of(process)[2:] == [
            "components  com.mill.tasks  3 tasks, 3 at a time, served elsewhere"
        ]
        assert (
            Tasks(client, "com.mill.tasks").sync.enqueue("where").result(timeout=60) == process.pid
        )
        (row,) = client.call("com.mill.tasks.workers")
        assert (row["slots"], row["queues"]) == (3, [])
        uris = {
            client.call("wamp.registration.get", number)["uri"]
            for number in client.call("wamp.registration.list")["exact"]
        }
        assert "com.mill.order" not in uris
        assert process.stop(signal.SIGTERM) == 0


def test_a_worker_searches_the_port_of_a_router_that_nobody_names(owner: Wampapp) -> None:
    port = url_of(owner).rpartition(":")[2]
    env = environment(WAMPAPP_PORT=port)
    for words in ((), ("--processes", "2")):
        with Wampapp("worker", SHOP, *words, env=env) as process:
            process.until("Press Ctrl-C")
            assert rows_of(process)[0] == f"router      rs://127.0.0.1:{port}"
            assert process.stop() == 0
    # One that is not there is waited for, and never started.
    done = wampapp("worker", SHOP, "--give-up-after", "0", env=environment(WAMPAPP_PORT="1"))
    assert done.returncode == 3
    assert "rs://127.0.0.1:1" in done.stderr


def test_workers_of_queues(owner: Wampapp, client: ConnectedClient) -> None:
    tasks = Tasks(client, "com.mill.tasks").sync
    with worker(owner, "--queues", "mail") as mail, worker(owner, "--queues", "default") as other:
        assert "1 at a time, of the queue mail, served elsewhere" in mail.text
        assert tasks.enqueue("mail").result(timeout=60) == mail.pid
        assert tasks.enqueue("where").result(timeout=60) == other.pid
        assert mail.stop() == 0
        assert other.stop() == 0


def test_what_runs_is_given_back(owner: Wampapp, client: ConnectedClient) -> None:
    handle = Tasks(client, "com.mill.tasks").sync
    with worker(owner) as process:
        task = handle.enqueue("waits", 600)
        process.until("waits begins 1")
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0
    assert task.info().state == "ready"
    assert task.info().failures == 0
    with worker(owner) as process:
        process.until("waits begins 2")
        assert task.cancel() is True
        assert process.stop() == 0


def test_processes(owner: Wampapp, client: ConnectedClient) -> None:
    tasks = Tasks(client, "com.mill.tasks").sync
    with worker(owner, "--processes", "2") as parent:
        assert "workers     2" in rows_of(parent)
        while len(client.call("com.mill.tasks.workers")) < 2:
            pass
        pids = {tasks.enqueue("where").result(timeout=60) for _ in range(4)}
        assert parent.pid not in pids
        os.kill(min(pids), signal.SIGKILL)
        assert tasks.enqueue("where").result(timeout=60) != min(pids)
        assert parent.stop() == 0


def test_a_worker_without_tasks(tmp_path: Path) -> None:
    done = wampapp("worker", ROOT / "examples" / "hello.py")
    assert done.returncode == 2
    assert "hello.py has no tasks; an app has them by 'tasks = Tasks(app)'" in done.stderr
    done = wampapp("worker", SHOP, "--slots", "0")
    assert done.returncode == 2
