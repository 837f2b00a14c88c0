"""``wampapp run TARGET...``: several apps in one process, at one router."""

import json
from pathlib import Path

import pytest

from tests.support.process import Wampapp, environment, serving, wampapp
from wampapp import connect

APP = """
from wampapp import App

app = App(prefix="com.{name}", grace=5)


@app.register
def whoami() -> str:
    return "{name}"


@app.on_startup
def begin() -> None:
    print("{name} begins", flush=True)


@app.on_shutdown
async def end() -> None:
    print("{name} ends with", await app.call("{asks}"), flush=True)
"""
FIRST = APP.format(name="first", asks="wamp.session.count")
#: While it ends, the one before still serves.
SECOND = APP.format(name="second", asks="com.first.whoami")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "first.py").write_text(FIRST)
    (tmp_path / "second.py").write_text(SECOND)
    return tmp_path


def test_they_share_a_process_and_a_router_and_stop_in_reverse_order(project: Path) -> None:
    words = ("first.py", "second:app", "--port", "0")
    with serving(*words, cwd=project, env=environment()) as process:
        url = process.until(r"(rs://\S+)")[1]
        assert process.stderr[0].endswith("  com.first, com.second")
        rows = [" ".join(line.split()) for line in process.stderr]
        assert rows[rows.index("app com.first") + 1] == "procedures com.first.whoami() -> str"
        assert rows[rows.index("app com.second") + 1] == "procedures com.second.whoami() -> str"
        assert process.text.count("Press Ctrl-C") == 1
        with connect(url, timeout=30) as client:
            assert client.call("com.first.whoami") == "first"
            assert client.call("com.second.whoami") == "second"
    # The router is there until the last has ended: this one's own session is left to count.
    assert process.stdout == [
        "first begins",
        "second begins",
        "second ends with first",
        "first ends with 1",
    ]


def test_they_join_a_router_that_is_named(project: Path) -> None:
    with Wampapp("router", "--port", "0") as router:
        url = router.until(r"(rs://\S+)")[1]
        words = ("first.py", "second.py", "--url", url)
        with serving(*words, cwd=project, env=environment()):
            with connect(url, timeout=30) as client:
                assert client.call("com.second.whoami") == "second"
        assert router.stop() == 0


def test_each_is_a_line_for_programs(project: Path) -> None:
    words = ("run", "first.py", "second.py", "--port", "0", "--log-format", "json")
    with Wampapp(*words, cwd=project, env=environment()) as process:
        for name in ("first", "second"):
            line = json.loads(process.until(rf"\{{.*com\.{name} is up.*\}}")[0])
            assert line["procedures"] == [f"com.{name}.whoami"]
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("old", "new", "code", "sentence"),
    [
        ('print("second begins", flush=True)', "1 / 0", 1, "ZeroDivisionError: division by zero."),
        ("@app.register\n", '@app.register("com.first.whoami")\n', 4, "com.first.whoami"),
    ],
    ids=["a hook", "a procedure"],
)
def test_one_that_cannot_start_ends_the_others(
    project: Path, old: str, new: str, code: int, sentence: str
) -> None:
    assert old in SECOND
    (project / "second.py").write_text(SECOND.replace(old, new))
    done = wampapp("run", "first.py", "second.py", "--port", "0", cwd=project)
    assert done.returncode == code
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert sentence in error
    assert "Press Ctrl-C" not in done.stderr
    assert done.stdout.splitlines()[-1] == "first ends with 1"


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (
            SECOND.replace("App(", "App('rs://127.0.0.1:9', "),
            (
                "com.second is to join rs://127.0.0.1:9, and com.first is not; name one router for "
                "all with --url, or run them apart."
            ),
        ),
        ("from first import app\n", "first.py and second.py name the same; give it once."),
    ],
    ids=["another router", "the same app"],
)
def test_what_does_not_go_together_is_one_sentence(
    project: Path, second: str, sentence: str
) -> None:
    (project / "second.py").write_text(second)
    done = wampapp("run", "first.py", "second.py", "--port", "0", cwd=project)
    assert (done.returncode, done.stderr) == (2, f"Error: {sentence}\n")


def test_a_target_of_the_project_or_of_a_variable_is_one_whatever_its_name(project: Path) -> None:
    folder = project / "my shop"
    folder.mkdir()
    (folder / "first.py").write_text(FIRST)
    (project / "pyproject.toml").write_text('[tool.wampapp]\ntarget = "second.py"\n')
    with serving("--port", "0", cwd=project, env=environment()) as process:
        # It asks the first one as it ends, which is not there: that is only logged.
        process.until("second begins")
        assert "first begins" not in process.text
    # The variable comes before the project.
    env = environment(WAMPAPP_TARGET="my shop/first.py")
    with serving("--port", "0", cwd=project, env=env) as process:
        process.until("first begins")
        assert "second begins" not in process.text
    # And the command line before both.
    with serving("second.py", "first.py", "--port", "0", cwd=project, env=env) as process:
        process.until("first begins")
        assert process.stdout == ["second begins", "first begins"]
