"""Rooms and floors: a module imports from the floors below its own, and from nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wampapp

# A module or package of wampapp, and the floor it stands on. Whoever adds a module adds it here.
FLOORS = {
    "_version": 0,
    "errors": 0,
    "context": 0,
    "results": 0,
    "roles": 0,
    "uri": 1,
    "messages": 1,
    "logs": 1,
    "auth": 1,
    "reactor_loop": 1,
    "pattern": 2,
    "codec": 2,
    "config": 2,
    "registry": 3,
    "tls": 3,
    "link": 3,
    "loop": 3,
    "workers": 3,
    "binding": 4,
    "endpoint": 5,
    "transport": 5,
    "run": 6,
    "dispatch": 7,
    "probe": 7,
    "blueprint": 6,
    "dial": 6,
    "router": 6,
    "lane": 8,
    "joining": 8,
    "lifecycle": 8,
    "serving": 9,
    "session": 10,
    "keepalive": 10,
    "outbox": 10,
    "connection": 11,
    "handles": 11,
    "client": 12,
    "banner": 12,
    "service": 12,
    "runner": 13,
    "app": 14,
    "supervisor": 15,
    "crossbar": 15,
    "testing": 13,
    "pytest_plugin": 16,
    "asgi": 15,
    "cli": 16,
    "flask": 17,
    "__init__": 18,  # what users import from
    "__main__": 18,
}

# Inside these packages only cycles are forbidden.
PACKAGES = {"router", "cli", "flask", "supervisor", "testing", "transport"}

# Who speaks to Autobahn, and who to Twisted.
AUTOBAHN = {"auth", "transport", "router", "crossbar", "testing"}
TWISTED = AUTOBAHN | {"dial", "loop", "probe", "tls"}

ROOT = Path(wampapp.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}


def room(module: str) -> str:
    """Return the module or package of the table that a module belongs to."""
    return module.partition(".")[0]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import that can run, also those inside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and is_type_checking(child):
            for other in child.orelse:
                yield from statements(ast.Module([other], []))
        else:
            yield from statements(child)


def imported(path: Path) -> set[str]:
    """Return the full names of all modules, or of names in modules, that a file imports."""
    names: set[str] = set()
    for statement in statements(ast.parse(path.read_text())):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        else:
            assert not statement.level, f"{path} has a relative import; write it out"
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
    return names


def arrows(path: Path) -> set[str]:
    """Return the modules of wampapp that a file imports, named as in MODULES."""
    found = set()
    for name in imported(path):
        if name.partition(".")[0] != "wampapp":
            continue
        inside = name.removeprefix("wampapp").removeprefix(".")
        while inside not in MODULES and inside:
            inside = inside.rpartition(".")[0]
        found.add(inside or "__init__")
    return found


ARROWS = {module: arrows(path) for module, path in MODULES.items()}
PAIRS = sorted((importer, target) for importer in ARROWS for target in ARROWS[importer])


def cycle(arrows: dict[str, set[str]]) -> list[str]:
    """Return the modules of a cycle, in its order; nothing where there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(arrows.get(module, ())):
            if found := walk(target, [*path, module]):
                return found
        done.add(module)
        return []

    for module in sorted(arrows):
        if found := walk(module, []):
            return found
    return []


def test_every_module_has_a_floor() -> None:
    assert {room(module) for module in MODULES} - set(FLOORS) == set()


@pytest.mark.parametrize(("importer", "target"), PAIRS)
def test_a_module_imports_from_lower_floors_alone(importer: str, target: str) -> None:
    here, there = room(importer), room(target)
    if here == there and here in PACKAGES:
        return  # the test of cycles is about these
    assert FLOORS[there] < FLOORS[here], f"{importer} imports {target}, which is not below it"


def test_there_is_no_cycle() -> None:
    assert cycle(ARROWS) == []


def test_a_cycle_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_autobahn_and_twisted_are_imported_where_they_may_be(module: str) -> None:
    packages = {name.partition(".")[0] for name in imported(MODULES[module])}
    allowed = set()
    if room(module) in AUTOBAHN:
        allowed |= {"autobahn", "txaio"}
    if room(module) in TWISTED:
        allowed |= {"twisted"}
    assert packages & {"autobahn", "txaio", "twisted"} <= allowed


def test_what_only_types_need_is_not_counted() -> None:
    text = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from wampapp import app
else:
    from wampapp import uri
def function():
    from wampapp.errors import InvalidUri
"""
    found = [ast.unparse(statement) for statement in statements(ast.parse(text))]
    assert found == [
        "from typing import TYPE_CHECKING",
        "from wampapp import uri",
        "from wampapp.errors import InvalidUri",
    ]
