"""Which processes a deployment has, and in which order they start and stop."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from wampapp.config.url import parse_urls
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["router", "service", "worker", "guest"]

#: Ends with these exit codes say that another start would end in the same way: a mistake in what
#: was typed or configured, and a router that refuses.
FINAL_CODES: Final = (2, 4)
#: The seconds that a process gets to end: more than handlers get, which is 10 by default.
STOP_SECONDS: Final = 30
#: The port of the first service with web pages; each further one has the next.
_FIRST_HTTP: Final = 8000
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Program:
    """A process that is to run.

    Attributes:
        name: what it is called, below the deployment's name.
        kind: what it is.
        words: its command; the first word of our own is ``wampapp``.
        about: one sentence about it.
        is_health_checked: whether its app has health checks.
        name_of_service: the app's name.
    """

    name: str
    kind: Kind
    words: tuple[str, ...]
    about: str
    is_health_checked: bool = False
    name_of_service: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether it is a command of wampapp's."""
        return self.kind != "guest"


@dataclass(frozen=True)
class Plan:
    """A deployment.

    Attributes:
        name: what it is called.
        folder: where it is on the machine that it runs on.
        url: the router that services join.
        programs: what runs, in the order in which it starts; it stops in the reverse order, so that
            a router ends last, and calls in flight complete.
    """

    name: str
    folder: str
    url: str
    programs: tuple[Program, ...] = field(default=())

    @property
    def router(self) -> Program | None:
        """Its router; None if services join another one."""
        return next((one for one in self.programs if one.kind == "router"), None)


@dataclass(frozen=True)
class Target:
    """An app that is deployed.

    Attributes:
        place: how it is named on the command line.
        name: the app's name.
        has_pages: whether it has web pages.
        has_tasks: whether it has a task queue.
        is_health_checked: whether it has health checks.
    """

    place: str
    name: str
    has_pages: bool = False
    has_tasks: bool = False
    is_health_checked: bool = False


def describe(place: str) -> Target:
    """Import an app, and return what matters of it.

    Raises:
        TargetError: it cannot be imported.
    """
    from wampapp.cli.run.targets import load_one

    app = load_one(place, prefix=None, store=None)
    tasks: Any = app.extensions.get("tasks")
    return Target(
        place,
        app.name,
        has_pages=bool(app.registry.web),
        has_tasks=tasks is not None,
        is_health_checked=bool(app.registry.health_checks),
    )


def make_plan(
    name: str,
    folder: str,
    targets: Sequence[Target],
    *,
    url: str | None = None,
    port: int = 8080,
    router_config: str | None = None,
    workers: int = 1,
    task_workers: int = 0,
    guests: Mapping[str, str] | None = None,
) -> Plan:
    """Decide what runs.

    Args:
        name: what the deployment is called.
        folder: where it is on the machine that it runs on.
        targets: the apps.
        url: the router that they join, or several with commas between; None for one that is
            deployed with them.
        port: that one's port.
        router_config: the file that says who may join that one.
        workers: in how many processes each app runs.
        task_workers: how many further processes run the tasks of each app that has some.
        guests: commands of other languages, by name.

    Raises:
        InvalidUrl: the URL is not a router's.
        UsageError: a name cannot be used, is taken twice, or a guest's executable is missing.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot name a deployment; use the letters a to z, digits and '-', as in "
            "--name my-shop."
        )
    programs: list[Program] = []
    joined = ",".join(one.url for one in parse_urls(url or f"rs://127.0.0.1:{port}"))
    if url is None:
        config = ("--router-config", router_config) if router_config else ()
        words = ("wampapp", "router", "--port", str(port), *config)
        programs.append(Program("router", "router", words, f"The router of {name}"))
    http = _FIRST_HTTP
    for target in targets:
        words = ("wampapp", "run", target.place, "--url", joined)
        if workers > 1:
            words += ("--workers", str(workers))
        if target.has_pages:
            words += ("--http", f"127.0.0.1:{http}", "--trust-proxy")
            http += 1
        program = _program_name(target)
        about = f"The service {target.name} of {name}"
        programs.append(
            Program(program, "service", words, about, target.is_health_checked, target.name)
        )
        if target.has_tasks:
            for number in range(1, task_workers + 1):
                words = ("wampapp", "worker", target.place, "--url", joined)
                about = f"A worker of the tasks of {target.name} of {name}"
                programs.append(Program(f"{program}-worker-{number}", "worker", words, about))
    for guest, command in (guests or {}).items():
        programs.append(
            Program(guest, "guest", _guest(guest, command), f"The guest {guest} of {name}")
        )
    names = [one.name for one in programs]
    if twice := next((one for one in names if names.count(one) > 1), None):
        raise UsageError(f"Two processes would be called {twice!r}; give one app another name.")
    return Plan(name, folder, joined, tuple(programs))


def _program_name(target: Target) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", target.name.lower()).strip("-")
    return plain or "service"


def _guest(name: str, command: str) -> tuple[str, ...]:
    """Return the words of a guest's command.

    Raises:
        UsageError: its name cannot be used, or its executable is missing.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(f"{name!r} cannot name a guest; use the letters a to z, digits and '-'.")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"The command of the guest {name} cannot be read: {error}.") from None
    if not words:
        raise UsageError(f"The guest {name} has no command; write one, such as 'node worker.js'.")
    if shutil.which(words[0]) is None and not Path(words[0]).is_file():
        raise UsageError(
            f"The guest {name} needs {words[0]!r}, which is neither on the path nor a file; "
            "install it, or mend its command in [tool.wampapp.deploy.guests] of pyproject.toml."
        )
    return tuple(words)
