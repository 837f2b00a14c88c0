"""A configuration of supervisord."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from wampapp.cli.deploy.plan import FINAL_CODES, STOP_SECONDS

if TYPE_CHECKING:
    from wampapp.cli.deploy.plan import Plan, Program


def configuration(plan: Plan, *, user: str | None) -> dict[str, str]:
    """Return the file of a deployment, by name.

    Args:
        plan: the deployment.
        user: who the processes run as; None for who supervisord does.
    """
    # Without a group: of those, supervisord stops all programs at once. One by one, the router
    # is the last, so that calls in flight complete.
    parts = [_program(plan, one, number, user) for number, one in enumerate(plan.programs)]
    return {f"{plan.name}.conf": "\n".join(parts)}


def _program(plan: Plan, program: Program, number: int, user: str | None) -> str:
    first, *others = program.words
    environment = f'WAMPAPP_URL="{_escaped(plan.url)}"'
    if program.is_ours:
        first = f"{plan.folder}/.venv/bin/wampapp"
        environment = 'WAMPAPP_LOG_FORMAT="json"'
    lines = [
        f"[program:{plan.name}-{program.name}]",
        f"command={_escaped(shlex.join([first, *others]))}",
        f"directory={_escaped(plan.folder)}",
        f"environment={environment}",
        # Lower ones start first, and stop last: the router.
        f"priority={10 * (number + 1)}",
        "autorestart=unexpected",
        # Another start would end in the same way.
        f"exitcodes=0,{','.join(map(str, FINAL_CODES))}",
        "startsecs=1",
        "startretries=10",
        # One signal, to the first process: it ends its workers by itself.
        "stopsignal=TERM",
        f"stopwaitsecs={STOP_SECONDS}",
        "killasgroup=true",
        "redirect_stderr=true",
    ]
    if user:
        lines.append(f"user={user}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
