"""The rooms of the package, as `docs/explanation/design.md` lists them, and who imports whom.

An import that only type checkers read counts like any other: a module that needs a class, if only
as a type, depends on it.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import wampapp

MAX_FLOORS = 12

# Who speaks to Autobahn, and who to Twisted.
AUTOBAHN = {"protocol", "transport", "server", "crossbar", "testing", "autobahn"}
TWISTED = AUTOBAHN | {"loop", "cli", "web"}

PACKAGE = Path(wampapp.__file__).parent
PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/design.md"

#: Every module by its name below `wampapp`; the package of a room is named as the room.
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
#: What users import from, and what `python -m wampapp` runs: above every floor.
ROOF = {"__init__", "__main__"}


@dataclass
class Room:
    """A room as the page has it.

    Attributes:
        floor: the number of its floor, from 1.
        modules: the names of its modules; those in a folder of its own as `folder/name`.
    """

    floor: int
    modules: set[str]


def rooms_of(page: str) -> dict[str, Room]:
    """Read the tree of the page: the block whose first line is `wampapp/`.

    The line of a room has its floor (unless that is the floor of the room before), its name and
    what it is for. The lines below it, which are indented deeper, list its modules.
    """
    block = re.search(r"^```\nwampapp/\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert block is not None, "the page has no tree"
    found: dict[str, Room] = {}
    floor, room = 0, Room(0, set())
    for line in block[1].splitlines():
        if head := re.match(r"( \d|\d\d|  )  (\w+)(/|\.py)  ", line):
            floor = int(head[1]) if head[1].strip() else floor
            room = Room(floor, set() if head[3] == "/" else {head[2]})
            assert head[2] not in found, f"{head[2]} is there twice"
            found[head[2]] = room
        else:
            assert line.startswith(" " * 8), f"this line is neither a room nor its modules: {line}"
            room.modules |= set(line.split())
    return found


ROOMS = rooms_of(PAGE.read_text(encoding="utf-8"))


def room_of(module: str) -> str:
    return module.partition(".")[0]


def imported(tree: ast.AST) -> Iterator[str]:
    """The full names of the modules, or of names in modules, that a file imports, also as types."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                assert not node.level, "there is a relative import; write it out"
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            case ast.Call(func=ast.Name("import_module"), args=[ast.Constant(str(name))]):
                yield name


def arrows(path: Path) -> set[str]:
    """The modules of wampapp that a file imports, named as in MODULES."""
    found = set()
    for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        if name.partition(".")[0] == "wampapp":
            inside = name.removeprefix("wampapp").removeprefix(".")
            while inside not in MODULES and inside:
                inside = inside.rpartition(".")[0]
            found.add(inside or "__init__")
    return found


ARROWS = {module: arrows(path) for module, path in MODULES.items()}


def cycle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules of a cycle, in its order; nothing where there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(arrows.get(module, ())):
            if target != module and (found := walk(target, [*path, module])):
                return found
        done.add(module)
        return []

    for module in sorted(arrows):
        if found := walk(module, []):
            return found
    return []


def modules_of(room: str) -> set[str]:
    """The modules that a room has, as the page lists them."""
    if room in MODULES and MODULES[room].name != "__init__.py":
        return {room}
    folder = PACKAGE / room
    return {
        path.relative_to(folder).with_suffix("").as_posix()
        for path in folder.rglob("*.py")
        if path.name != "__init__.py"
    }


def test_the_page_has_every_room_and_no_other() -> None:
    assert set(ROOMS) == {room_of(module) for module in MODULES} - ROOF


@pytest.mark.parametrize("room", ROOMS)
def test_the_page_has_every_module_of_a_room_and_no_other(room: str) -> None:
    assert ROOMS[room].modules == modules_of(room)


def test_there_are_few_floors() -> None:
    floors = [room.floor for room in ROOMS.values()]
    assert floors == sorted(floors), "the page's rooms go from the ground up"
    assert set(floors) == set(range(1, max(floors) + 1))
    assert max(floors) <= MAX_FLOORS


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_from_its_own_room_and_from_lower_floors(module: str) -> None:
    here = room_of(module)
    if here in ROOF:
        return
    for target in ARROWS[module]:
        there = room_of(target)
        assert there not in ROOF, f"{module} imports what users import from"
        assert here == there or ROOMS[there].floor < ROOMS[here].floor, (
            f"{module} imports {target}, which is not below it"
        )


def test_there_is_no_cycle() -> None:
    assert cycle(ARROWS) == []


def test_a_cycle_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_autobahn_and_twisted_are_imported_where_they_may_be(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    packages = {name.partition(".")[0] for name in imported(tree)}
    allowed = set()
    if room_of(module) in AUTOBAHN:
        allowed |= {"autobahn", "txaio"}
    if room_of(module) in TWISTED:
        allowed |= {"twisted"}
    assert packages & {"autobahn", "txaio", "twisted"} <= allowed


def test_every_way_to_import_counts() -> None:
    text = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from wampapp import app
def function():
    from wampapp.errors import InvalidUri
    import_module("wampapp.router")
"""
    assert set(imported(ast.parse(text))) == {
        "typing.TYPE_CHECKING",
        "wampapp.app",
        "wampapp.errors.InvalidUri",
        "wampapp.router",
    }


def test_the_tree_is_read() -> None:
    page = """
```
wampapp/
 1  errors.py     what goes wrong
 2  protocol/     WAMP as data
                  codec uri
    loop/         the loop
                  runtime
                  shell/one
```
"""
    assert rooms_of(page) == {
        "errors": Room(1, {"errors"}),
        "protocol": Room(2, {"codec", "uri"}),
        "loop": Room(2, {"runtime", "shell/one"}),
    }
