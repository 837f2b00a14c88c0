"""Clients in Python: they are imported, used, and read by a type checker."""

import ast
import asyncio
import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wampapp
from tests.support.process import ROOT
from tests.unit.describe import odd, shop
from tests.unit.describe.generated import evil, module_of
from wampapp import App, InvalidResult, WampError
from wampapp.describe.api import Api, Parameter, Procedure, Topic
from wampapp.describe.asyncapi import to_document
from wampapp.describe.clients.python import python_client
from wampapp.describe.clients.python_text import docstring, literal
from wampapp.describe.describing import describe_app
from wampapp.describe.reading import from_document
from wampapp.testing import TestSession

WAYS = pytest.mark.parametrize("blocking", [False, True], ids=["awaited", "blocking"])


@pytest.fixture
def modules() -> Iterator[None]:
    """Forget the modules that a test imports."""
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]


def generated(api: Api, folder: Path, *, blocking: bool = False) -> Any:
    name = f"{api.title}_{'blocking' if blocking else 'awaited'}_client"
    return module_of(python_client(api, blocking=blocking), folder, name)


def an_odd_one(module: Any) -> Any:
    return module.Odd(
        data=b"\x00\xff",
        when=dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC),
        day=dt.date(2024, 2, 29),
        at=dt.time(12, 30),
        long=dt.timedelta(days=1, seconds=1),
        price=Decimal("1.10"),
        uuid=UUID(int=7),
        numbers={1: 1.5},
        pets=[module.Cat(lives=3), module.Dog(name="Rex")],
        place=(1.0, 2.0),
        tree=module.Tree(name="oak", children=[module.Tree(name="twig", children=[])]),
        list_=(1, "one"),
        class_=5,
        mixed="mixed",
    )


@pytest.mark.usefixtures("modules")
def test_the_blocking_client(tmp_path: Path) -> None:
    module = generated(describe_app(odd.app), tmp_path, blocking=True)
    with odd.app.test_client() as client:
        calls = module.OddClient(client)
        sent = an_odd_one(module)
        back = calls.same(sent)
        assert back.days == [dt.date(2024, 2, 29)]
        back.days = msgspec.UNSET
        assert back == sent
        assert type(back.pets[1]) is module.Dog
        assert calls.list_(list_=True, options=module.Options(loud=True)) == []
        assert calls.colours_add("red") == 0
        assert calls.colours_add("blue", [dt.date(2024, 1, 1)]) == 1
        assert calls.places_add((1, 2), (3, 4), result=5) == 7
        assert calls.square(4, "four") == 16
        assert calls.square(4, "four", times=3) == 64
        assert calls.files("a.b") == b"a.b"
        assert list(calls.count(3)) == [0, 1, 2]
        assert list(calls.ended(1)) == [(0.0, 0.0), "the end"]
        assert calls.moment() == dt.datetime(2024, 1, 1)
        assert calls.moment(dt.datetime(2025, 1, 1)) == dt.datetime(2025, 1, 1)
        assert calls.anything({"a": 1}, b=2) == [{"a": 1}, {"b": 2}]
        with pytest.raises(module.TooMuch) as caught:
            list(calls.failing(2))
        assert (caught.value.args, caught.value.kwargs) == ((2,), {"left": 3})
        with pytest.raises(module.TooMuch):
            calls.fail()


@pytest.mark.usefixtures("modules")
def test_the_awaited_client(tmp_path: Path) -> None:
    module = generated(describe_app(odd.app), tmp_path)
    caller = App()

    async def use() -> None:
        calls = module.OddClient(caller)
        sent = an_odd_one(module)
        back = await calls.same(sent)
        back.days = msgspec.UNSET
        assert back == sent
        assert await calls.square(4, "four") == 16
        assert [item async for item in calls.count(3)] == [0, 1, 2]
        with pytest.raises(module.TooMuch):
            [item async for item in calls.failing(2)]
        with pytest.raises(module.TooMuch):
            await calls.fail()

    async def main() -> None:
        async with TestSession(odd.app, caller):
            await use()

    asyncio.run(main())


