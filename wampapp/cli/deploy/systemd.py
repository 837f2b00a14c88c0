"""Units of systemd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wampapp.cli.deploy.plan import FINAL_CODES, STOP_SECONDS

if TYPE_CHECKING:
    from wampapp.cli.deploy.plan import Plan, Program

#: For how long a process may be silent before it is taken to hang, in seconds.
_WATCHDOG: Final = 30

_HARDENING: Final = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
"""


def units(plan: Plan, *, user: str | None) -> dict[str, str]:
    """Return the files of a deployment, by name.

    Args:
        plan: the deployment.
        user: who the processes run as; None for one that systemd makes for them.
    """
    found = {f"{plan.name}.target": _target(plan)}
    for program in plan.programs:
        found[f"{plan.name}-{program.name}.service"] = _service(plan, program, user)
    return found


def _target(plan: Plan) -> str:
    wants = " ".join(f"{plan.name}-{one.name}.service" for one in plan.programs)
    return (
        "[Unit]\n"
        f"Description=All of {plan.name}\n"
        f"Wants={wants}\n"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n"
    )


def _service(plan: Plan, program: Program, user: str | None) -> str:
    after = "network.target"
    if program.kind != "router" and plan.router is not None:
        # Order only: a service waits for its router by itself. On the way down it stops first.
        after += f" {plan.name}-{plan.router.name}.service"
    kind = f"notify\nNotifyAccess=main\nWatchdogSec={_WATCHDOG}" if program.is_ours else "exec"
    lines = [
        "[Unit]",
        f"Description={_escaped(program.about)}",
        f"After={after}",
        f"PartOf={plan.name}.target",
        "",
        "[Service]",
        f"Type={kind}",
        f"WorkingDirectory={_escaped(plan.folder)}",
        f"ExecStart={command_line(plan, program)}",
        f"EnvironmentFile=-/etc/{plan.name}.env",
    ]
    if program.is_ours:
        lines.append("Environment=WAMPAPP_LOG_FORMAT=json")
    else:
        lines.append(f"Environment=WAMPAPP_URL={plan.url}")
    if program.kind == "router" or "--workers" in program.words:
        lines.append("ExecReload=/bin/kill -HUP $MAINPID")
    lines += [
        "Restart=on-failure",
        "RestartSec=1",
        # Another start would end in the same way.
        f"RestartPreventExitStatus={' '.join(map(str, FINAL_CODES))}",
        # One SIGTERM, to the first process: it ends its workers by itself.
        "KillMode=mixed",
        f"TimeoutStopSec={STOP_SECONDS}",
        f"User={user}" if user else "DynamicUser=yes",
        # Components keep their data in the folder "instance", which is all that may be written.
        f"StateDirectory={plan.name}",
        f"BindPaths=/var/lib/{plan.name}:{_escaped(plan.folder)}/instance",
    ]
    return "\n".join(lines) + f"\n{_HARDENING}\n[Install]\nWantedBy={plan.name}.target\n"


def command_line(plan: Plan, program: Program) -> str:
    """Return a program's command, as systemd reads it."""
    first, *others = program.words
    if program.is_ours:
        first = f"{plan.folder}/.venv/bin/wampapp"
    return " ".join(_quoted(word) for word in (first, *others))


def _quoted(word: str) -> str:
    plain = _escaped(word).replace("$", "$$")
    if plain and not set(plain) & set(" \t\"'\\;"):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
