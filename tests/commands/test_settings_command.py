"""`wampapp settings`: what an administrator types, and what is answered."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import ROOT, Wampapp, environment, wampapp

pytestmark = pytest.mark.processes

SERVICE = ROOT / "tests" / "programs" / "settings" / "service.py"


class Mill:
    """A service with settings, and what is typed about them."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.service = Wampapp("run", SERVICE, "--port", "0", cwd=folder, env=environment(**env))
        self.url = self.service.until(r"rs://\S+")[0]
        self.service.until("Press Ctrl-C")

    def typed(self, *words: str | Path, code: int = 0) -> str:
        done = wampapp("settings", words[0], "--url", self.url, *words[1:])
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout + done.stderr


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    mill = Mill(tmp_path)
    with mill.service:
        yield mill
        mill.service.stop()


def test_changing_settings(mill: Mill, tmp_path: Path) -> None:
    lines = mill.typed("list").splitlines()
    assert re.split(r"  +", lines[0]) == ["setting", "value", "from", "about"]
    assert [re.split(r"  +", line) for line in lines[1:]] == [
        ["banner", '""', "default"],
        ["grains", '["rye"]', "default"],
        ["is_open", "true", "default"],
        ["speed", "10", "default", "turns a minute"],
    ]
    words = ("set", "speed=30", "banner=Ä new sale", "--why", "Monday")
    assert mill.typed(*words) == "The settings have version 1 now.\n"
    assert mill.typed("get", "banner") == '"Ä new sale"\n'
    assert json.loads(mill.typed("get", "speed", "--json"))["from"] == "live"
    assert mill.typed("set", "speed=30") == "Nothing has changed; the settings have version 1.\n"
    said = mill.typed("set", "speed=40", "banner=bad")
    assert said.startswith("The settings have version 2 now.\nA handler failed: com.mill (")
    assert "banner raised ValueError: bad instead of Ä new sale" in said
    said = mill.typed("reset", "banner")
    said = mill.typed("set", "banner=bad", "speed=50", "--strict", code=5)
    assert "version 4 was taken back, by version 5: com.mill (" in said
    lines = mill.typed("history").splitlines()
    assert re.split(r"  +", lines[0]) == ["version", "at", "by", "why", "changes"]
    assert re.fullmatch(r'1 +\S+ +\S+@\S+ +Monday +speed = 30, banner = "Ä new sale"', lines[-1])
    assert mill.typed("diff", "0", "1").splitlines()[1:] == [
        'banner   (default)  "Ä new sale"',
        "speed    (default)  30",
    ]
    assert "version" in mill.typed("rollback", "1", "--why", "it was better")
    assert mill.typed("diff", "1") == "There is no difference.\n"
    assert "version" in mill.typed("reset", "banner", "speed")
    assert mill.typed("get", "banner") == '""\n'
    exported = tmp_path / "settings.json"
    assert mill.typed("export", "--output", exported) == ""
    assert json.loads(exported.read_text())["values"] == {}
    assert mill.typed("backup", "copy.sqlite") == "The copy is in copy.sqlite.\n"


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["set", "speed=200"], 5, r"speed: expected int <= 100 \(com\.mill \("),
        (["set", "speed=95"], 5, "above 90 turns, the mill is closed"),
        (["set", "sped=5"], 5, "there is no setting 'sped'; did you mean 'speed'?"),
        (["set", "speed=5", "--expect", "7"], 5, "the settings have version 0 now, and not 7"),
        (["set", "speed"], 2, "Write NAME=VALUE instead of 'speed'"),
        (["rollback", "9"], 5, "version 9 is not kept; there are 0 to 0"),
        (["get", "sped"], 1, "No service that is joined has a setting 'sped'"),
        (["backup", "../x"], 5, "give a file's plain name"),
    ],
)
def test_what_goes_wrong(mill: Mill, words: list[str], code: int, why: str) -> None:
    said = mill.typed(*words, code=code)
    assert re.search(why, said), said
    assert said.splitlines()[-1].startswith("Error: ")
    assert mill.typed("history") == "Nothing was ever changed.\n"


def test_what_is_pinned(tmp_path: Path) -> None:
    mill = Mill(tmp_path, WAMPAPP_SETTINGS_SPEED="7")
    with mill.service:
        assert re.search(r"speed +10 +pinned in com\.mill", mill.typed("list"))
        said = mill.typed("set", "speed=8", code=5)
        assert "speed is pinned by WAMPAPP_SETTINGS_SPEED (com.mill (" in said
        mill.service.stop()


def test_what_the_environment_gets_wrong(tmp_path: Path) -> None:
    done = wampapp("run", SERVICE, cwd=tmp_path, env=environment(WAMPAPP_SETTINGS_SPEED="fast"))
    assert done.returncode == 2
    assert "WAMPAPP_SETTINGS_SPEED is 'fast', which does not fit the setting: " in done.stderr


def test_a_keeper_of_its_own(tmp_path: Path) -> None:
    words = ("run", "wampapp.components.settings", "--prefix", "com.mill.settings", "--port", "0")
    with Wampapp(*words, cwd=tmp_path, env=environment()) as keeper:
        url = keeper.until(r"rs://\S+")[0]
        keeper.until("Press Ctrl-C")
        done = wampapp("settings", "list", "--url", url)
        assert (done.returncode, done.stderr) == (0, "Nobody who has settings is joined.\n")
        done = wampapp("settings", "set", "speed=1", "--url", url)
        assert done.returncode == 5
        assert "nobody who has these settings is joined" in done.stderr
        assert keeper.stop() == 0
