"""A file of the user's that hides a module which wampapp needs is named, in one sentence."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, Wampapp, environment, run

PROGRAMS = ROOT / "tests" / "programs" / "hidden"
LIBRARIES = ("autobahn", "twisted", "zope", "msgspec")
OF_PYTHON = ("queue", "random", "socket", "json", "pathlib")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for program in PROGRAMS.iterdir():
        shutil.copy(program, tmp_path)
    return tmp_path


def hide(folder: Path, name: str, *, package: bool = False) -> str:
    """Hide a module, and return what is to be said of it."""
    path = folder / name if package else folder / f"{name}.py"
    if package:
        path.mkdir()
    (path / "__init__.py" if package else path).write_text("x = 1\n")
    owner = "the library" if name in LIBRARIES else "Python's module"
    return f"{path} hides {owner} '{name}'; give it another name."


@pytest.mark.parametrize("name", [*LIBRARIES, *OF_PYTHON])
@pytest.mark.parametrize("words", [("app.py",), ("-m", "wampapp", "run", "app", "--port", "0")])
def test_a_run_says_which_file_it_is(folder: Path, name: str, words: tuple[str, ...]) -> None:
    sentence = hide(folder, name)
    done = run(sys.executable, *words, cwd=folder)
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    if last.startswith("wampapp.errors.UsageError"):
        # Where the program imports from wampapp, Python shows the line; nothing of a library.
        assert done.returncode == 1
        assert last == f"wampapp.errors.UsageError: {sentence}"
        assert "site-packages" not in done.stderr
    else:
        assert (done.returncode, done.stderr) == (2, f"Error: {sentence}\n")


@pytest.mark.parametrize("name", ["autobahn", "queue"])
def test_the_command_says_it_too(folder: Path, name: str) -> None:
    sentence = hide(folder, name)
    # Not `-m wampapp`, which looks into this folder from the beginning.
    program = "import sys; sys.path.pop(0); from wampapp.__main__ import main; main()"
    done = run(sys.executable, "-c", program, "run", "app.py", "--port", "0", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {sentence}\n")


@pytest.mark.parametrize("name", ["twisted", "queue"])
def test_a_script_that_connects_gets_it_as_an_error(folder: Path, name: str) -> None:
    sentence = hide(folder, name)
    done = run(sys.executable, "script.py", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"wampapp.errors.UsageError: {sentence}"
    assert "site-packages" not in done.stderr


def test_a_folder_hides_as_well(folder: Path) -> None:
    sentence = hide(folder, "autobahn", package=True)
    done = run(sys.executable, "app.py", cwd=folder)
    assert (done.returncode, done.stderr) == (2, f"Error: {sentence}\n")


@pytest.mark.parametrize("name", ["code", "statistics", "other"])
def test_a_file_that_is_in_nobodys_way_is_left_alone(folder: Path, name: str) -> None:
    hide(folder, name)
    with Wampapp("run", "app.py", "--port", "0", cwd=folder) as process:
        process.until("Press Ctrl-C")
        assert process.stop() == 0


def test_an_error_of_the_program_is_shown_as_it_is(folder: Path) -> None:
    hide(folder, "code")
    (folder / "app.py").write_text("import code\nprint(code.interact)\n")
    done = run(sys.executable, "-m", "wampapp", "run", "app.py", cwd=folder, env=environment())
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("AttributeError: module 'code' has no")
