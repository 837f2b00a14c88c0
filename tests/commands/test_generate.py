"""`wampapp generate`: clients in files."""

import os
from pathlib import Path

import pytest

from tests.support.process import ROOT, wampapp
from tests.unit.describe import shop
from wampapp.describe.clients.python import python_client
from wampapp.describe.clients.typescript import typescript_client
from wampapp.describe.describing import describe_app
from wampapp.describe.files import write

SHOP = ROOT / "tests" / "unit" / "describe" / "shop.py"


def test_it_prints_a_client() -> None:
    api = describe_app(shop.app)
    for words, text in (
        (["python"], python_client(api)),
        (["python", "--blocking"], python_client(api, blocking=True)),
        (["typescript"], typescript_client(api)),
    ):
        done = wampapp("generate", *words, SHOP)
        assert (done.returncode, done.stdout, done.stderr) == (0, text, "")


@pytest.mark.parametrize("name", ["shop.json", "shop.YML"])
def test_a_document_is_as_good_as_the_app(tmp_path: Path, name: str) -> None:
    form = "json" if name.endswith("json") else "yaml"
    (tmp_path / name).write_text(write(describe_app(shop.app), form), "utf-8")  # type: ignore[arg-type]
    done = wampapp("generate", "python", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, python_client(describe_app(shop.app)))


def test_a_file_is_written_only_if_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "client.py"
    link = tmp_path / "link.py"
    link.symlink_to(path)

    def generate() -> tuple[int, int]:
        done = wampapp("generate", "python", SHOP, "-o", link)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert path.read_text("utf-8") == python_client(describe_app(shop.app))
        assert [one.name for one in sorted(tmp_path.iterdir())] == ["client.py", "link.py"]
        return path.stat().st_ino, path.stat().st_mtime_ns

    first = generate()
    assert generate() == first
    path.write_text("# something else")
    path.chmod(0o640)
    assert generate() != first
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()


def test_a_device_stays_one() -> None:
    done = wampapp("generate", "typescript", SHOP, "-o", os.devnull)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["typescript", SHOP, "--blocking"],
            "--blocking is for Python; in JavaScript, nothing can",
        ),
        (["python", "x.json"], "There is no file 'x.json'."),
        (["python", "bad.json"], "'bad.json' cannot be used: it is not an AsyncAPI document."),
        (["python", "x.py"], "There is no file 'x.py'."),
        (["python", SHOP, "-o", "no/client.py"], "cannot be written: No such file or directory."),
        (["python", SHOP, "-o", "."], "'.' cannot be written: Is a directory."),
        (["python"], "Which app? Write module:app or path/file.py"),
        (["cobol", SHOP], "'cobol' is not one of 'python', 'typescript'"),
    ],
)
def test_a_mistake_ends_in_a_sentence(
    tmp_path: Path, words: list[str | Path], sentence: str
) -> None:
    (tmp_path / "bad.json").write_text("[]")
    done = wampapp("generate", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["bad.json"]
