"""What the console copies is what it did: the copies are run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.console import Console, call, operation, outcome
from tests.support.process import DEADLINE, ROOT, environment

pytestmark = pytest.mark.processes

ODD = [
    "a=b", "-x", "--help", "true", "12", "it's", '"quoted"', "$(touch broken)", "`x`; x", "\\n",
    "two\nlines", "\t", "", " ", "-", "ü €", "\u202eevil\x07", "\U0001f600",
    1.5, -2, True, None, [1, {"k": "it's"}], {},
]  # fmt: skip
ODD_NAMED = {"name": "x y", "größe": -1, "class": "a=b", "plain": {"a": [None, "\u202e"]}}


def snippet(page: Page, language: str) -> str:
    said = page.get_by_role("group", name="Copy as").get_by_role("status")
    said.evaluate("one => one.replaceChildren()")  # of the language before
    page.get_by_role("button", name=language, exact=True).click()
    expect(said).to_have_text("Copied.")
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert page.locator(".try pre").last.inner_text() == copied
    assert copied.isascii() or not {"\u202e", "\x07"} & set(copied)
    return copied


@pytest.mark.parametrize("language", ["Python", "Shell", "JavaScript"])
def test_copied_calls_are_the_calls(console: Console, language: str, tmp_path: Path) -> None:
    page = console.visit(permissions=["clipboard-read", "clipboard-write"])
    operation(page, "com.shop.echo")
    page.get_by_label("JSON", exact=True).check()
    page.get_by_label("Arguments, a JSON list").fill(json.dumps(ODD))
    page.get_by_label("Named arguments, a JSON object").fill(json.dumps(ODD_NAMED))
    call(page)
    assert outcome(page) == [ODD, ODD_NAMED]
    text = snippet(page, language)
    if language == "JavaScript":
        # A module's import, in what is evaluated as a function's body.
        body = text.replace(" from ", " = await import(").replace('.js";', '.js");')
        body = body.replace("import {", "const {").replace("console.log(", "printed.push(")
        printed = page.evaluate(
            f"(async () => {{ const printed = []; {body} wamp.close(); return printed; }})()"
        )
        assert printed == [[ODD, ODD_NAMED]]
        return
    if language == "Shell":
        run = f'wampapp() {{ "{sys.executable}" -m wampapp "$@"; }}\n{text}'
        words = ["bash", "-c", run]
    else:
        words = [
            sys.executable,
            "-c",
            text.replace("print(", "import json; print(json.dumps(").rstrip()[:-1] + "))",
        ]
    env = environment(PYTHONPATH=str(ROOT))
    done = subprocess.run(
        words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [ODD, ODD_NAMED]
    assert list(tmp_path.iterdir()) == []


def test_copied_streams_and_events(console: Console, tmp_path: Path) -> None:
    page = console.visit(permissions=["clipboard-read", "clipboard-write"])
    operation(page, "com.shop.bake")
    page.get_by_label("steps", exact=True).fill("2")
    call(page, "Stream")
    expect(page.locator(".outcome")).to_contain_text("complete")
    env = environment(PYTHONPATH=str(ROOT))
    words = [sys.executable, "-c", snippet(page, "Python")]
    done = subprocess.run(
        words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.stdout.splitlines() == ["step 0", "step 1"], done.stderr
    assert snippet(page, "Shell") == (
        f"wampapp call --stream --url ws://{console.origin}/ws com.shop.bake 2\n"
    )
    assert 'for await (const item of wamp.stream("com.shop.bake", 2))' in snippet(
        page, "JavaScript"
    )
    operation(page, "com.shop.sold", "subscribed")
    page.get_by_label("sku", exact=True).fill("apple")
    assert 'client.publish("com.shop.sold", "apple")' in snippet(page, "Python")
