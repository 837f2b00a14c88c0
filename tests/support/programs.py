"""The programs that tests run: files under tests/programs, which the linters read too."""

from tests.support.process import ROOT

FOLDER = ROOT / "tests" / "programs"


def program(name: str) -> str:
    """Return the text of a program, to be written to a folder of the test's own and run there."""
    return (FOLDER / name).read_text(encoding="utf-8")
