"""The examples, run as a user would run them, and tested as a user would test them."""

import ast
import sys
from collections.abc import Iterator

import pytest

from examples import blueprints, errors, hello, progress
from tests.support.process import ROOT, EmbeddedRouter, Process, Wampapp, environment, wampapp
from wampapp import CallResult, InvalidArgument, WampError
from wampapp.testing import TestRealm

pytestmark = pytest.mark.processes

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
        ("blueprints.py", r"com.example.orders.<number>.status\(\) -> str +Return where"),
    ):
        with Wampapp("run", ROOT / "examples" / name, env=env) as service:
            service.until(line)
            assert service.stop() == 0


@pytest.mark.parametrize("name", CALLS)
def test_an_example_is_documented(name: str) -> None:
    tree = ast.parse((ROOT / "examples" / name).read_text("utf-8"))
    assert ast.get_docstring(tree)


# As a user would test them.


def test_hello_is_a_function() -> None:
    assert hello.add(2, 3) == 5


def test_hello_adds() -> None:
    with hello.app.test_client() as client:
        assert client.call("com.example.add", 2, 3) == 5
        with pytest.raises(InvalidArgument, match="`b`: expected int, got str"):
            client.call("com.example.add", 2, "three")


def test_hello_logs_who_says_hello(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with hello.app.test_client() as client:
        client.publish("com.example.hello", "Ada")
        client.clock.advance(0)
        assert "Ada says hello" in caplog.messages


def test_progress_counts() -> None:
    with progress.app.test_client() as client:
        assert list(client.stream("com.example.count", 3)) == [0, 1, 2]
        assert client.call("com.example.count", 3) == [0, 1, 2]


def test_progress_ticks_once_a_second() -> None:
    with progress.app.test_client() as client:
        ticks = client.stream("com.example.ticks", 3, seconds=3600)
        for expected in range(3):
            assert next(ticks) == expected
            client.clock.advance(3600)
        assert next(ticks, "the end") == "the end"


def test_progress_reports_each_step() -> None:
    with progress.app.test_client() as client:
        *steps, answer = client.stream("com.example.copy", ["a", "b"])
        assert steps == [CallResult("a", done=1), CallResult("b", done=2)]
        assert answer == "2 files copied"


def test_progress_adds_up_what_another_service_streams() -> None:
    def squares(upto: int) -> Iterator[int]:
        yield from (number * number for number in range(upto))

    with progress.app.test_client() as client:
        assert client.call("com.example.total", "com.example.count", 5) == 10
        client.register("com.other.squares", squares)
        assert client.call("com.example.total", "com.other.squares", 4) == 14


def test_blueprints_are_included_twice() -> None:
    with blueprints.app.test_client() as client:
        for prefix in ("com.example.orders", "com.example.v2.orders"):
            assert client.call(f"{prefix}.place", "apple", quantity=2) == "2 x apple"
            assert client.call(f"{prefix}.7.status") == "order 7 is on its way"
            with pytest.raises(InvalidArgument, match="`number`: expected int"):
                client.call(f"{prefix}.seven.status")


def test_blueprints_open_and_close(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="com.example")
    with blueprints.app.test_client():
        assert caplog.messages == ["the shop is open"]
    assert caplog.messages == ["the shop is open", "the shop is closed"]


@pytest.fixture
def apples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "stock", {"apple": 3})


@pytest.mark.usefixtures("apples")
def test_errors_keep_their_types() -> None:
    with errors.app.test_client() as client:
        assert client.call("com.example.order", "apple") == 2
        with pytest.raises(errors.OutOfStock) as refused:
            client.call("com.example.order", "apple", 9)
        assert (refused.value.sku, refused.value.left) == ("apple", 2)


@pytest.mark.usefixtures("apples")
def test_errors_of_a_library_are_answered() -> None:
    with errors.app.test_client() as client:
        with pytest.raises(WampError, match="pear") as refused:
            client.call("com.example.order", "pear")
        assert refused.value.uri == "com.example.no_such_article"


@pytest.mark.usefixtures("apples")
def test_errors_go_both_ways() -> None:
    with errors.app.test_client() as client:
        assert client.call("com.example.order_all", "apple") == 3
        assert errors.stock == {"apple": 0}


def test_two_examples_on_one_realm() -> None:
    with TestRealm(blueprints.app, progress.app) as client:
        assert client.call("com.example.orders.place", "apple") == "1 x apple"
        assert client.call("com.example.total", "com.example.count", 3) == 3