@pytest.mark.usefixtures("modules")
def test_events_are_heard_and_published(tmp_path: Path) -> None:
    module = generated(describe_app(odd.app), tmp_path, blocking=True)
    heard: list[Any] = []
    odd.heard.clear()
    with odd.app.test_client() as client:
        calls = module.OddClient(client)
        told = calls.on_told(lambda *event: heard.append(event))
        calls.on_left(lambda number, items: heard.append((number, items)))
        calls.tell("apple", handler=3)
        client.settle()
        when = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
        assert sorted(heard, key=len) == [(12, [(1.0, 2.0)]), ("apple", when, 3)]
        told.unsubscribe()
        calls.tell("pear")
        client.settle()
        assert len(heard) == 3
        calls.publish_hear(odd=an_odd_one(module), loud=True)
        calls.publish_rooms("kitchen", "Ann")
        client.settle()
        assert [odd.heard[0][1], odd.heard[1]] == [True, ("kitchen", "Ann")]


@pytest.mark.usefixtures("modules")
def test_events_are_heard_and_published_by_an_app(tmp_path: Path) -> None:
    module = generated(describe_app(odd.app), tmp_path)
    caller = App()
    odd.heard.clear()

    async def main() -> list[Any]:
        heard: list[Any] = []

        async def hear(*event: Any) -> None:
            heard.append(event)

        async with TestSession(odd.app, caller) as session:
            calls = module.OddClient(caller)
            await calls.on_told(hear)
            await calls.on_left(hear)
            await calls.tell("apple")
            await calls.publish_rooms("kitchen", "Ann")
            await session.settle()
        return heard

    when = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    heard = asyncio.run(main())
    assert sorted(heard, key=len) == [(12, [(1.0, 2.0)]), ("apple", when, 1)]
    assert odd.heard == [("kitchen", "Ann")]


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize("text", ["a.b", "", "a b", "#"])
def test_a_component_of_a_uri_stays_one(tmp_path: Path, text: str) -> None:
    module = generated(describe_app(odd.app), tmp_path, blocking=True)
    with odd.app.test_client() as client, pytest.raises((ValueError, WampError)):
        module.OddClient(client).square(4, text)


@pytest.mark.usefixtures("modules")
def test_a_result_that_is_something_else_is_refused(tmp_path: Path) -> None:
    module = generated(describe_app(odd.app), tmp_path, blocking=True)
    with odd.app.test_client() as client:
        other = client.stub("com.other", returns="four")
        assert other is not None
        calls = module.OddClient(client)
        calls._places_add.uri  # noqa: B018 - there is such a handle
        api = describe_app(odd.app)
        wrong = Api(
            title="wrong", version="1", procedures=(_moved(api.procedures[3], "com.other"),)
        )
        with pytest.raises(InvalidResult):
            generated(wrong, tmp_path, blocking=True).WrongClient(client).other(point=(1, 2))


def _moved(procedure: Procedure, uri: str) -> Procedure:
    return msgspec.structs.replace(procedure, uri=uri, parameters=procedure.parameters[:1])


@WAYS
def test_the_same_description_gives_the_same_text(blocking: bool) -> None:
    for app in (shop.app, odd.app):
        api = describe_app(app)
        read = from_document(msgspec.json.decode(msgspec.json.encode(to_document(api))))
        text = python_client(api, blocking=blocking)
        assert text == python_client(read, blocking=blocking)
        assert text == python_client(describe_app(app), blocking=blocking)
        assert text.startswith("# Made by 'wampapp generate python'")


@pytest.mark.usefixtures("modules")
@WAYS
def test_no_text_gets_out_of_its_place(tmp_path: Path, blocking: bool) -> None:
    api = evil()
    text = python_client(api, blocking=blocking)
    assert all(c.isprintable() or c == "\n" for c in text)
    module = module_of(text, tmp_path, "evil_client")
    [client] = [k for k in vars(module).values() if getattr(k, "a_add", None)]
    assert 'raise SystemExit("evil")' in client.a_add.__doc__
    # What results are converted to is looked at here.
    client(App().sync if blocking else App())
    errors = {kind().uri for kind in module._ERRORS.values()}
    assert errors == {failure.uri for p in api.procedures for failure in p.errors}


