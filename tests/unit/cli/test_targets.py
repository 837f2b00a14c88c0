"""Targets that are not apps of ours, but nearly: what is to be written, or run, instead."""

import re
import sys
from pathlib import Path

import pytest

from wampapp.cli.target.loading import load
from wampapp.errors import TargetError

TARGETS = Path(__file__).parents[2] / "programs" / "targets"


@pytest.fixture(autouse=True)
def in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a target imports is forgotten at the end."""
    monkeypatch.chdir(TARGETS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    names = {path.stem for path in TARGETS.rglob("*.py")} | {"package", "folder"}
    for name in [name for name in known if name.partition(".")[0] in names]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (
            "hello.app",
            "There is no module 'hello.app', since hello is not a package. Did you mean hello:app?",
        ),
        (
            "hello.ap",
            "There is no module 'hello.ap', since hello is not a package. Did you mean hello:app?",
        ),
        ("hello.py.app", "'hello.py.app' is not a module. Did you mean hello.py:app?"),
        ("package", "package has no App; write 'app = App()' in it. Did you mean package.app?"),
        ("package:app", "package has no 'app'. Did you mean package.app?"),
        (
            "package/",
            "'package/' is a folder; to run the package, write package, or name a file in it.",
        ),
        ("folder", "'folder' is a folder; name a file in it, such as folder/fast.py."),
        ("folder/", "'folder/' is a folder; name a file in it, such as folder/fast.py."),
        ("./folder", "'./folder' is a folder; name a file in it, such as folder/fast.py."),
        ("folder:app", "'folder' is a folder; name a file in it, such as folder/fast.py."),
        ("./package:app", "'./package' is a folder; to run the package, write package, or name a"),
        (".", "'.' is a folder; name a file in it, such as fast_site.py."),
        ("..", "'..' is a folder; name a file in it, such as "),
    ],
)
def test_a_target_that_is_nearly_right_is_corrected(target: str, sentence: str) -> None:
    with pytest.raises(TargetError, match=f"^{re.escape(sentence)}"):
        load(target)


def test_a_folder_without_python_has_nothing_to_run(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"is a folder; it has no Python file\.$"):
        load(str(tmp_path))


@pytest.mark.parametrize("place", ["flask_site", "flask_site.py"])
def test_a_flask_app_is_run_by_flask(place: str) -> None:
    for target in (place, f"{place}:app"):
        with pytest.raises(TargetError) as caught:
            load(target)
        assert str(caught.value) == (
            f"'app' in {place} is a Flask app; run it with 'flask --app {place} run', and what it "
            f"serves over WAMP with 'flask --app {place} wamp run'."
        )


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (
            "flask_site:wamp",
            (
                "'wamp' in flask_site is the WAMP side of a Flask app; run 'flask --app flask_site "
                "wamp run'."
            ),
        ),
        (
            "flask_site:create_app()",
            (
                "create_app() in flask_site returns a Flask app; run it with 'flask --app "
                "\"flask_site:create_app()\" run', and what it serves over WAMP with 'flask --app "
                '"flask_site:create_app()" wamp run\'.'
            ),
        ),
        (
            "flask_plain.py",
            (
                "'site' in flask_plain.py is a Flask app without WAMP; run it with 'flask --app "
                "flask_plain.py:site run'."
            ),
        ),
        (
            "fast_site.py",
            (
                "'app' in fast_site.py is a FastAPI app; run it with 'uvicorn fast_site:app'. To "
                "run only its WAMP app, write fast_site.py:wamp."
            ),
        ),
        (
            "fast_site:app",
            (
                "'app' in fast_site is a FastAPI app; run it with 'uvicorn fast_site:app'. To run "
                "only its WAMP app, write fast_site:wamp."
            ),
        ),
        (
            "folder/fast.py",
            (
                "'app' in folder/fast.py is a FastAPI app; run it with 'uvicorn --app-dir folder "
                "fast:app'. To run only its WAMP app, write folder/fast.py:wamp."
            ),
        ),
        (
            "fast_site:create_app()",
            (
                "create_app() in fast_site returns a FastAPI app; run it with 'uvicorn --factory "
                "fast_site:create_app'."
            ),
        ),
        (
            "fast_site:orders",
            (
                "'orders' in fast_site is a Blueprint; include it in an App, and run that: "
                "app.include(orders)."
            ),
        ),
        ("fast_site:router", "'router' in fast_site is an APIRouter, not an App. Its apps: wamp."),
    ],
)
def test_what_another_program_runs_is_named(target: str, sentence: str) -> None:
    with pytest.raises(TargetError) as caught:
        load(target)
    assert str(caught.value) == sentence


def test_the_service_of_a_site_runs_where_it_is_meant() -> None:
    assert load("fast_site.py:wamp").name


def test_a_component_with_two_names_is_one() -> None:
    assert load("renamed_component").config.realm == "realm7"
