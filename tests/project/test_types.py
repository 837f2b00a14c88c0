"""What type checkers tell a user who installed wampapp, and what there is to install.

The programs in tests/programs/typed use each decorator, handle and verb. A line of theirs that ends
in "# wrong" has a mistake that mypy and pyright both report; they report nothing else.
"""

import email
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.distributions import Installed, outside
from tests.support.node import node_package
from tests.support.process import ROOT
from wampapp.crossbar import Progress

pytestmark = pytest.mark.processes

PYRIGHT = "1.1.414"
PROGRAMS = ROOT / "tests" / "programs" / "typed"
NAMES = sorted(path.name for path in PROGRAMS.glob("*.py"))

Place = tuple[str, int]


def check(*command: str | Path, cwd: Path) -> str:
    """Run a type checker, which finds mistakes; return what it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=outside(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs, away from the checkout, where only the wheel can be found."""
    folder = tmp_path_factory.mktemp("typed")
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def mypy(installed: Installed, programs: Path) -> dict[Place, str]:
    """What mypy reports, by file and line."""
    python = ("--python-executable", installed.python)
    said = check(sys.executable, "-m", "mypy", "--strict", *python, *NAMES, cwd=programs)
    found = re.findall(r"^(\w+\.py):(\d+): error: (.*)", said, re.MULTILINE)
    return {(name, int(line)): text for name, line, text in found}


@pytest.fixture(scope="module")
def pyright(installed: Installed, programs: Path, progress: Progress) -> dict[Place, str]:
    """What pyright reports, by file and line."""
    script = node_package("pyright", PYRIGHT, progress) / "node_modules/pyright/index.js"
    python = ("--pythonpath", installed.python)
    said = check("node", script, "--outputjson", *python, *NAMES, cwd=programs)
    return {
        (Path(found["file"]).name, found["range"]["start"]["line"] + 1): found["message"]
        for found in json.loads(said)["generalDiagnostics"]
        if found["severity"] == "error"
    }


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_is_found_and_nothing_else(
    name: str, checker: str, request: pytest.FixtureRequest
) -> None:
    reported: dict[Place, str] = request.getfixturevalue(checker)
    found = {line: text for (file, line), text in reported.items() if file == name}
    lines = (PROGRAMS / name).read_text("utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    assert wrong
    assert {line: text for line, text in found.items() if line not in wrong} == {}
    assert {line: lines[line - 1] for line in wrong - found.keys()} == {}


def test_the_wheel_has_what_users_need_and_no_more(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        files = set(wheel.namelist())
        (metadata,) = (name for name in files if name.endswith(".dist-info/METADATA"))
        about = email.message_from_bytes(wheel.read(metadata))
    folder = Path(metadata).parent.name
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "wampapp").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {"wampapp/py.typed", "wampapp/cli/new/templates/app.py.in"} <= package
    assert {name for name in files if not name.startswith(f"{folder}/")} == package
    assert f"{folder}/licenses/LICENSE" in files
    assert about["License-Expression"] == "MIT"
    assert "Typing :: Typed" in about.get_all("Classifier", [])


def test_the_description_has_no_link_into_the_repository(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        about = email.message_from_bytes(wheel.read(metadata))
    assert about["Description-Content-Type"] == "text/markdown"
    text = about.get_payload()
    assert isinstance(text, str)
    assert "This is examples/hello.py." in text
    assert re.findall(r"\]\((?!https?:)", text) == []


def test_the_sdist_has_all_that_its_tests_need(installed: Installed) -> None:
    with tarfile.open(installed.sdist) as sdist:
        files = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "pyproject.toml",
        "wampapp/py.typed",
        "wampapp/cli/new/templates/app.py.in",
        "tests/conftest.py",
        "tests/programs/typed/declaring.py",
        "examples/hello.py",
        "docs/reference/python.md",
    } <= files
