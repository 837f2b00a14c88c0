"""What the README and the documentation show is run, and what they print is what comes out.

A Python block that starts with a file name in a comment becomes that file, as an HTML block does;
any other Python block is executed.
In a console block, ``$ wampapp run …``, ``$ flask wamp run``, ``$ flask run`` and ``$ uvicorn …``
start a process, and every other command must print just what stands below it, but for the seconds
that pytest took and for ``…``, which stands for anything within a line. A command that ends in
``&`` goes on while the page is read, and must come to print what stands below it. What stands after
``>>> `` below ``$ wampapp shell …`` is typed there.
At its end pytest runs every file ``test_….py`` of the page.
"""

import contextlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, Process, Wampapp, environment
from tests.support.terminal import Terminal
from wampapp import App
from wampapp.runner import script

pytestmark = pytest.mark.processes

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = {
    "wampapp": ["-m", "wampapp"],
    "python": [],
    "flask": ["-m", "flask"],
    "uvicorn": ["-m", "uvicorn"],
    "curl": [
        "-c",
        "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())",
    ],
    "pytest": ["-m", "pytest", "-p", "no:cacheprovider", "-W", "error::pytest.PytestWarning"],
}


def commands(block: str) -> list[tuple[str, str]]:
    """Split a console block into commands and what they print."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(head, rest) for head, _, rest in (part.partition("\n") for part in parts)]


def run(command: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of a console block to its end."""
    program, *words = shlex.split(command)
    return subprocess.run(
        [sys.executable, *PROGRAMS[program], *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=env,
        timeout=60,
    )


def talk(command: str, expected: str, folder: Path, env: dict[str, str]) -> str:
    """Type the lines of a prompt's transcript at the prompt; return all that the terminal shows."""
    program, *words = shlex.split(command)
    with Terminal(
        sys.executable, *PROGRAMS[program], *words, "--no-ipython", cwd=folder, env=env
    ) as terminal:
        for line in re.findall("^>>> (.*)$", expected, re.MULTILINE):
            terminal.until("^>>> ")
            terminal.type(line)
        terminal.until("^>>> ")
        terminal.press("ctrl-d")
        assert terminal.wait() == 0, terminal.text
        return terminal.text.removesuffix(">>> \n")


def pattern(expected: str) -> str:
    """The pattern of what a page shows: ``…`` stands for anything within a line."""
    return re.escape(without_seconds(expected)).replace("…", ".*")


def without_seconds(text: str) -> str:
    """What pytest prints, but for how long it took."""
    return re.sub(r"\bin \d+\.\d+s\b", "in 0s", text)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_true(page: Path, tmp_path: Path, free_port: int) -> None:
    env = environment(WAMPAPP_URL=f"rs://127.0.0.1:{free_port}", PYTHONPATH=str(ROOT))
    env |= {"COLUMNS": "80", "PYTEST_ADDOPTS": ""}
    names: dict[str, object] = {"__name__": "docs"}
    with contextlib.ExitStack() as services:

        def start(target: str) -> None:
            own = {k: v for k, v in env.items() if k != "WAMPAPP_URL"}
            words = ("run", target, "--port", str(free_port))
            service = services.enter_context(Wampapp(*words, cwd=tmp_path, env=own))
            service.until("Press Ctrl-C")

        def start_flask_wamp(*words: str) -> None:
            own = {k: v for k, v in env.items() if k != "WAMPAPP_URL"}
            command = [sys.executable, "-m", "flask", *words, "--port", str(free_port)]
            service = services.enter_context(Process(*command, cwd=tmp_path, env=own))
            service.until("Press Ctrl-C")

        def start_site(program: str, *words: str) -> None:
            command = [sys.executable, *PROGRAMS[program], *words, "--port", "0"]
            site = services.enter_context(Process(*command, cwd=tmp_path, env=env))
            ports.append(site.until(r"[Rr]unning on http://127.0.0.1:(\d+)")[1])

        def begin(words: list[str], expected: str) -> None:
            program, *rest = words
            command = [sys.executable, *PROGRAMS[program], *rest]
            own = env
            if words[:2] == ["wampapp", "run"]:
                if runs:
                    runs.pop().stop()  # one at a time: the page's services share a port
                command += ["--port", str(free_port)]
                own = {k: v for k, v in env.items() if k != "WAMPAPP_URL"}
                expected = expected.replace("8080", str(free_port))
            process = services.enter_context(Process(*command, cwd=tmp_path, env=own))
            if own is not env:
                runs.append(process)
            for line in expected.splitlines():
                process.until(f"^{pattern(line)}$")

        ports: list[str] = []
        runs: list[Process] = []
        if page.name == "README.md":
            start(str(ROOT / "examples" / "hello.py"))
        for language, block in BLOCK.findall(page.read_text("utf-8")):
            if language == "python":
                named = re.match(r"# (\w+\.py)\n", block)
                if named:
                    (tmp_path / named[1]).write_text(block)
                else:
                    with script.importing():
                        exec(compile(block, str(page), "exec"), names)
            if language == "html" and (named := re.match(r"<!-- (\S+) -->\n", block)):
                (tmp_path / named[1]).parent.mkdir(exist_ok=True)
                (tmp_path / named[1]).write_text(block)
            for command, expected in commands(block) if language == "console" else ():
                words = shlex.split(command)
                if words[-1] == "&":
                    begin(words[:-1], expected)
                    continue
                if words[:2] == ["wampapp", "run"]:
                    start(words[2])
                    continue
                if words[0] == "flask" and words[-2:] == ["wamp", "run"]:
                    start_flask_wamp(*words[1:])
                    continue
                if words[0] == "uvicorn" or (words[0] == "flask" and words[-1] == "run"):
                    start_site(*words)
                    continue
                if words[:2] == ["wampapp", "shell"]:
                    shown = talk(command, expected, tmp_path, env)
                    assert re.fullmatch(pattern(expected), shown), f"{command} showed:\n{shown}"
                    continue
                here = re.sub(":(5000|8000)/", f":{ports[-1]}/", command) if ports else command
                here = here.replace("127.0.0.1:8080/", f"127.0.0.1:{free_port}/")
                done = run(here, tmp_path, env)
                shown = without_seconds(done.stdout)
                assert re.fullmatch(pattern(expected), shown), f"{command} printed:\n{shown}"
        if list(tmp_path.glob("test_*.py")):
            done = run("pytest -q", tmp_path, env)
            assert done.returncode == 0, done.stdout


TEXTS = sorted([*PAGES, ROOT / "CHANGELOG.md", *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(prose(page)):
        there = page.parent / target if target else page
        assert there.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in anchors(there), f"{target} has no heading for #{anchor}"


def test_a_broken_anchor_is_found() -> None:
    page = ROOT / "docs" / "how-to" / "connect.md"
    assert "keep-a-connection" in anchors(page)
    assert "prove-who-you-are" in anchors(page)
    assert LINK.findall("[a](b.md), [c](#d), [e](f.md#g), [h](https://i#j)") == [
        ("b.md", ""),
        ("", "d"),
        ("f.md", "g"),
    ]


def test_the_readme_is_short_and_shows_code_first() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) < 90
    assert lines.index("```python") < 25


def test_the_readme_shows_the_example() -> None:
    """The README's first block and examples/hello.py declare the same."""
    shown = BLOCK.search((ROOT / "README.md").read_text("utf-8"))
    assert shown
    declared = []
    for text in (shown[2], (ROOT / "examples" / "hello.py").read_text("utf-8")):
        names: dict[str, object] = {"__name__": "example"}
        exec(text, names)
        app = names["app"]
        assert isinstance(app, App)
        records = (*app.registry.registrations, *app.registry.subscriptions)
        declared.append([record.uri for record in records])
    assert declared[0] == declared[1]


def test_every_environment_variable_is_documented() -> None:
    text = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")
    used = set()
    for file in (ROOT / "wampapp").rglob("*.py"):
        used |= set(re.findall(r'"(WAMPAPP_[A-Z_]+)"', file.read_text("utf-8")))
    used.discard("WAMPAPP_CROSSBAR_ENV")  # the tests' own
    assert used
    assert {name for name in used if name not in text} == set()