@given(st.text('a"\\\\\n \x00\x85\u2028\ud800'))
def test_a_docstring_holds_any_text(text: str) -> None:
    source = docstring(text)
    assert all(c.isprintable() or c == "\n" for c in source)
    found = ast.parse(source).body
    assert len(found) <= 1
    held = ast.literal_eval(source) if found else ""
    plain = "".join(c for c in text if c.isprintable() or c == "\n")
    if plain == text:
        assert held.split() == text.split()
    literally = ast.literal_eval(literal(text))
    assert literally == text.replace("\ud800", "\N{REPLACEMENT CHARACTER}")


@pytest.mark.usefixtures("modules")
def test_names_that_are_taken_give_way(tmp_path: Path) -> None:
    def procedures(*uris: str) -> tuple[Procedure, ...]:
        return tuple(Procedure(uri=uri) for uri in uris)

    api = Api(
        title="names",
        version="1",
        procedures=procedures("com.a.add", "com.b.add", "add", "com.list", "com.import", "com.x-y"),
        topics=(
            Topic(uri="com.x", parameters=(Parameter(name="from", schema={}),)),
            Topic(uri="com.x", is_published=True),
        ),
        schemas={"Names_Client": {"type": "object", "properties": {}}},
    )
    client = generated(api, tmp_path).NamesClient
    assert [name for name in vars(client) if not name.startswith("_")] == [
        "a_add", "b_add", "add", "list_", "import_", "x_y", "publish_x", "on_x",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.processes
def test_what_is_generated_passes_mypy(tmp_path: Path) -> None:
    for name, api in (
        ("odd", describe_app(odd.app)),
        ("shop", describe_app(shop.app)),
        ("evil", evil()),
    ):
        for blocking in (False, True):
            source = python_client(api, blocking=blocking)
            (tmp_path / f"{name}_{'blocking' if blocking else 'awaited'}.py").write_text(
                source, "utf-8"
            )
    (tmp_path / "user.py").write_text(
        "from odd_blocking import Odd, OddClient\n"
        "from odd_awaited import OddClient as Awaited\n"
        "def use(client: OddClient, odd: Odd) -> int:\n"
        "    client.same(1)  # wrong\n"
        "    client.nothing()  # wrong\n"
        "    client.on_left(lambda number: None)  # wrong\n"
        "    for number in client.count(1):\n"
        "        number.upper()  # wrong\n"
        "    return client.square(1, 'one')\n"
        "async def wait(client: Awaited) -> int:\n"
        "    text: str = await client.square(1, 'one')  # wrong\n"
        "    return await client.square(1, text)\n"
    )
    files = sorted(path.name for path in tmp_path.glob("*.py"))
    words = [sys.executable, "-m", "mypy", "--cache-dir", tmp_path / "cache", *files]
    words[3:3] = ["--strict", "--config-file", ROOT / "pyproject.toml"]
    done = subprocess.run(
        list(map(str, words)),
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = (tmp_path / "user.py").read_text().splitlines()
    wrong = {
        f"user.py:{number}" for number, line in enumerate(lines, 1) if line.endswith("# wrong")
    }
    found = {
        line.partition(": error:")[0] for line in done.stdout.splitlines() if ": error:" in line
    }
    assert found == wrong, done.stdout + done.stderr


@pytest.mark.parametrize("app", [shop.app, odd.app])
@pytest.mark.parametrize("blocking", [False, True])
def test_it_imports_what_is_public(app: App, blocking: bool) -> None:
    tree = ast.parse(python_client(describe_app(app), blocking=blocking))
    ours = [
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wampapp")
        for alias in node.names
    ]
    if app is shop.app:
        assert ("wampapp", "BlockingSubscription" if blocking else "ActiveSubscription") in ours
    for module, name in ours:
        assert module == "wampapp"
        assert name in wampapp.__all__
