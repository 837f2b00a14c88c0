"""`wampapp tasks …`, as somebody types it who looks after a queue."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import ROOT, Process, Wampapp, environment, run, wampapp
from wampapp import ConnectedClient, connect

pytestmark = pytest.mark.processes

SERVICE = ROOT / "tests" / "programs" / "tasks" / "console_service.py"


class Queue:
    """A service with a queue, and what is typed about it."""

    def __init__(self, folder: Path) -> None:
        self.service = Wampapp("run", SERVICE, "--port", "0", cwd=folder, env=environment())
        self.url = self.service.until(r"rs://\S+")[0]
        self.service.until("Press Ctrl-C")

    def typed(self, *words: str, code: int = 0) -> str:
        done = wampapp("tasks", *words, "--url", self.url)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    def client(self) -> ConnectedClient:
        return connect(self.url, timeout=30)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(tmp_path)
    with queue.service:
        yield queue
        queue.service.stop()


def enqueued(queue: Queue) -> None:
    with queue.client() as client:
        client.call("com.mill.tasks.enqueue", "fails", ["no\x1b[2J"])
        client.call("com.mill.tasks.enqueue", "grind", ["corn"], delay=3600)
        for told in client.stream("com.mill.tasks.follow", 1):
            last = told
        assert last["state"] == "dead"


def test_looking_after_a_queue(queue: Queue) -> None:
    enqueued(queue)
    lines = queue.typed("list").splitlines()
    assert re.fullmatch(r"id +task +state +queue +enqueued +attempts +error", lines[0])
    assert re.match(r"2 +grind +scheduled +default +\d", lines[1])
    assert re.match(r"1 +fails +dead +other +.* +1 +ValueError: no\\x1b\[2J", lines[2])
    (_, dead) = queue.typed("dead").splitlines()
    assert dead.split() == lines[2].split()

    shown = queue.typed("show", "1")
    assert shown.startswith("Task 1  fails\n")
    assert r"error     ValueError: no\x1b[2J" in shown
    task = json.loads(queue.typed("show", "2", "--json"))
    assert (task["name"], task["state"], task["args"]) == ("grind", "scheduled", ["corn"])

    assert queue.typed("retry", "1", "2") == (
        "Task 1 is tried again.\nTask 2 is neither dead nor cancelled.\n"
    )
    assert queue.typed("cancel", "2") == "Task 2 is cancelled.\n"
    assert queue.typed("pause", "other") == "The queue 'other' is paused.\n"
    rows = [json.loads(line) for line in queue.typed("queues", "--json").splitlines()]
    assert {row["name"]: row["paused"] for row in rows} == {"default": False, "other": True}
    assert queue.typed("resume", "other") == "The queue 'other' goes on.\n"
    stats = queue.typed("stats")
    assert stats.startswith("com.mill.tasks\n")
    assert "1 worker\n" in stats
    assert queue.typed("backup", "copy.sqlite") == "The copy is in copy.sqlite.\n"
    assert queue.typed("purge", "cancelled", "--yes") == "1 task removed.\n"


def test_what_is_wrong(queue: Queue) -> None:
    assert "there is no task 7" in queue.typed("show", "7", code=5)
    assert "'lost' is not one of" in queue.typed("list", "--state", "lost", code=2)
    assert "'x' is not a valid integer" in queue.typed("show", "x", code=2)
    assert "Nobody serves a task queue below com.other" in queue.typed(
        "list", "--prefix", "com.other", code=5
    )
    assert "Nobody serves a task queue in this realm" in queue.typed(
        "list", "--realm", "realm2", code=2
    )
    assert "Nobody can be asked here" in queue.typed("purge", "done", code=2)
    with queue.client() as client:
        for name in ("enqueue", "follow", "queues", "watch"):
            client.register(f"com.second.tasks.{name}", lambda: None)
        assert "com.mill.tasks, com.second.tasks" in queue.typed("list", code=2)


def test_watching(queue: Queue) -> None:
    words = (sys.executable, "-m", "wampapp", "tasks", "watch", "--url", queue.url)
    with queue.client() as client, Process(*words) as plain, Process(*words, "--json") as pictures:
        pictures.until('"queues"')
        plain.until("Watching com.mill.tasks; Ctrl-C ends it.")
        client.call("com.mill.tasks.enqueue", "grind", ["corn"])
        plain.until(r"1  grind  running  default  \S+  1  █████░+  25% grinding corn")
        client.call("com.mill.open_gate", "corn")
        plain.until("1  grind  done  default")
        pictures.until('"state":"done"')
        assert plain.stop() == 130
        assert pictures.stop() == 130


def test_components_of_others(tmp_path: Path) -> None:
    """A distribution that names a component brings its command."""
    about = tmp_path / "mill-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mill\nVersion: 1.0\nSummary: Mills corn.\n"
    )
    (about / "entry_points.txt").write_text(
        "[wampapp.components]\nmill = mill:Mill\nsilent = mill:Silent\nbroken = nowhere:It\n"
    )
    (tmp_path / "mill.py").write_text(
        "import click\n"
        "class Mill:\n    COMMANDS = 'mill:turn'\n"
        "class Silent:\n    pass\n"
        "@click.command()\ndef turn():\n    'Turn the mill.'\n    click.echo('turns')\n"
    )
    env = environment(PYTHONPATH=str(tmp_path))
    done = wampapp("mill", env=env)
    assert (done.returncode, done.stdout) == (0, "turns\n")
    done = wampapp("broken", env=env)
    assert done.returncode == 2
    assert "The component 'broken' (nowhere:It) has no commands that can be loaded" in done.stderr
    done = wampapp("silent", env=env)
    assert (done.returncode, "No such command 'silent'" in done.stderr) == (2, True)
    # The list takes its words from the distribution, and so does not fail with what is broken.
    done = wampapp("--help", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    mills = [line for line in done.stdout.splitlines() if line.endswith("  Mills corn.")]
    assert [line.split()[0] for line in mills] == ["broken", "mill", "silent"]


def test_components_are_not_looked_for_without_need() -> None:
    """What a command needs is imported, and that is not much; finding distributions takes time."""
    for words, is_needed in ((["call", "--help"], False), (["--help"], True)):
        code = f"import sys; sys.argv[1:] = {words}\nfrom wampapp.cli.main import main\n"
        code += "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)"
        done = run(sys.executable, "-c", code)
        assert ("importlib.metadata" in done.stderr.split()) is is_needed
        assert "wampapp.components.component" not in done.stderr.split()


def test_a_project_s_url_is_that_of_each_command(queue: Queue, tmp_path: Path) -> None:
    """Also where the project says what is watched, which a command of the queue is called, too."""
    table = f'[tool.wampapp]\nurl = "{queue.url}"\nwatch = ["*.html"]\n'
    (tmp_path / "pyproject.toml").write_text(table)
    done = wampapp("tasks", "queues", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[0])["name"] == "default"
    words = (sys.executable, "-m", "wampapp", "tasks", "watch")
    with Process(*words, cwd=tmp_path) as watching:
        watching.until("Watching com.mill.tasks")
        watching.stop()
