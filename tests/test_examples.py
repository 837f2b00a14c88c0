"""The examples, run as a user would run them."""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.support.process import ROOT, EmbeddedRouter, Process, Wampapp, environment, wampapp

CALLS = {
    "hello.py": [(["com.example.add", "2", "3"], 0, "5\n", "")],
    "progress.py": [
        (["com.example.count", "3"], 0, "[0,1,2]\n", ""),
        (["com.example.ticks", "2", "0"], 0, "[0,1]\n", ""),
        (["com.example.copy", '["a","b"]'], 0, '"2 files copied"\n', ""),
        (["com.example.total", "com.example.count", "5"], 0, "10\n", ""),
    ],
    "blueprints.py": [
        (["com.example.orders.place", "apple", "2"], 0, '"2 x apple"\n', ""),
        (["com.example.v2.orders.7.status"], 0, '"order 7 is on its way"\n', ""),
    ],
    "errors.py": [
        (["com.example.order", "apple"], 0, "2\n", ""),
        (
            ["com.example.order", "apple", "9"],
            5,
            "",
            "Error: com.example.out_of_stock: only 2 of apple left (sku='apple', left=2)\n",
        ),
        (["com.example.order", "pear"], 5, "", "Error: com.example.no_such_article: pear\n"),
        (["com.example.order_all", "apple"], 0, "2\n", ""),
        (["com.example.order_all", "apple"], 0, "0\n", ""),
    ],
}


@pytest.fixture(scope="module")
def router() -> Iterator[EmbeddedRouter]:
    with EmbeddedRouter() as router:
        yield router


def test_every_example_is_run() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("how", ["wampapp run", "python"])
def test_an_example_answers(router: EmbeddedRouter, name: str, how: str) -> None:
    env = environment(WAMPAPP_URL=router.rs_url)
    example = ROOT / "examples" / name
    start = (
        Wampapp("run", example, env=env)
        if how == "wampapp run"
        else Process(sys.executable, example, env=env)
    )
    with start as service:
        service.until("Press Ctrl-C")
        for words, code, stdout, stderr in CALLS[name]:
            done = wampapp("call", *words, env=env)
            assert (done.returncode, done.stdout, done.stderr) == (code, stdout, stderr)
        assert service.stop() == 0
    assert "Traceback" not in service.text


def test_what_is_announced_is_what_callers_may_send(router: EmbeddedRouter) -> None:
    env = environment(WAMPAPP_URL=router.rs_url)
    for name, line in (
        ("progress.py", r"com.example.count\(upto: int\) -> Iterator\[int\] +Count from 0"),
        ("progress.py", r"com.example.copy\(files: list\[str\]\) -> str +Report each step"),
        ("blueprints.py", r"com.example.orders.<number>.status\(\) -> str +Tell where"),
    ):
        with Wampapp("run", ROOT / "examples" / name, env=env) as service:
            service.until(line)
            assert service.stop() == 0


@pytest.mark.parametrize("name", CALLS)
def test_an_example_is_documented(name: str) -> None:
    tree = ast.parse((ROOT / "examples" / name).read_text("utf-8"))
    assert ast.get_docstring(tree)
