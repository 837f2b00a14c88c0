"""`wampapp new`: what it makes does what its README says, and a mistake leaves nothing behind."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.distributions import Installed, outside
from tests.support.process import DEADLINE, ROOT, Process, environment, run, wampapp

FILES = {"app.py", "test_app.py", "pyproject.toml", "README.md", ".gitignore"}


def blocks(text: str) -> list[list[str]]:
    """The commands of each block of a README."""
    found = re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block.splitlines() for block in found]


@pytest.mark.slow
def test_the_readme_of_a_new_project_is_true(tmp_path: Path, free_port: int) -> None:
    """Word for word, in a virtual environment that is made as it says."""
    made = wampapp("new", "my-shop", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    folder = tmp_path / "my-shop"
    assert {path.name for path in folder.iterdir()} == FILES
    readme = (folder / "README.md").read_text("utf-8")
    install, start, call, publish, check = blocks(readme)
    enter = install[1]
    # The port of the README may be taken on this machine.
    url, port = f"rs://127.0.0.1:{free_port}", str(free_port)
    env = environment(PYTEST_ADDOPTS="-p no:cacheprovider", PIP_DISABLE_PIP_VERSION_CHECK="1")

    def shell(commands: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-ec", "\n".join(commands)],
            cwd=folder,
            env=env | more,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    # Any Python that is new enough; the one that runs this is.
    shell([install[0].replace("python3", sys.executable), *install[1:]])
    begin = f"{enter} && exec {start[0]}"
    with Process("bash", "-c", begin, cwd=folder, env=env | {"WAMPAPP_PORT": port}) as service:
        service.until("Press Ctrl-C")
        assert "add(a: int, b: int) -> int" in service.text
        answer = shell([enter, *call], WAMPAPP_URL=url).stdout.strip()
        assert f"It prints `{answer}`." in readme
        shell([enter, *publish], WAMPAPP_URL=url)
        said = service.until("Ada .*")[0]
        assert f"The first terminal says `{said}`." in readme
        assert service.stop() == 0, service.text
    assert "2 passed" in shell([enter, *check]).stdout


def test_it_says_what_to_do_next(tmp_path: Path) -> None:
    lines = wampapp("new", "My_Shop", cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "Made a service in My_Shop:"
    assert [line.split()[0] for line in lines[2:7]] == [
        "app.py",
        "test_app.py",
        "pyproject.toml",
        "README.md",
        ".gitignore",
    ]
    assert [line.strip().split("  ")[0] for line in lines[10:]] == [
        "cd My_Shop",
        "pip install -e '.[dev]'",
        "wampapp run",
        "wampapp call com.example.my_shop.add 2 3",
        "pytest",
    ]
    assert "\x1b" not in "".join(lines)


@pytest.mark.slow
def test_the_project_is_clean(tmp_path: Path, installed: Installed) -> None:
    assert wampapp("new", "my-shop", cwd=tmp_path).returncode == 0
    folder = tmp_path / "my-shop"
    tool = [sys.executable, "-m"]
    for words in (
        ["ruff", "check", "--no-cache", "."],
        ["ruff", "check", "--no-cache", "--select", "E,F,I,B,UP,ANN,RUF", "."],
        ["ruff", "format", "--check", "--no-cache", "."],
        ["mypy", "--strict", "--python-executable", str(installed.python), "."],
    ):
        done = run(*tool, *words, cwd=folder, env=outside())
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_project_can_be_installed(tmp_path: Path) -> None:
    assert wampapp("new", "my_shop", cwd=tmp_path).returncode == 0
    there = tmp_path / "there"
    words = ["install", "-q", "-e", ".", "--no-deps", "--no-build-isolation", "--target", there]
    env = environment(PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    done = run(sys.executable, "-m", "pip", *words, cwd=tmp_path / "my_shop", env=env)
    assert done.returncode == 0, done.stderr
    (about,) = there.glob("*.dist-info/METADATA")
    lines = about.read_text("utf-8").splitlines()
    assert "Name: my-shop" in lines
    assert any(re.match(r"Requires-Dist: wampapp( @ \w+|>=)", line) for line in lines)
    assert any(re.fullmatch(r"Requires-Dist: pytest *; extra == .dev.", line) for line in lines)
    project = tomllib.loads((tmp_path / "my_shop" / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["wampapp"] == {"target": "app:app"}


@pytest.mark.parametrize(
    ("name", "prefix", "project"),
    [
        ("my-shop", "com.example.my_shop", "my-shop"),
        ("my_shop", "com.example.my_shop", "my-shop"),
        ("path/to/Shop2", "com.example.shop2", "shop2"),
        ("café", "com.example.cafe", "cafe"),
        ("Straße", "com.example.strasse", "strasse"),
        ("shop/", "com.example.shop", "shop"),
    ],
)
def test_a_name_makes_a_prefix_of_lowercase_ascii(
    tmp_path: Path, name: str, prefix: str, project: str
) -> None:
    assert wampapp("new", name, cwd=tmp_path).returncode == 0
    app = (tmp_path / name / "app.py").read_text("utf-8")
    assert f'App(prefix="{prefix}")' in app
    about = tomllib.loads((tmp_path / name / "pyproject.toml").read_text("utf-8"))
    assert about["project"]["name"] == project
    listed = wampapp("uris", "app:app", cwd=tmp_path / name)
    assert f"{prefix}.hello" in listed.stdout


def test_a_dot_is_the_folder_one_is_in(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    done = wampapp("new", ".", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in folder.iterdir()} == FILES | {".git"}
    assert "com.example.shop" in (folder / "app.py").read_text("utf-8")
    assert done.stdout.startswith("Made a service in this folder:\n")
    assert not re.search("^  cd ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("日本", "cannot name a project and its URIs, .*; try 'my-service'"),
        ("my shop", "try 'my-shop'"),
        ("app.py", "try 'app-py'"),
        ("", "try 'my-service'"),
        ("wampapp", "would hide wampapp itself; try 'my-wampapp'"),
        ("full", "'full' is not empty: it has 'mine.txt'"),
        ("full/mine.txt/shop", "leads through a file"),
        ("full/shop.old", "try 'shop-old'"),
        ("file", "'file' is a file"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    done = wampapp("new", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(sentence, done.stderr)
    assert len(done.stderr.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    done = wampapp("new", "/proc/shop", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Error: '/proc/shop' cannot be made: .*\.\n", done.stderr)
    long = "a" * 300
    done = wampapp("new", f"new/{long}", cwd=tmp_path)
    assert done.returncode == 1
    assert f"{long}' cannot be made: File name too long." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_half_made_is_taken_back(tmp_path: Path) -> None:
    # Files of at most 600 bytes: the first can be written, and the README cannot.
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "600", sys.executable, "-m", "wampapp", "new", "a/b/shop"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stdout) == (1, "")
    sentence = (
        r"Error: 'a/b/shop/README.md' cannot be made: .*\. Nothing is left of the project\.\n"
    )
    assert re.fullmatch(sentence, done.stderr)
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
os.execv(sys.argv[2], sys.argv[2:])
"""
