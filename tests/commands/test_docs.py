"""`wampapp docs`: what an app offers, written down and compared."""

import json
from pathlib import Path

import pytest
import yaml

from tests.support.process import ROOT, environment, wampapp

SHOP = ROOT / "tests" / "unit" / "describe" / "shop.py"
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_json_is_the_default() -> None:
    done = wampapp("docs", SHOP)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["info"] == {"title": "The shop", "version": "1.4"}
    assert "com.shop.order" in document["operations"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("form", "beginning"),
    [
        ("json", '{\n  "asyncapi": "3.0.0"'),
        ("yaml", "asyncapi: 3.0.0\n"),
        ("markdown", "# The shop 1.4\n"),
        ("html", "<!doctype html>\n"),
    ],
)
def test_formats(form: str, beginning: str) -> None:
    done = wampapp("docs", SHOP, "--format", form)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(beginning)


def test_yaml_says_the_same_as_json() -> None:
    found = yaml.safe_load(wampapp("docs", SHOP, "--format", "yaml").stdout)
    assert found == json.loads(wampapp("docs", SHOP).stdout)


@pytest.mark.parametrize("name", ["a.json", "a.yml", "a.md", "a.HTML", "a"])
def test_a_files_name_says_the_format(tmp_path: Path, name: str) -> None:
    done = wampapp("docs", SHOP, "-o", tmp_path / name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    form = {".yml": "yaml", ".md": "markdown", ".HTML": "html"}.get(Path(name).suffix, "json")
    expected = wampapp("docs", SHOP, "--format", form).stdout
    assert (tmp_path / name).read_text("utf-8") == expected


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_an_app_is_compatible_with_itself(tmp_path: Path, form: str) -> None:
    wampapp("docs", SHOP, "-o", tmp_path / f"before.{form}")
    done = wampapp("docs", SHOP, "--check", tmp_path / f"before.{form}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_breaks_its_callers_is_named(tmp_path: Path) -> None:
    wampapp("docs", SHOP, "-o", tmp_path / "before.json")
    changed = tmp_path / "changed.py"
    changed.write_text(SHOP.read_text().replace("quantity: int = 1, *", "*"))
    changed.write_text(changed.read_text().replace('"sku": "apple", "quantity": 2', '"sku": "a"'))
    done = wampapp("docs", changed, "--check", tmp_path / "before.json")
    assert done.returncode == 1
    [line] = done.stdout.splitlines()
    assert line.startswith("com.shop.order: ")
    assert "quantity" in line
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file 'x.json'."),
        (b"{", "'x.json' is not JSON: Expecting property name"),
        (b"\xff", "'x.json' is not UTF-8 text."),
        (b"[]", "'x.json' cannot be used: it is not an AsyncAPI document."),
        (b'{"asyncapi": "2.0.0"}', "it is of AsyncAPI 2.0.0, and version 3 is needed."),
    ],
)
def test_a_file_that_cannot_be_compared(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / "x.json").write_bytes(content)
    done = wampapp("docs", SHOP, "--check", "x.json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    done = wampapp("docs", SHOP, "-o", tmp_path / "missing" / "x.json")
    assert done.returncode == 2
    assert done.stderr.endswith("x.json' cannot be written: No such file or directory.\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--url", "ws://127.0.0.1:1/ws"],
            "--url asks the apps that run, and TARGET names one that is looked at without running",
        ),
        (["--check", "x.json", "-o", "y.json"], "--check compares and writes nothing, so"),
        (["--check", "x.json", "--format", "json"], "--check compares and writes nothing, so"),
    ],
)
def test_options_that_exclude_each_other(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = wampapp("docs", SHOP, *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {sentence}")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_variable_excludes_nothing(tmp_path: Path) -> None:
    done = wampapp("docs", SHOP, env=environment(WAMPAPP_URL="ws://127.0.0.1:1/ws"))
    assert done.returncode == 0, done.stderr


def test_a_file_is_written_as_a_whole_and_only_if_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    path.write_text("before")
    path.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    before = path.stat().st_ino

    def write() -> int:
        done = wampapp("docs", SHOP, "-o", link)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert json.loads(path.read_text("utf-8"))["asyncapi"] == "3.0.0"
        return path.stat().st_ino

    first = write()
    assert first != before  # whoever had it open still sees what it was
    assert write() == first
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(tmp_path.iterdir()) == [link, path]


def test_a_version_that_is_no_text_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "shop.py"
    path.write_text("from wampapp import App\n\napp = App(version=1.4)\n")
    done = wampapp("docs", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f'File "{path}", line 3' in done.stderr
    assert done.stderr.endswith("TypeError: version is 1.4; give a text, in quotes.\n")


def test_a_target_is_needed(tmp_path: Path) -> None:
    done = wampapp("docs", cwd=tmp_path)
    assert done.returncode == 2
    assert "Which app?" in done.stderr
